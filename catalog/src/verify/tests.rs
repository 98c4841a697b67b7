//! Every invariant, broken once, is named; a sound store is clean, whoever is at work in it.

use chrono::TimeDelta;

use super::*;
use crate::Clock;
use crate::fixture::Store;
use crate::intent::{Move, mark_move};
use crate::{CallEnd, CallIntent, CallStatus, FAILED, PROCESSED, files};

/// Long after everything was written: nothing is excused for being new.
fn later() -> DateTime<Utc> {
    Clock::system().now() + TimeDelta::hours(1)
}

fn verifier(store: &Store) -> Verifier {
    Verifier::new(store.catalog.clone(), store.root.clone(), &store.settings)
}

fn faults(store: &Store) -> Vec<(String, String)> {
    let faults = verifier(store).verify(later()).unwrap();
    faults.into_iter().map(|fault| (fault.path.to_str().unwrap().to_owned(), fault.what)).collect()
}

/// A store with something of everything.
fn sound() -> Store {
    let store = Store::new();
    store.add("gate/ready.mp4", "ready");
    let leased = store.add("gate/leased.mp4", "leased");
    store.lease(leased);
    store.add_processed("gate/kept.mp4", "kept");
    let moved = store.add_processed("gate/moved.mp4", "moved");
    store.media().move_into(moved, Some(PROCESSED)).unwrap();
    store.add_quarantined("gate/dead.mp4", "dead");
    let dropped = store.add_quarantined("gate/dropped.mp4", "dropped");
    store.catalog.drop_job(dropped).unwrap();
    let deleted = store.add_processed("gate/deleted.mp4", "deleted");
    store.media().delete(deleted).unwrap();
    let missing = store.add_processed("gate/missing.mp4", "missing");
    store.remove("gate/missing.mp4");
    store.scan();
    assert_eq!(store.segment(missing).state, SegmentState::Missing);
    // What the recorder, other recorders, workers and people have lying about.
    for path in
        ["gate/a.mp4.partial", "gate/failed/b.mp4.partial", "gate/.c.mp4.json.staged", "gate/note.txt"]
    {
        store.write(path, path);
    }
    store
}

#[test]
fn a_sound_store_is_clean() {
    let store = sound();
    let named = store.path("gate/below/named.mp4");
    store.write("gate/below/named.mp4", "named");
    let stat = FileStat::of(&named.metadata().unwrap());
    store.catalog.index_named_file(&named, stat, later()).unwrap();
    store.remove("gate/below/named.mp4");
    store.scan();
    assert_eq!(faults(&store), []);
}

#[test]
fn a_processed_segment_that_was_queued_again_is_no_fault() {
    use crate::Queue;
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.queue().offer(&[id], crate::fixture::noon()).unwrap();
    assert_eq!(faults(&store), []);
}

#[test]
fn what_was_closed_a_moment_ago_may_not_have_been_scanned_yet() {
    let store = Store::new();
    store.write("gate/a.mp4", "a");
    store.add("gate/growing.ts", "a");
    let growing = store.path("gate/growing.ts");
    let now = Clock::system().now();
    std::fs::write(growing, "a and more").unwrap();
    assert_eq!(verifier(&store).verify(now).unwrap(), []);
    let patience = store.settings.storage.settle + store.settings.storage.scan_interval;
    let over = now + patience + TimeDelta::seconds(10);
    assert_eq!(verifier(&store).verify(over).unwrap().len(), 2);
}

#[test]
fn only_the_folders_of_configured_cameras_count() {
    let store = Store::with("[[camera]]\nid = \"gate\"\n");
    store.write("exports/a.mp4", "a");
    assert_eq!(faults(&store), []);
}

/// Breaks one invariant; the faults that must be named, as path and a part of what is said.
type Breach = (fn(&Store), &'static str, &'static str);

#[test]
fn each_breach_is_named() {
    const BREACHES: [Breach; 16] = [
        (|s| s.remove("gate/ready.mp4"), "gate/ready.mp4", "the file is gone"),
        (|s| s.remove("gate/processed/moved.mp4"), "gate/processed/moved.mp4", "the file is gone"),
        (|s| s.remove("gate/failed/dead.mp4"), "gate/failed/dead.mp4", "the file is gone"),
        (|s| s.write("gate/kept.mp4", "kept and more"), "gate/kept.mp4", "its size"),
        (|s| s.remove("gate/kept.mp4.json"), "gate/kept.mp4", "its sidecar is gone"),
        (|s| s.write("gate/kept.mp4.json", "{"), "gate/kept.mp4", "its sidecar cannot be read"),
        (swap_sidecar, "gate/kept.mp4", "about another content"),
        (|s| s.write("yard/a.mp4", "a"), "yard/a.mp4", "does not know; start nightreel"),
        (|s| s.write("gate/processed/a.mp4", "a"), "gate/processed/a.mp4", "does not know; move it"),
        (|s| s.write("gate/missing.mp4", "back"), "gate/missing.mp4", "does not know"),
        (begin_a_move, "gate/kept.mp4", "begun and not finished"),
        (
            |s| s.break_rows("UPDATE segment SET state = 'processed' WHERE path = 'gate/failed/dropped.mp4'"),
            "gate/failed/dropped.mp4",
            "without results",
        ),
        (
            |s| s.break_rows("UPDATE segment SET state = 'ready' WHERE path = 'gate/kept.mp4'"),
            "gate/kept.mp4",
            "not processed",
        ),
        (|s| s.break_rows("DELETE FROM job WHERE state = 'queued'"), "gate/ready.mp4", "in no queue"),
        (queue_a_deleted, "gate/deleted.mp4", "deleted, but still in the queue"),
        (
            |s| s.break_rows("UPDATE job SET token = NULL WHERE state = 'leased'"),
            "gate/leased.mp4",
            "its lease",
        ),
    ];
    for (breach, path, what) in BREACHES {
        let store = sound();
        breach(&store);
        let faults = faults(&store);
        assert!(
            faults.iter().any(|fault| fault.0 == path && fault.1.contains(what)),
            "{path} {what}: {faults:?}"
        );
        assert!(faults.iter().all(|fault| fault.0 == path), "{path} {what}: {faults:?}");
    }
}

fn queue_a_deleted(store: &Store) {
    store.break_rows(
        "INSERT INTO job (segment_id, state, scope, start_ms, available_ms)
         SELECT id, 'queued', '', 0, 0 FROM segment WHERE path = 'gate/deleted.mp4'",
    );
}

fn swap_sidecar(store: &Store) {
    store.write("gate/kept.mp4.json", &store.read("gate/processed/moved.mp4.json").unwrap());
}

/// As a process leaves it that is killed between the renames.
fn begin_a_move(store: &Store) {
    let id = store.at("gate/kept.mp4").unwrap().id;
    let intent = Move { to: "gate/processed/kept.mp4".into(), change: None };
    store.catalog.write("mark", |t| mark_move(t, id, &intent)).unwrap();
    files::rename(&store.path("gate/kept.mp4"), &store.path("gate/processed/kept.mp4")).unwrap();
}

#[test]
fn an_answer_without_an_answered_call_is_named() {
    let store = Store::new();
    let now = later();
    let call = CallIntent {
        request_id: "request".to_owned(),
        key: "key".to_owned(),
        cap_day: now.date_naive(),
        camera: None,
        segment_sha256: "ab".to_owned(),
        model: "model".to_owned(),
        mode: crate::CallMode::Direct,
        bound: crate::Bound::default(),
    };
    store.catalog.begin_call(&call, &crate::DayCaps::default(), now).unwrap();
    let end = CallEnd {
        status: CallStatus::Answered,
        http_status: Some(200),
        input_tokens: None,
        output_tokens: None,
        cost: None,
        charge: crate::Charge::Unknown,
        error: None,
    };
    store.catalog.end_call("request", &end, Some("an answer"), now).unwrap();
    assert_eq!(faults(&store), []);
    store.break_rows("UPDATE call SET status = 'failed'");
    assert_eq!(faults(&store)[0].0, "key");
}

#[test]
fn a_root_that_is_another_is_not_verified() {
    let store = sound();
    std::fs::write(store.path(".nightreel-root"), "another\n").unwrap();
    assert!(matches!(verifier(&store).verify(later()), Err(CatalogError::RootChanged { .. })));
}

#[test]
fn nothing_is_wrong_while_others_move() {
    let store = Store::new();
    let ids: Vec<SegmentId> =
        (0..6).map(|number| store.add_processed(&format!("gate/{number}.mp4"), "a")).collect();
    let media = MediaFolder::new(store.catalog_elsewhere(), Some(store.root.clone()));
    std::thread::scope(|scope| {
        let movers = scope.spawn(move || {
            for folder in [Some(PROCESSED), Some(FAILED), None].into_iter().cycle().take(12) {
                ids.iter().for_each(|id| drop(media.move_into(*id, folder).unwrap()));
            }
        });
        while !movers.is_finished() {
            assert_eq!(faults(&store), []);
        }
    });
}

#[test]
fn results_whose_file_is_gone_are_told_but_not_other_peoples() {
    let store = Store::new();
    let results = |name: &str| {
        let id = store.add_processed(name, name);
        let file = store.path(name);
        crate::cues::write(&file, &crate::fixture::results(&store.segment(id))).unwrap();
        id
    };
    results("gate/kept.mp4");
    results("gate/missing.mp4");
    let moved = results("gate/moved.mp4");
    store.media().move_into(moved, Some(PROCESSED)).unwrap();
    store.remove("gate/missing.mp4");
    store.scan();
    store.write("gate/theirs.vtt", "WEBVTT\n\nmine");
    store.write("gate/theirs.mp4.json", "{}");
    assert_eq!(faults(&store), []);

    for (from, to) in [("processed/moved", "left"), ("processed/moved", "processed/left")] {
        for suffix in ["mp4.json", "vtt"] {
            let text = std::fs::read(store.path(&format!("gate/{from}.{suffix}"))).unwrap();
            std::fs::write(store.path(&format!("gate/{to}.{suffix}")), text).unwrap();
        }
    }

    let left =
        ["gate/left.mp4.json", "gate/left.vtt", "gate/processed/left.mp4.json", "gate/processed/left.vtt"];
    let mut told = faults(&store);
    told.sort();
    let what = crate::verify_beside::LEFT_OVER.to_owned();
    assert_eq!(told, left.map(|path| (path.to_owned(), what.clone())));
}
