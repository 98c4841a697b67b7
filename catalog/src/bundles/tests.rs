//! Bundles in rows, and what becomes of the segments that they hold.

use std::fs;

use super::*;
use crate::fixture::{Store, noon};
use crate::{Fault, MemberKind, Planned, SegmentId, SegmentState, Verifier};

fn span(hours: i64) -> Span {
    Span::new(noon() - TimeDelta::hours(hours), noon() + TimeDelta::hours(hours))
}

fn bundle_of(id: SegmentId) -> NewBundle {
    let member = |name: &str, kind, offset| Member {
        name: name.to_owned(),
        segment: id,
        kind,
        offset,
        length: 1,
        sha256: "0".repeat(64),
        plain: None,
    };
    NewBundle {
        store: "file:///cold".to_owned(),
        key: "gate/a.tar".to_owned(),
        camera: "gate".to_owned(),
        hour: noon(),
        sha256: "1".repeat(64),
        size: 2048,
        class: None,
        recipients: Vec::new(),
        members: vec![
            member("a.mp4", MemberKind::Video, 512),
            member("a.mp4.json", MemberKind::Sidecar, 1536),
        ],
    }
}

/// Archives a processed segment and lets its local copy go.
fn archived(store: &Store, path: &str) -> SegmentId {
    let id = store.add_processed(path, "video");
    let bundle = store.catalog.begin_bundle(&bundle_of(id), noon()).unwrap();
    store.catalog.finish_bundle(bundle, noon()).unwrap();
    store
        .media()
        .delete_planned(Planned { id, state: SegmentState::Processed, now: noon() }, "in the archive")
        .unwrap();
    id
}

fn faults(store: &Store) -> Vec<Fault> {
    Verifier::new(store.catalog.clone(), store.root.clone(), &store.settings).verify(noon()).unwrap()
}

fn state(store: &Store, id: SegmentId) -> SegmentState {
    store.catalog.segment(id).unwrap().state
}

#[test]
fn a_local_copy_that_went_leaves_an_archived_segment() {
    let store = Store::new();
    let id = archived(&store, "gate/a.mp4");
    assert_eq!(state(&store, id), SegmentState::Archived);
    let found = store.catalog.archived_within("gate", span(1)).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["a.mp4", "a.mp4.json"]);
    assert!(store.catalog.holding(id, noon()).unwrap().is_none(), "it takes no room");
    store.scan();
    assert_eq!(state(&store, id), SegmentState::Archived, "its file is not missing");
    let rows = store.catalog.coverage_rows(&"gate".parse().unwrap(), span(1), noon()).unwrap();
    assert!(rows.footage[0].archived && rows.footage[0].processed, "it counts as recorded all the same");
    assert_eq!(faults(&store), []);
}

#[test]
fn the_name_of_an_archived_segment_may_be_used_again() {
    let store = Store::new();
    let id = archived(&store, "gate/a.mp4");
    let other = store.add("gate/a.mp4", "another");
    assert_ne!(id, other);
    assert_eq!(state(&store, id), SegmentState::Archived);
    assert_eq!(state(&store, other), SegmentState::Ready);
}

#[test]
fn what_comes_back_is_processed_and_may_go_again() {
    let store = Store::new();
    let id = archived(&store, "gate/a.mp4");
    let staged = store.media().restoring_path(id).unwrap();
    fs::write(&staged, "video").unwrap();

    let path = store.media().take_back(id, noon()).unwrap().unwrap();

    assert_eq!(path.to_str(), Some("gate/processed/a.mp4"));
    assert_eq!(state(&store, id), SegmentState::Processed);
    assert_eq!(store.catalog.holding(id, noon()).unwrap().unwrap().restored, Some(noon()));
    assert!(!staged.exists());
    assert_eq!(faults(&store), [], "sidecar and all");
    assert!(store.media().take_back(id, noon()).unwrap().is_none(), "it is back already");
    store
        .media()
        .delete_planned(Planned { id, state: SegmentState::Processed, now: noon() }, "in the archive")
        .unwrap();
    assert_eq!(state(&store, id), SegmentState::Archived);
}

#[test]
fn a_return_that_was_cut_short_is_finished_by_the_next_start() {
    let store = Store::new();
    let id = archived(&store, "gate/a.mp4");
    let staged = store.media().restoring_path(id).unwrap();
    fs::write(&staged, "video").unwrap();
    store.break_rows(
        "UPDATE segment SET path = 'gate/processed/.a.mp4.restoring', intent = 'move',
            intent_path = 'gate/processed/a.mp4', intent_state = 'processed'",
    );
    assert_eq!(store.media().finish_intents().unwrap(), 1);
    assert_eq!(state(&store, id), SegmentState::Processed);
    assert!(store.root.path().join("gate/processed/a.mp4").exists());
}

#[test]
fn a_bundle_that_was_never_seen_frees_nothing_and_can_be_forgotten() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "video");
    let bundle = store.catalog.begin_bundle(&bundle_of(id), noon()).unwrap();
    assert_eq!(store.catalog.begin_bundle(&bundle_of(id), noon()).unwrap(), bundle, "the same bytes");
    assert_eq!(store.catalog.unfinished_bundles().unwrap().len(), 1);
    assert!(store.catalog.archived_within("gate", span(1)).unwrap().is_empty());
    store
        .media()
        .delete_planned(Planned { id, state: SegmentState::Processed, now: noon() }, "in the archive")
        .unwrap();
    assert_eq!(state(&store, id), SegmentState::Deleted);

    store.catalog.forget_bundle(bundle).unwrap();

    assert!(store.catalog.bundles(None, span(1)).unwrap().is_empty());
}

#[test]
fn a_stored_bundle_is_not_forgotten() {
    let store = Store::new();
    archived(&store, "gate/a.mp4");
    let [bundle] = &store.catalog.bundles(Some("gate"), span(1)).unwrap()[..] else { panic!() };
    store.catalog.forget_bundle(bundle.id).unwrap();
    assert_eq!(store.catalog.bundle_members(bundle.id).unwrap().len(), 2);
}
