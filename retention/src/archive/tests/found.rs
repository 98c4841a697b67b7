//! Bundles that are found by a catalogue that never heard of them.

use catalog::{Catalog, SegmentState};
use object_store::{ObjectStoreExt, PutPayload};

use super::faulty::Fault;
use super::world::World;
use crate::archive::ArchiveError;

/// Puts an object there that nightreel did not send.
fn put(world: &World, key: &str, bytes: Vec<u8>) {
    let store = world.store();
    store.wait(store.objects().put(&store.path(key), PutPayload::from(bytes))).unwrap();
}

fn empty(world: &World) -> Catalog {
    Catalog::open(&world.path("another")).unwrap()
}

#[test]
fn what_is_in_the_store_is_found_with_its_results_in_two_requests_a_bundle_at_most() {
    // A listing and the end of the bundle; where its small files are many, another that reaches back to them.
    for (world, segments, requests) in [(World::new(), 10, 2), (World::sealed(), 59, 3)] {
        for minute in 1..=segments {
            world.process(minute);
        }
        world.archive().unwrap();
        let catalog = empty(&world);
        let found = world.find(&catalog).unwrap();
        assert_eq!((found.bundles, found.segments, found.results), (1, segments as u64, segments as u64));
        assert_eq!(found.requests, requests);
        let (before, after) = (
            world.catalog.archived_within("gate", world.span()),
            catalog.archived_within("gate", world.span()),
        );
        for (before, after) in before.unwrap().iter().zip(after.unwrap()) {
            assert_eq!(after.segment.state, SegmentState::Archived);
            let facts =
                |s: &catalog::Segment| (s.path.clone(), s.start, s.start_source, s.duration, s.stat.size);
            assert_eq!(facts(&after.segment), facts(&before.segment));
            let place =
                |m: &catalog::Member| (m.name.clone(), m.offset, m.length, m.sha256.clone(), m.plain.clone());
            let [before, after] =
                [&before.members, &after.members].map(|all| all.iter().map(place).collect::<Vec<_>>());
            assert_eq!(after, before);
        }
        let again = world.find(&catalog).unwrap();
        assert_eq!((again.bundles, again.known, again.requests), (0, 1, 1));
    }
}

#[test]
fn what_is_no_bundle_or_a_damaged_one_is_told_of_and_does_not_hold_up_the_others() {
    let world = World::new();
    world.process(1);
    world.archive().unwrap();
    let named = |name: &str| format!("gate/2026/11/22/{name}_{}.tar", "0".repeat(64));
    put(&world, "notes.txt", b"of another program".to_vec());
    put(&world, "gate/backup_2026.tar", vec![0; 2048]);
    put(&world, &named("empty"), Vec::new());
    put(&world, &named("zeros"), vec![0; 4096]);
    put(&world, &named("noise"), (0..300_000u32).flat_map(u32::to_le_bytes).collect());
    let mut header = tar::Header::new_gnu();
    header.set_path("nightreel-index.json").unwrap();
    header.set_size(2);
    header.set_cksum();
    put(&world, &named("hollow"), [header.as_bytes().as_slice(), b"{}", &[0; 510]].concat());

    let found = world.find(&empty(&world)).unwrap();

    assert_eq!((found.bundles, found.passed_over, found.faults.len()), (1, 2, 4), "{found:?}");
}

#[test]
fn a_sidecar_that_is_damaged_or_about_something_else_brings_no_results() {
    let world = World::new();
    let id = world.process(1);
    let video = world.root.path().join(&world.catalog.segment(id).unwrap().path);
    std::fs::write(catalog::sidecar_of(&video), "{}").unwrap();
    world.archive().unwrap();
    let found = world.find(&empty(&world)).unwrap();
    assert_eq!((found.segments, found.results, found.faults.len()), (1, 0, 1), "{found:?}");
}

#[test]
fn a_store_that_cannot_be_asked_ends_it_and_the_next_try_goes_on() {
    let world = World::new();
    world.process(1);
    world.archive().unwrap();
    let catalog = empty(&world);
    world.faulty.set(Fault::Down);
    assert!(matches!(world.find(&catalog), Err(ArchiveError::Unreachable { .. })));
    world.faulty.set(Fault::Frozen);
    assert_eq!(world.find(&catalog).unwrap().frozen.len(), 1);
    world.faulty.set(Fault::None);
    assert_eq!(world.find(&catalog).unwrap().segments, 1);
}
