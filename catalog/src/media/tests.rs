//! Moves and deletions, whole and cut short at every step.

use std::fs;
use std::path::Path;

use super::*;
use crate::fixture::{Store, noon};
use crate::{FAILED, PROCESSED, Queue, files};

fn state(store: &Store, id: SegmentId) -> (String, SegmentState) {
    let segment = store.segment(id);
    (segment.path.to_str().unwrap().to_owned(), segment.state)
}

fn planned(id: SegmentId, state: SegmentState) -> Planned {
    Planned { id, state, now: noon() }
}

#[test]
fn a_move_takes_the_sidecar_along() {
    let store = Store::new();
    let id = store.add_processed("gate/2026/a.mp4", "a");
    let sidecar = store.read("gate/2026/a.mp4.json");
    let path = store.media().move_into(id, Some(PROCESSED)).unwrap();
    assert_eq!(path, Path::new("gate/processed/2026/a.mp4"));
    assert_eq!(state(&store, id), ("gate/processed/2026/a.mp4".to_owned(), SegmentState::Processed));
    assert_eq!(store.files(), ["gate/processed/2026/a.mp4", "gate/processed/2026/a.mp4.json"]);
    assert_eq!(store.read("gate/processed/2026/a.mp4.json"), sidecar);
    assert_eq!(store.media().absolute(&store.segment(id)), store.path("gate/processed/2026/a.mp4"));
}

#[test]
fn moving_twice_is_moving_once() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    for _ in 0..2 {
        assert_eq!(store.media().move_into(id, Some(PROCESSED)).unwrap(), Path::new("gate/processed/a.mp4"));
    }
    assert_eq!(store.files(), ["gate/processed/a.mp4", "gate/processed/a.mp4.json"]);
}

#[test]
fn a_name_is_taken_by_a_file_a_sidecar_or_a_row() {
    let store = Store::new();
    let gone = store.add("gate/processed/a.mp4", "gone");
    store.remove("gate/processed/a.mp4");
    store.write("gate/processed/a_2.mp4", "a file");
    store.write("gate/processed/a_3.mp4.json", "a sidecar");
    let id = store.add_processed("gate/a.mp4", "a");
    assert_eq!(store.media().move_into(id, Some(PROCESSED)).unwrap(), Path::new("gate/processed/a_4.mp4"));
    assert_eq!(store.read("gate/processed/a_2.mp4").unwrap(), "a file");
    assert_eq!(store.read("gate/processed/a_3.mp4.json").unwrap(), "a sidecar");
    assert_eq!(store.segment(gone).path, Path::new("gate/processed/a.mp4"));
}

#[test]
fn quarantine_keeps_the_reason_and_release_undoes_it() {
    let store = Store::new();
    let id = store.add_quarantined("gate/a.mp4", "junk");
    assert_eq!(state(&store, id), ("gate/failed/a.mp4".to_owned(), SegmentState::Failed));
    assert_eq!(store.segment(id).reason.as_deref(), Some("not a video"));
    assert_eq!(store.queue().stats(noon()).unwrap().dead, 1);

    store.media().release(id).unwrap();
    assert_eq!(state(&store, id), ("gate/a.mp4".to_owned(), SegmentState::Ready));
    assert_eq!(store.segment(id).reason, None);
    // In the queue at once: a kill before it is offered again must not lose it.
    assert_eq!(store.lease(id).attempt, 1);
}

#[test]
fn release_leaves_a_running_lease_alone() {
    let store = Store::new();
    let id = store.add("gate/failed/a.mp4", "a");
    let lease = store.lease(id);
    store.media().release(id).unwrap();
    assert!(store.queue().extend(&lease, std::time::Duration::from_secs(1), noon()).unwrap());
}

#[test]
fn a_move_without_a_change_keeps_state_and_reason() {
    let store = Store::new();
    let id = store.add_quarantined("gate/a.mp4", "junk");
    store.media().move_into(id, Some(PROCESSED)).unwrap();
    assert_eq!(state(&store, id), ("gate/processed/a.mp4".to_owned(), SegmentState::Failed));
    assert_eq!(store.segment(id).reason.as_deref(), Some("not a video"));
}

#[test]
fn a_deletion_keeps_what_was_seen() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.media().delete(id).unwrap();
    assert!(store.files().is_empty());
    assert_eq!(store.segment(id).state, SegmentState::Deleted);
    assert!(store.catalog.results(id, "profile").unwrap().is_some());
    store.media().delete(id).unwrap();
}

#[test]
fn the_name_of_a_deleted_segment_may_be_used_again() {
    let store = Store::new();
    let former = store.add_processed("gate/a.mp4", "former");
    store.media().delete(former).unwrap();
    let later = store.add("gate/a.mp4", "later");
    assert!(matches!(
        store.media().move_into(former, Some(PROCESSED)),
        Err(CatalogError::SegmentDeleted { .. })
    ));
    assert!(matches!(store.media().quarantine(former, "x"), Err(CatalogError::SegmentDeleted { .. })));
    store.media().delete(former).unwrap();
    assert_eq!(store.read("gate/a.mp4").unwrap(), "later");
    assert_eq!(state(&store, later), ("gate/a.mp4".to_owned(), SegmentState::Ready));
}

#[test]
fn what_was_overwritten_is_neither_moved_nor_deleted() {
    let store = Store::new();
    let (moved, deleted) = (store.add_processed("gate/a.mp4", "a"), store.add_processed("gate/b.mp4", "b"));
    store.write("gate/a.mp4", "another content");
    store.write("gate/b.mp4", "another content");
    store.media().move_into(moved, Some(PROCESSED)).unwrap();
    store.media().delete(deleted).unwrap();
    assert_eq!(store.read("gate/a.mp4").unwrap(), "another content");
    assert_eq!(store.read("gate/b.mp4").unwrap(), "another content");
    assert_eq!(store.scan().added, 2);
}

#[test]
fn a_file_that_is_gone_becomes_missing_where_it_was() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.remove("gate/a.mp4");
    store.media().move_into(id, Some(PROCESSED)).unwrap();
    assert_eq!(state(&store, id), ("gate/a.mp4".to_owned(), SegmentState::Missing));
}

#[test]
fn nothing_happens_on_a_root_that_is_not_mounted() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.rename(".nightreel-root", "elsewhere/id");
    let media = store.media();
    assert!(matches!(media.delete(id), Err(CatalogError::RootChanged { .. })));
    assert!(matches!(media.quarantine(id, "x"), Err(CatalogError::RootChanged { .. })));
    assert!(matches!(media.finish_intents(), Err(CatalogError::RootChanged { .. })));
    store.rename("elsewhere/id", ".nightreel-root");
    assert_eq!(media.finish_intents().unwrap(), 0);
    assert_eq!(state(&store, id), ("gate/a.mp4".to_owned(), SegmentState::Processed));
}

#[test]
fn a_plan_is_carried_out_only_on_what_it_saw() {
    let store = Store::new();
    let media = store.media();
    let ready = store.add("gate/a.mp4", "a");
    let lease = store.lease(ready);
    assert_eq!(
        media.delete_planned(planned(ready, SegmentState::Ready), "too old").unwrap(),
        Carried::LeftAlone
    );
    store.process(&lease);
    assert_eq!(
        media.delete_planned(planned(ready, SegmentState::Ready), "too old").unwrap(),
        Carried::LeftAlone
    );
    store.queue().offer(&[ready], noon()).unwrap();
    assert_eq!(media.move_planned(planned(ready, SegmentState::Processed)).unwrap(), Carried::LeftAlone);
    store.process(&store.lease(ready));
    assert_eq!(media.move_planned(planned(ready, SegmentState::Processed)).unwrap(), Carried::Out);
    assert_eq!(
        media.delete_planned(planned(ready, SegmentState::Processed), "too old").unwrap(),
        Carried::Out
    );
    assert_eq!(
        media.delete_planned(planned(ready, SegmentState::Processed), "too old").unwrap(),
        Carried::LeftAlone
    );
    assert!(store.files().is_empty());
}

#[test]
fn what_waits_may_be_deleted_by_a_plan() {
    let store = Store::new();
    let id = store.add("gate/a.mp4", "a");
    assert_eq!(
        store.media().delete_planned(planned(id, SegmentState::Ready), "too old").unwrap(),
        Carried::Out
    );
    assert_eq!(store.queue().stats(noon()).unwrap().backlog(), 0);
}

/// How far a process came with a move before it was killed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Step {
    Marked,
    /// Where the file system cannot rename without replacing.
    Linked,
    FileMoved,
    SidecarLinked,
    SidecarMoved,
    Noted,
}

const STEPS: [Step; 6] =
    [Step::Marked, Step::Linked, Step::FileMoved, Step::SidecarLinked, Step::SidecarMoved, Step::Noted];

/// Does a move by hand up to a step, as a process does that is killed after it.
fn cut_short(store: &Store, id: SegmentId, intent: &Move, step: Step) {
    let segment = store.segment(id);
    let (from, to) = (store.root.path().join(&segment.path), store.root.path().join(&intent.to));
    let link = |from: &Path, to: &Path| fs::hard_link(from, to).unwrap();
    store.catalog.write("mark", |t| mark_move(t, id, intent)).unwrap();
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    match step {
        Step::Marked => {}
        Step::Linked => link(&from, &to),
        _ => files::rename(&from, &to).unwrap(),
    }
    let (from, to) = (sidecar_of(&from), sidecar_of(&to));
    match step {
        Step::SidecarLinked => link(&from, &to),
        Step::SidecarMoved | Step::Noted => files::rename(&from, &to).unwrap(),
        _ => {}
    }
    if step == Step::Noted {
        let media = store.media();
        media.carry_out(&segment, Intent::Move(intent.clone())).unwrap();
    }
}

/// What a store shows from outside.
fn picture(
    store: &Store,
    id: SegmentId,
) -> (Vec<(String, String)>, String, SegmentState, Option<String>, bool) {
    let read = |path: String| (path.clone(), store.read(&path).unwrap());
    let (path, state) = state(store, id);
    let leased = store.queue().lease(1, std::time::Duration::from_secs(1), noon()).unwrap();
    let reason = store.segment(id).reason;
    (store.files().into_iter().map(read).collect(), path, state, reason, !leased.is_empty())
}

#[test]
fn a_move_that_was_cut_short_anywhere_ends_in_the_same_place() {
    let failed = Change { state: SegmentState::Failed, reason: Some("not a video".to_owned()) };
    let ready = Change { state: SegmentState::Ready, reason: None };
    let cases = [
        ("gate/a.mp4", "gate/processed/a.mp4", None),
        ("gate/a.mp4", "gate/failed/a.mp4", Some(failed)),
        ("gate/failed/a.mp4", "gate/a.mp4", Some(ready)),
    ];
    for (from, to, change) in cases {
        let intent = Move { to: to.into(), change };
        let whole = Store::new();
        let id = whole.add_processed(from, "a");
        let folder = [PROCESSED, FAILED].into_iter().find(|special| to.contains(*special));
        whole.media().relocate(id, folder, intent.change.clone()).unwrap();
        let expected = picture(&whole, id);
        for step in STEPS {
            let store = Store::new();
            let id = store.add_processed(from, "a");
            cut_short(&store, id, &intent, step);
            let anew = MediaFolder::new(store.catalog_elsewhere(), Some(store.root.clone()));
            assert_eq!(anew.finish_intents().unwrap(), usize::from(step != Step::Noted), "{to} {step:?}");
            assert_eq!(anew.finish_intents().unwrap(), 0, "{to} {step:?}");
            assert_eq!(picture(&store, id), expected, "{to} {step:?}");
        }
    }
}

#[test]
fn a_deletion_that_was_cut_short_anywhere_is_finished() {
    for removed in [&[][..], &["gate/a.mp4"][..], &["gate/a.mp4", "gate/a.mp4.json"][..]] {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        store.catalog.write("mark", |t| mark_deletion(t, id)).unwrap();
        removed.iter().for_each(|path| store.remove(path));
        assert_eq!(store.media().finish_intents().unwrap(), 1);
        assert!(store.files().is_empty(), "{removed:?}");
        assert_eq!(store.segment(id).state, SegmentState::Deleted);
    }
}

#[test]
fn a_second_wish_comes_after_the_first_was_finished() {
    for step in STEPS {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        cut_short(&store, id, &Move { to: "gate/processed/a.mp4".into(), change: None }, step);
        store.media().quarantine(id, "x").unwrap();
        assert_eq!(state(&store, id), ("gate/failed/a.mp4".to_owned(), SegmentState::Failed), "{step:?}");
        assert_eq!(store.files(), ["gate/failed/a.mp4", "gate/failed/a.mp4.json"], "{step:?}");
    }
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.catalog.write("mark", |t| mark_deletion(t, id)).unwrap();
    assert!(matches!(store.media().quarantine(id, "x"), Err(CatalogError::SegmentDeleted { .. })));
    assert!(store.files().is_empty());
}

#[test]
fn a_name_that_was_taken_after_the_kill_is_left_alone() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    cut_short(&store, id, &Move { to: "gate/processed/a.mp4".into(), change: None }, Step::Marked);
    store.write("gate/processed/a.mp4", "a stranger");
    store.media().finish_intents().unwrap();
    assert_eq!(state(&store, id).0, "gate/processed/a_2.mp4");
    assert_eq!(store.read("gate/processed/a.mp4").unwrap(), "a stranger");
    assert_eq!(store.read("gate/processed/a_2.mp4").unwrap(), "a");
    assert!(store.read("gate/processed/a_2.mp4.json").is_some());
}

#[test]
fn the_former_name_that_was_used_again_after_the_kill_is_left_alone() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    cut_short(&store, id, &Move { to: "gate/processed/a.mp4".into(), change: None }, Step::SidecarMoved);
    store.write("gate/a.mp4", "a later recording");
    store.media().finish_intents().unwrap();
    assert_eq!(state(&store, id), ("gate/processed/a.mp4".to_owned(), SegmentState::Processed));
    assert_eq!(store.read("gate/a.mp4").unwrap(), "a later recording");
    assert_eq!(store.read("gate/processed/a.mp4").unwrap(), "a");
    assert_eq!(store.scan().added, 1);
}

#[test]
fn a_name_that_was_used_again_is_not_deleted_with_its_former_holder() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.catalog.write("mark", |t| mark_deletion(t, id)).unwrap();
    store.remove("gate/a.mp4");
    store.write("gate/a.mp4", "a later recording");
    store.media().finish_intents().unwrap();
    assert_eq!(store.segment(id).state, SegmentState::Deleted);
    assert_eq!(store.read("gate/a.mp4").unwrap(), "a later recording");
}

#[test]
fn a_sidecar_that_is_there_already_is_not_replaced() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    cut_short(&store, id, &Move { to: "gate/processed/a.mp4".into(), change: None }, Step::FileMoved);
    store.write("gate/processed/a.mp4.json", "a person's");
    store.media().finish_intents().unwrap();
    assert_eq!(state(&store, id).0, "gate/processed/a.mp4");
    assert_eq!(store.read("gate/processed/a.mp4.json").unwrap(), "a person's");
    assert!(store.read("gate/a.mp4.json").is_some());
}

#[test]
fn one_that_cannot_be_finished_does_not_hold_up_the_others() {
    let store = Store::new();
    let [stuck, other] = ["gate/a.mp4", "gate/b.mp4"].map(|path| store.add_processed(path, path));
    // A file where the folder should be: it cannot be made.
    let nowhere = Move { to: "gate/b.mp4.json/a.mp4".into(), change: None };
    store.catalog.write("mark", |t| mark_move(t, stuck, &nowhere)).unwrap();
    store.catalog.write("mark", |t| mark_deletion(t, other)).unwrap();
    store.media().finish_intents().unwrap();
    assert_eq!(store.segment(other).state, SegmentState::Deleted);
    assert_eq!(state(&store, stuck), ("gate/b.mp4.json/a.mp4".to_owned(), SegmentState::Processed));
}

#[test]
fn the_intents_of_named_files_are_finished_by_their_own_kind() {
    let store = Store::new();
    store.write("elsewhere/a.mp4", "a");
    let file = store.path("elsewhere/a.mp4");
    let stat = crate::FileStat::of(&file.metadata().unwrap());
    let named = store.catalog.index_named_file(&file, stat, noon()).unwrap().id;
    let ours = store.add_processed("gate/b.mp4", "b");
    for id in [named, ours] {
        let folder = store.segment(id).path.parent().unwrap().join("processed/x.mp4");
        store.catalog.write("mark", |t| mark_move(t, id, &Move { to: folder, change: None })).unwrap();
    }
    let without_root = MediaFolder::new(store.catalog.clone(), None);
    assert_eq!(without_root.finish_intents().unwrap(), 1);
    assert_eq!(store.read("elsewhere/processed/x.mp4").unwrap(), "a");
    assert_eq!(state(&store, ours).1, SegmentState::Processed);
    assert_eq!(store.media().finish_intents().unwrap(), 1);
    assert_eq!(store.read("gate/processed/x.mp4").unwrap(), "b");
    // Moved again, it stays in the folder it is in.
    assert_eq!(
        without_root.move_into(named, Some(PROCESSED)).unwrap(),
        store.path("elsewhere/processed/x.mp4")
    );
}

#[test]
fn many_movers_take_turns() {
    let store = Store::new();
    let ids: Vec<SegmentId> =
        (0..24).map(|number| store.add(&format!("gate/{number}/same.mp4"), &number.to_string())).collect();
    std::thread::scope(|scope| {
        for chunk in ids.chunks(6) {
            let media = MediaFolder::new(store.catalog_elsewhere(), Some(store.root.clone()));
            scope.spawn(move || {
                for id in chunk {
                    media.quarantine(*id, "x").unwrap();
                    media.finish_intents().unwrap();
                }
            });
        }
    });
    assert_eq!(store.files().len(), 24);
    for id in ids {
        let (path, state) = state(&store, id);
        assert!(store.read(&path).is_some(), "{path}");
        assert_eq!(state, SegmentState::Failed);
    }
}
