//! What a scan makes of the files it finds, and of those it does not.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;
use crate::fixture::{Store, noon, results};
use crate::{ClockSource, ClosedSegment, PROCESSED, Queue, Segment, StartSource};

fn scan_again(store: &Store, scanner: &mut Scanner) -> ScanReport {
    // As after the time between two looks at everything.
    (scanner.walked, scanner.reconciled) = (None, None);
    let report = scanner.scan(&Hints::default(), noon()).unwrap();
    assert_eq!(report.troubles, Vec::<String>::new());
    assert!(store.catalog.begun().unwrap().is_empty());
    report
}

fn backlog(store: &Store) -> u64 {
    store.queue().stats(noon()).unwrap().backlog()
}

fn state_at(store: &Store, path: &str) -> Option<SegmentState> {
    store.at(path).map(|segment| segment.state)
}

#[test]
fn a_file_gets_a_row_and_a_job_once() {
    let store = Store::new();
    store.write("gate/segment_20261122_101500.mp4", "a");
    store.write("yard/below/clip.mkv", "b");
    assert_eq!(store.scan().added, 2);
    assert_eq!(store.scan().added, 0);
    let gate = store.at("gate/segment_20261122_101500.mp4").unwrap();
    assert_eq!((gate.camera.as_deref(), gate.state), (Some("gate"), SegmentState::Ready));
    assert_eq!((gate.start, gate.start_source), ("2026-11-22T10:15:00Z".parse().unwrap(), StartSource::Name));
    let yard = store.at("yard/below/clip.mkv").unwrap();
    assert_eq!((yard.start, yard.start_source), (noon() - TimeDelta::hours(1), StartSource::Mtime));
    assert_eq!(backlog(&store), 2);
}

#[test]
fn a_file_in_a_brand_new_folder_is_found() {
    let store = Store::new();
    let mut scanner = store.scanner();
    assert_eq!(scan_again(&store, &mut scanner).added, 0);
    store.write("garage/2026/11/22/a.mov", "a");
    assert_eq!(scan_again(&store, &mut scanner).added, 1);
    assert_eq!(store.at("garage/2026/11/22/a.mov").unwrap().camera.as_deref(), Some("garage"));
}

#[test]
fn names_are_read_in_the_zone_of_the_settings() {
    let store = Store::with("name_timezone = \"Europe/Berlin\"");
    store.write("gate/segment_20261122_101500.mp4", "a");
    store.scan();
    let start = store.at("gate/segment_20261122_101500.mp4").unwrap().start;
    assert_eq!(start, "2026-11-22T09:15:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn other_recorders_files_are_footage_and_nothing_else_is() {
    let store = Store::new();
    for name in ["a.mp4", "b.MKV", "c.ts", "d.avi", "e.mov", "f.m4v", "g.mts"] {
        store.write(&format!("gate/{name}"), name);
    }
    for name in [
        "gate/a.mp4.partial",
        "gate/a.mp4.json",
        "gate/.hidden.mp4",
        "gate/.a.mp4.json.staged",
        "gate/.cache/a.mp4",
        "gate/note.txt",
        "gate/live/a.mp4",
        "gate/init.mp4",
        "gate/init_2.mp4",
        "gate/processed/a.mp4",
        "gate/failed/a.mp4",
        "top.mp4",
        ".nightreel/a.mp4",
        "lost+found/a.mp4",
    ] {
        store.write(name, name);
    }
    assert_eq!(store.scan().added, 7);
}

#[test]
fn only_the_folders_of_configured_cameras_are_walked() {
    let store = Store::with("[[camera]]\nid = \"gate\"\n[[camera]]\nid = \"yard\"\n");
    store.write("gate/a.mp4", "a");
    store.write("exports/b.mp4", "b");
    let report = store.scan();
    assert_eq!((report.added, report.troubles), (1, Vec::new()));
}

#[test]
fn a_growing_file_waits_until_it_stands_still() {
    let store = Store::with("settle_seconds = 5");
    let mut scanner = store.scanner();
    let seconds_ago = |seconds| noon() - TimeDelta::seconds(seconds);
    store.write_at("gate/a.ts", "a", seconds_ago(4));
    let report = scanner.scan(&Hints::default(), noon()).unwrap();
    assert_eq!((report.added, report.unsettled), (0, 1));
    store.write_at("gate/a.ts", "a and more", seconds_ago(1));
    let report = scanner.scan(&Hints::default(), noon()).unwrap();
    assert_eq!((report.added, report.unsettled), (0, 1));
    let report = scanner.scan(&Hints::default(), noon() + TimeDelta::seconds(5)).unwrap();
    assert_eq!((report.added, report.unsettled), (1, 0));
    assert_eq!(store.at("gate/a.ts").unwrap().stat.size, 10);
}

#[test]
fn a_file_from_the_future_waits_as_long_as_any_other() {
    let store = Store::with("settle_seconds = 1");
    let mut scanner = store.scanner();
    store.write_at("gate/a.ts", "a", noon() + TimeDelta::days(400));
    assert_eq!(scanner.scan(&Hints::default(), noon()).unwrap().unsettled, 1);
    // It was first seen a while ago, and has looked the same since.
    let long_ago = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
    scanner.unsettled.values_mut().for_each(|(_, since)| *since = long_ago);
    assert_eq!(scanner.scan(&Hints::default(), noon()).unwrap().added, 1);
}

#[test]
fn a_file_that_is_known_to_be_finished_is_taken_at_once() {
    let store = Store::new();
    let mut scanner = store.scanner();
    scan_again(&store, &mut scanner);
    store.write_at("gate/a.mp4", "a", noon());
    store.write_at("gate/b.mp4", "b", noon());
    // Nothing but one finished file: the other is not even looked at.
    let report = scanner.scan(&Hints::of(&[&store.path("gate/a.mp4")]), noon()).unwrap();
    assert_eq!((report.added, report.unsettled), (1, 0));
    let report = scanner.scan(&Hints::default(), noon()).unwrap();
    assert_eq!((report.added, report.unsettled), (0, 1));
    // And while files settle, a hint goes with a walk.
    store.write_at("gate/c.mp4", "c", noon());
    let report = scanner.scan(&Hints::of(&[&store.path("gate/c.mp4")]), noon()).unwrap();
    assert_eq!((report.added, report.unsettled), (1, 1));
}

#[test]
fn a_hint_finds_nothing_that_a_walk_would_not_find() {
    let store = Store::with("[[camera]]\nid = \"gate\"\n");
    let mut scanner = store.scanner();
    scan_again(&store, &mut scanner);
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("a.mp4"), "a").unwrap();
    fs::create_dir_all(store.path("gate")).unwrap();
    symlink(elsewhere.path(), store.path("gate/link")).unwrap();
    symlink(elsewhere.path().join("a.mp4"), store.path("gate/a.mp4")).unwrap();
    let names = [
        "yard/a.mp4",
        "gate/processed/a.mp4",
        "gate/live/a.mp4",
        "gate/init.mp4",
        "gate/.hidden/a.mp4",
        "gate/a.mp4.partial",
        "top.mp4",
    ];
    names.iter().for_each(|name| store.write(name, name));
    let files = names.into_iter().chain(["gate/link/a.mp4", "gate/a.mp4", "gate/gone.mp4"]);
    let files: Vec<PathBuf> =
        files.map(|name| store.path(name)).chain([elsewhere.path().join("a.mp4")]).collect();
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    assert_eq!(scanner.scan(&Hints::of(&files), noon()).unwrap().added, 0);
}

#[test]
fn links_are_not_followed() {
    let store = Store::with("[[camera]]\nid = \"gate\"\n[[camera]]\nid = \"yard\"\n");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("a.mp4"), "a").unwrap();
    fs::create_dir_all(store.path("gate")).unwrap();
    symlink(elsewhere.path().join("a.mp4"), store.path("gate/a.mp4")).unwrap();
    symlink(elsewhere.path(), store.path("gate/link")).unwrap();
    symlink(elsewhere.path(), store.path("yard")).unwrap();
    let report = store.scan();
    assert_eq!(report.added, 0);
    let [yard, file] = &report.troubles[..] else { panic!("{:?}", report.troubles) };
    assert!(yard.contains("yard`") && yard.contains("mount"), "{yard}");
    assert!(file.contains("gate/a.mp4`") && file.contains("link"), "{file}");
}

#[test]
fn a_name_that_is_not_unicode_is_told_and_passed_over() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let store = Store::new();
    store.write("gate/a.mp4", "a");
    fs::write(store.path("gate").join(OsStr::from_bytes(b"b\xff.mp4")), "b").unwrap();
    let mut scanner = store.scanner();
    let mut scan = || scanner.scan(&Hints::default(), noon()).unwrap();
    let report = scan();
    assert_eq!((report.added, report.troubles.len()), (1, 1));
    assert!(report.troubles[0].contains("UTF-8"), "{:?}", report.troubles);
    assert_eq!(scan().troubles, Vec::<String>::new(), "once is enough");
}

#[test]
fn a_changed_file_that_nobody_looked_at_begins_anew() {
    let store = Store::new();
    let id = store.add("gate/a.mp4", "half");
    store.queue().bury(&store.lease(id), "it is cut off").unwrap();
    store.write_at("gate/a.mp4", "half and the rest", noon() - TimeDelta::minutes(1));
    store.scan();
    assert_eq!(store.segment(id).stat.size, 17);
    assert_eq!(store.lease(id).attempt, 1);
}

#[test]
fn a_change_during_a_lease_is_seen_when_it_ends() {
    let store = Store::new();
    let id = store.add("gate/a.mp4", "half");
    let lease = store.lease(id);
    store.write_at("gate/a.mp4", "half and the rest", noon() - TimeDelta::minutes(1));
    assert_eq!(store.scan().added, 0);
    store.process(&lease);
    assert_eq!(store.scan().added, 1);
    assert_eq!(store.segment(id).state, SegmentState::Deleted);
    assert_eq!(state_at(&store, "gate/a.mp4"), Some(SegmentState::Ready));
}

#[test]
fn an_overwritten_segment_keeps_what_was_seen_and_is_looked_at_anew() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "the first");
    store.write_at("gate/a.mp4", "the second", noon() - TimeDelta::minutes(1));
    assert_eq!(store.scan().added, 1);
    let former = store.segment(id);
    assert_eq!((former.state, former.reason.as_deref()), (SegmentState::Deleted, Some("overwritten")));
    assert!(store.catalog.results(id, "profile").unwrap().is_some());
    let later = store.at("gate/a.mp4").unwrap();
    let lease = store.lease(later.id);
    store.process(&lease);
    assert_eq!(store.catalog.results(later.id, "profile").unwrap(), Some(results(&later)));
}

#[test]
fn a_copy_that_was_put_back_is_the_same_content() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    store.rename("gate/a.mp4", "backup/a");
    store.write("gate/a.mp4", "a");
    assert_eq!((store.scan().added, store.scan().missing), (0, 0));
    assert_eq!(store.segment(id).state, SegmentState::Processed);
    assert_eq!(store.segment(id).stat, FileStat::of(&store.path("gate/a.mp4").metadata().unwrap()));
}

#[test]
fn a_file_that_is_gone_is_missing_and_comes_back_as_it_was() {
    let store = Store::new();
    let ids = [
        store.add("gate/ready.mp4", "ready"),
        store.add_processed("gate/processed.mp4", "processed"),
        store.add_processed("gate/moved.mp4", "moved"),
    ];
    store.media().move_into(ids[2], Some(PROCESSED)).unwrap();
    let paths = ["gate/ready.mp4", "gate/processed.mp4", "gate/processed/moved.mp4"];
    let states = [SegmentState::Ready, SegmentState::Processed, SegmentState::Processed];
    let away = |path: &str| format!(".away/{}", path.replace('/', "-"));
    paths.iter().for_each(|path| store.rename(path, &away(path)));
    assert_eq!(store.scan().missing, 3);
    assert_eq!(ids.map(|id| store.segment(id).state), [SegmentState::Missing; 3]);
    assert_eq!((store.scan().missing, backlog(&store)), (0, 0));
    assert!(store.catalog.results(ids[1], "profile").unwrap().is_some());

    paths.iter().for_each(|path| store.rename(&away(path), path));
    assert_eq!(store.scan().added, 1);
    assert_eq!(ids.map(|id| store.segment(id).state), states);
    assert_eq!(backlog(&store), 1);
}

#[test]
fn another_file_in_the_place_of_a_missing_one_is_another_segment() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "the first");
    store.remove("gate/a.mp4");
    store.scan();
    store.write_at("gate/a.mp4", "the second", noon() - TimeDelta::minutes(1));
    assert_eq!(store.scan().added, 1);
    assert_eq!(store.segment(id).state, SegmentState::Deleted);
    assert_ne!(store.at("gate/a.mp4").unwrap().id, id);
}

#[test]
fn what_was_renamed_by_hand_keeps_its_row() {
    let store = Store::new();
    let cases = [
        ("gate/a.mp4", "gate/renamed.mp4"),
        ("gate/b.mp4", "yard/b.mp4"),
        ("gate/c.mp4", "gate/processed/c.mp4"),
    ];
    let ids = cases.map(|(from, _)| store.add_processed(from, from));
    cases.iter().for_each(|(from, to)| store.rename(from, to));
    let report = store.scan();
    assert_eq!((report.added, report.missing), (0, 0));
    for ((_, to), id) in cases.iter().zip(ids) {
        let segment = store.segment(id);
        assert_eq!((segment.path.to_str().unwrap(), segment.state), (*to, SegmentState::Processed));
        assert_eq!(segment.camera.as_deref(), to.split('/').next());
        assert!(store.read(&format!("{to}.json")).is_some(), "{to}");
    }
    assert_eq!(store.files().len(), 6);
}

#[test]
fn whoever_takes_a_file_out_of_failed_wants_it_tried_again() {
    let store = Store::new();
    let id = store.add_quarantined("gate/a.mp4", "a");
    store.rename("gate/failed/a.mp4", "gate/a.mp4");
    assert_eq!(store.scan().added, 1);
    assert_eq!(store.segment(id).state, SegmentState::Ready);
    assert_eq!(store.lease(id).attempt, 1);
}

#[test]
fn a_hard_link_is_a_file_of_its_own() {
    let store = Store::new();
    store.add_processed("gate/a.mp4", "a");
    fs::hard_link(store.path("gate/a.mp4"), store.path("gate/b.mp4")).unwrap();
    assert_eq!(store.scan().added, 1);
    assert_eq!(state_at(&store, "gate/a.mp4"), Some(SegmentState::Processed));
    assert_eq!(state_at(&store, "gate/b.mp4"), Some(SegmentState::Ready));
}

#[test]
fn a_lost_sidecar_is_written_again_from_the_rows() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    let sidecar = store.read("gate/a.mp4.json");
    store.remove("gate/a.mp4.json");
    store.scan();
    assert_eq!(store.read("gate/a.mp4.json"), sidecar);
    assert_eq!(store.segment(id).state, SegmentState::Processed);
}

#[test]
fn nothing_is_told_of_a_root_that_is_another() {
    let store = Store::new();
    let id = store.add("gate/a.mp4", "a");
    let mut scanner = store.scanner();
    store.rename(".nightreel-root", "id");
    store.rename("gate/a.mp4", "a.mp4");
    assert!(matches!(scanner.scan(&Hints::default(), noon()), Err(CatalogError::RootChanged { .. })));
    fs::write(store.path(".nightreel-root"), "another\n").unwrap();
    assert!(matches!(scanner.scan(&Hints::default(), noon()), Err(CatalogError::RootChanged { .. })));
    assert_eq!(store.segment(id).state, SegmentState::Ready);
}

#[test]
fn what_is_on_its_way_is_let_through() {
    use crate::intent::{Move, mark_move};
    let store = Store::new();
    let id = store.add_quarantined("gate/a.mp4", "a");
    // As another process is just releasing it: the file is back, the row does not say so yet.
    let back = Move { to: "gate/a.mp4".into(), change: None };
    store.catalog.write("mark", |t| mark_move(t, id, &back)).unwrap();
    store.rename("gate/failed/a.mp4", "gate/a.mp4");
    let found = Found {
        path: "gate/a.mp4".into(),
        stat: FileStat::of(&store.path("gate/a.mp4").metadata().unwrap()),
    };
    let scanner = store.scanner();
    let mut report = ScanReport::default();
    scanner.index_all(&[found], &mut report, noon()).unwrap();
    scanner.reconcile(&[SegmentState::Failed], &mut report, noon()).unwrap();
    assert_eq!((report.added, report.missing), (0, 0));
    assert_eq!(state_at(&store, "gate/failed/a.mp4"), Some(SegmentState::Failed));
    // A scan of its own finishes it, if nobody else does.
    store.scan();
    assert_eq!(store.segment(id).path, Path::new("gate/a.mp4"));
}

#[test]
fn what_moves_between_the_look_and_the_mark_is_not_missing() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "a");
    let seen: Segment = store.segment(id);
    store.media().move_into(id, Some(PROCESSED)).unwrap();
    let marked = store.scanner().mark_missing(&[seen]).unwrap();
    assert_eq!(marked, 0);
    assert_eq!(store.segment(id).state, SegmentState::Processed);
}

fn closed(store: &Store, path: &str) -> ClosedSegment {
    ClosedSegment {
        camera: "gate".parse().unwrap(),
        path: path.into(),
        start: "2026-11-22T10:15:00.250Z".parse().unwrap(),
        clock: ClockSource::ReceiveTime,
        duration: Duration::from_secs(60),
        stat: FileStat::of(&store.path(path).metadata().unwrap()),
    }
}

#[test]
fn recorder_and_scan_bring_in_one_row_whoever_is_first() {
    for scanned_first in [true, false] {
        let store = Store::new();
        store.write("gate/segment_20261122_101500.mp4", "a");
        let closed = closed(&store, "gate/segment_20261122_101500.mp4");
        if scanned_first {
            store.scan();
        }
        let id = store.catalog.add_recorded(&closed, noon()).unwrap();
        assert_eq!(store.scan().added, 0);
        let segment = store.segment(id);
        assert_eq!((segment.start, segment.start_source), (closed.start, StartSource::Recorder));
        assert_eq!((segment.duration, backlog(&store)), (Some(closed.duration), 1));
    }
}

#[test]
fn a_recorder_that_is_late_finds_what_was_processed_and_moved() {
    let store = Store::new();
    store.write("gate/a.mp4", "a");
    let closed = closed(&store, "gate/a.mp4");
    store.scan();
    let id = store.at("gate/a.mp4").unwrap().id;
    let lease = store.lease(id);
    store.process(&lease);
    store.media().move_into(id, Some(PROCESSED)).unwrap();
    assert_eq!(store.catalog.add_recorded(&closed, noon()).unwrap(), id);
    assert_eq!((store.segment(id).start, backlog(&store)), (closed.start, 0));
}

#[test]
fn a_recorder_that_uses_the_name_of_a_lost_file_has_a_row_of_its_own() {
    let store = Store::new();
    let former = store.add_processed("gate/a.mp4", "the former");
    store.remove("gate/a.mp4");
    store.write("gate/a.mp4", "another one");
    let id = store.catalog.add_recorded(&closed(&store, "gate/a.mp4"), noon()).unwrap();
    assert_ne!(id, former);
    assert_eq!((store.segment(former).state, backlog(&store)), (SegmentState::Deleted, 1));
}

#[test]
fn a_first_scan_of_much_footage_comes_in_batches() {
    let store = Store::new();
    for number in 0..BATCH + 1 {
        store.write(&format!("gate/{number}.mp4"), "a");
    }
    assert_eq!(store.scan().added, BATCH + 1);
    assert_eq!(backlog(&store), BATCH as u64 + 1);
}
