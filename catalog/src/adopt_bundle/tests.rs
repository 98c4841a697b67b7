//! Bundles that were found in a store: their rows are those that sending them would have left.

use super::*;
use crate::fixture::{Store, noon};
use crate::{SegmentState, Span, Verifier};

fn member(name: &str, kind: MemberKind, offset: u64) -> FoundMember {
    FoundMember { name: name.to_owned(), kind, offset, length: 5, sha256: "0".repeat(64), plain: None }
}

fn found(path: &str, results: Option<Results>) -> FoundBundle {
    let name = path.rsplit('/').next().unwrap();
    let members = vec![
        member(name, MemberKind::Video, 512),
        member(&format!("{name}.json"), MemberKind::Sidecar, 1536),
    ];
    let segment = FoundSegment {
        path: path.into(),
        start: noon(),
        modified: noon(),
        size: 5,
        members,
        results: results.map(|results| (results, noon())),
    };
    let bundle = NewBundle {
        store: "file:///cold".to_owned(),
        key: format!("gate/{name}.tar"),
        camera: "gate".to_owned(),
        hour: noon(),
        sha256: "1".repeat(64),
        size: 4096,
        class: None,
        recipients: Vec::new(),
        members: Vec::new(),
    };
    FoundBundle { bundle, stored: noon(), segments: vec![segment] }
}

fn archived(store: &Store) -> Vec<crate::Archived> {
    let hour = chrono::TimeDelta::hours(1);
    store.catalog.archived_within("gate", Span::new(noon() - hour, noon() + hour)).unwrap()
}

/// Results of a file of these bytes that starts at noon.
fn results(store: &Store) -> Results {
    let id = store.add_processed("gate/other.mp4", "video");
    let profile = store.catalog.latest_profile(id).unwrap().unwrap();
    let mut results = store.catalog.results(id, &profile).unwrap().unwrap();
    results.segment.start = noon().to_rfc3339();
    store.media().delete(id).unwrap();
    results
}

fn assert_sound(store: &Store) {
    let faults = Verifier::new(store.catalog.clone(), store.root.clone(), &store.settings).verify(noon());
    assert_eq!(faults.unwrap(), []);
}

#[test]
fn what_nobody_knew_is_archived_footage_with_its_results() {
    let store = Store::new();
    let bundle = found("gate/processed/a.mp4", Some(results(&store)));
    assert!(!store.catalog.knows_bundle("file:///cold", "gate/a.mp4.tar").unwrap());
    let adopted = store.catalog.adopt_bundle(&bundle).unwrap();
    assert_eq!(adopted, AdoptedBundle { segments: 1, results: 1 });
    assert!(store.catalog.knows_bundle("file:///cold", "gate/a.mp4.tar").unwrap());
    let [found] = &archived(&store)[..] else { panic!("one segment") };
    assert_eq!(found.segment.state, SegmentState::Archived);
    assert_eq!(found.segment.path, std::path::Path::new("gate/processed/a.mp4"));
    assert_eq!(found.members.len(), 2);
    assert!(store.catalog.latest_profile(found.segment.id).unwrap().is_some());
    assert_sound(&store);

    assert_eq!(store.catalog.adopt_bundle(&bundle).unwrap(), AdoptedBundle { segments: 1, results: 0 });
    assert_eq!(archived(&store).len(), 1, "again is as well");
}

#[test]
fn what_could_not_be_opened_gets_its_results_later() {
    let store = Store::new();
    store.catalog.adopt_bundle(&found("gate/a.mp4", None)).unwrap();
    assert!(!store.catalog.knows_bundle("file:///cold", "gate/a.mp4.tar").unwrap(), "it is asked again");
    let id = archived(&store)[0].segment.id;
    let adopted = store.catalog.adopt_bundle(&found("gate/a.mp4", Some(results(&store)))).unwrap();
    assert_eq!(adopted.results, 1);
    assert_eq!(archived(&store).iter().map(|found| found.segment.id).collect::<Vec<_>>(), [id]);
    assert_sound(&store);
}

#[test]
fn footage_that_is_here_as_well_keeps_its_row_and_its_file() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "video");
    store.catalog.adopt_bundle(&found("gate/processed/a.mp4", None)).unwrap();
    assert_eq!(archived(&store).iter().map(|found| found.segment.id).collect::<Vec<_>>(), [id]);
    assert_eq!(store.catalog.segment(id).unwrap().state, SegmentState::Processed);
    store.media().delete(id).unwrap();
    assert_eq!(store.catalog.segment(id).unwrap().state, SegmentState::Archived, "it is in the archive");
    assert_sound(&store);
}

#[test]
fn another_file_of_the_same_name_is_another_segment() {
    let store = Store::new();
    let id = store.add_processed("gate/a.mp4", "longer than that");
    store.catalog.adopt_bundle(&found("gate/a.mp4", None)).unwrap();
    let [found] = &archived(&store)[..] else { panic!("one segment") };
    assert_ne!(found.segment.id, id);
    assert_eq!(store.catalog.segment(id).unwrap().state, SegmentState::Processed);
    assert_sound(&store);
}

#[test]
fn a_bundle_that_is_being_sent_or_deleted_is_left_to_whoever_does_it() {
    let store = Store::new();
    let bundle = found("gate/a.mp4", None);
    store.catalog.begin_bundle(&bundle.bundle, noon()).unwrap();
    assert!(store.catalog.knows_bundle("file:///cold", "gate/a.mp4.tar").unwrap());
    assert_eq!(store.catalog.adopt_bundle(&bundle).unwrap(), AdoptedBundle::default());
    assert!(archived(&store).is_empty());
}
