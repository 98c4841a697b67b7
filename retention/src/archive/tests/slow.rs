//! A store that is slow, or says nothing at all: what is asked of it goes on, or ends with the program.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::SegmentState;

use super::assert_recovers;
use super::faulty::Fault;
use super::world::World;
use crate::archive::ArchiveError;

#[test]
fn what_trickles_arrives_and_comes_back_whole() {
    for world in [World::new(), World::sealed()] {
        let ids = [1, 2].map(|minute| world.process(minute));
        world.faulty.set(Fault::Trickles);
        let sent = world.archive().unwrap();
        assert_eq!((sent.bundles, sent.failed), (1, 0), "{:?}", sent.failures);
        assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived));
        assert_eq!(world.restore().unwrap().files.len(), 2);
        assert!(ids.iter().all(|id| world.has_file(*id)));
    }
}

#[test]
fn a_program_that_ends_does_not_wait_for_what_trickles() {
    let world = World::new();
    let ids = [1, 2].map(|minute| world.process(minute));
    world.faulty.set(Fault::Trickles);
    let asked = Cell::new(0);
    let is_ending = || asked.replace(asked.get() + 1) > 4;
    assert!(matches!(world.archive_until(&is_ending), Err(ArchiveError::Ended)));
    assert_recovers(&world, &ids);
}

#[test]
fn a_program_that_ends_does_not_wait_for_a_store_that_says_nothing() {
    let world = World::new();
    let id = world.process(1);
    world.faulty.set(Fault::Silent);
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let store = world.store().ending_with(Arc::new(move || counting.fetch_add(1, Ordering::Relaxed) > 1));
    assert!(matches!(world.archive_to(store), Err(ArchiveError::Ended)));
    assert!(asked.load(Ordering::Relaxed) > 1, "it waited for a while");
    assert_recovers(&world, &[id]);
}
