//! What the archive does when the store misbehaves, or the program dies in between: nothing is lost.

use catalog::{NewBundle, SegmentState};
use chrono::TimeDelta;
use object_store::{ObjectStoreExt, PutPayload};

use self::faulty::Fault;
use self::world::{World, hour};
use super::ArchiveError;
use super::bundle::Bundle;

mod classes;
mod faulty;
mod found;
mod sealed;
mod slow;
mod steps;
mod world;

/// Archives, now that the store is sound again, and holds that everything came through.
fn assert_recovers(world: &World, ids: &[catalog::SegmentId]) {
    world.faulty.set(Fault::None);
    assert!(ids.iter().all(|id| world.has_file(*id)), "nothing local went");
    let sent = world.archive().unwrap();
    assert_eq!((sent.bundles, sent.failed), (1, 0), "{:?}", sent.failures);
    assert_eq!(world.bundles().len(), 1, "one bundle, and no trace of what failed");
    assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived && !world.has_file(*id)));
    assert_eq!(world.restore().unwrap().files.len(), ids.len());
    assert!(ids.iter().all(|id| world.has_file(*id)));
}

#[test]
fn a_store_that_is_down_refuses_or_breaks_off_costs_nothing() {
    for (fault, told) in [
        (Fault::Down, "cannot look at"),
        (Fault::Refuses, "the store refuses"),
        (Fault::BreaksOff, "cannot send"),
        (Fault::Precondition, "cannot send"),
    ] {
        let world = World::new();
        let ids = [1, 2].map(|minute| world.process(minute));
        world.faulty.set(fault);
        let error = world.archive().unwrap_err();
        assert!(error.to_string().contains(told), "{fault:?}: {error}");
        assert_recovers(&world, &ids);
    }
}

#[test]
fn what_arrives_damaged_is_found_taken_away_and_sent_again() {
    let world = World::new();
    let ids = [1, 2].map(|minute| world.process(minute));
    world.faulty.set(Fault::Flips);
    let sent = world.archive().unwrap();
    assert!(matches!(sent.failures[..], [(_, ArchiveError::Damaged { .. })]), "{:?}", sent.failures);
    assert_recovers(&world, &ids);
}

#[test]
fn what_was_damaged_in_the_store_leaves_no_file_when_it_comes_back() {
    let world = World::new();
    let id = world.process(1);
    world.archive().unwrap();
    let store = world.store();
    let path = store.path(&world.bundles()[0].key);
    let mut bytes =
        store.wait(async { store.objects().get(&path).await.unwrap().bytes().await.unwrap() }).to_vec();
    bytes[600] ^= 1;
    store.wait(store.objects().put(&path, PutPayload::from(bytes))).unwrap();

    assert!(matches!(world.restore(), Err(ArchiveError::Damaged { .. })));

    assert_eq!(world.state(id), SegmentState::Archived);
    let left = std::fs::read_dir(world.path("media/gate/processed")).unwrap().count();
    assert_eq!(left, 0, "not even a hidden file");
    let verified = super::verify(&world.catalog, &store, &world.clock, &world.bundles()).unwrap();
    assert_eq!((verified.read, verified.faults.len()), (0, 1));
}

#[test]
fn frozen_objects_are_told_from_a_wrong_key() {
    let world = World::new();
    world.process(1);
    world.archive().unwrap();
    world.faulty.set(Fault::Frozen);
    let error = world.restore().unwrap_err();
    assert!(matches!(error, ArchiveError::Frozen { .. }), "{error}");
    world.faulty.set(Fault::Refuses);
    assert!(matches!(world.restore(), Err(ArchiveError::Refused { .. })));
}

#[test]
fn what_was_sent_by_a_process_that_died_counts_and_is_not_sent_again() {
    let world = World::new();
    let ids = [1, 2].map(|minute| world.process(minute));
    begin(&world, &ids);
    let (store, [bundle]) = (world.store(), &world.bundles()[..]) else { panic!("one bundle") };
    let whole = whole(&world, &ids);
    store.wait(store.objects().put(&store.path(&bundle.key), PutPayload::from(whole))).unwrap();
    let taken = world.faulty.taken();

    world.archive().unwrap();

    assert_eq!(world.faulty.taken(), taken, "nothing was sent");
    // The plan was made before: the local copies go with the next.
    world.let_go();
    assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived));
}

#[test]
fn what_is_found_after_a_process_died_goes_into_a_bundle_of_its_own() {
    let world = World::new();
    let first = world.process(1);
    begin(&world, &[first]);
    let (store, [bundle]) = (world.store(), &world.bundles()[..]) else { panic!("one bundle") };
    let whole = whole(&world, &[first]);
    store.wait(store.objects().put(&store.path(&bundle.key), PutPayload::from(whole))).unwrap();
    world.process(2);
    world.archive().unwrap();
    assert_eq!(world.bundles().iter().map(|bundle| bundle.segments).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn what_a_process_that_died_never_sent_is_sent() {
    let world = World::new();
    let ids = [1, 2].map(|minute| world.process(minute));
    begin(&world, &ids);
    assert_recovers(&world, &ids);
}

/// Does the steps before the first byte goes out.
fn begin(world: &World, ids: &[catalog::SegmentId]) {
    note(world, &Bundle::gather(&world.media(), "gate", world.span(), ids).unwrap());
}

fn note(world: &World, bundle: &Bundle) {
    let layout = bundle.measure().unwrap();
    let new = NewBundle {
        store: world.store().url().to_owned(),
        key: bundle.key(&layout),
        camera: "gate".to_owned(),
        hour: hour(),
        sha256: layout.sha256.clone(),
        size: layout.size,
        class: None,
        recipients: bundle.recipients.clone(),
        members: layout.members,
    };
    world.catalog.begin_bundle(&new, world.clock.now()).unwrap();
}

fn whole(world: &World, ids: &[catalog::SegmentId]) -> Vec<u8> {
    let mut whole = Vec::new();
    Bundle::gather(&world.media(), "gate", world.span(), ids).unwrap().write_to(&mut whole).unwrap();
    whole
}

#[test]
fn the_hour_in_progress_and_one_that_waits_to_be_looked_at_are_left() {
    let world = World::new();
    let id = world.process(1);
    world.clock.set(hour() + TimeDelta::minutes(30));
    assert_eq!(world.archive().unwrap().unripe, 1);
    world.clock.set(hour() + TimeDelta::hours(2));
    world.record(2);
    assert_eq!(world.archive().unwrap().unripe, 1);
    assert_eq!(world.faulty.taken(), 0);
    world.clock.set(hour() + TimeDelta::hours(26));
    assert_eq!(world.archive().unwrap().bundles, 1, "it does not wait for ever");
    assert_eq!(world.state(id), SegmentState::Archived);
}

#[test]
fn what_is_found_later_goes_into_a_second_bundle() {
    let world = World::new();
    let first = world.process(1);
    world.archive().unwrap();
    let second = world.process(2);
    world.archive().unwrap();
    assert_eq!(world.bundles().len(), 2);
    assert!([first, second].iter().all(|id| world.state(*id) == SegmentState::Archived));
    assert_eq!(world.restore().unwrap().files.len(), 2);
}

#[test]
fn a_program_that_ends_leaves_the_bundle_for_the_next() {
    let world = World::new();
    let ids = [1, 2].map(|minute| world.process(minute));
    let asked = std::cell::Cell::new(0);
    // Not before the first parts are away.
    let is_ending = || asked.replace(asked.get() + 1) > 2;
    assert!(matches!(world.archive_until(&is_ending), Err(ArchiveError::Ended)));
    assert!(world.faulty.taken() > 0, "it had begun");
    assert_recovers(&world, &ids);
}

#[test]
fn a_program_that_ends_does_not_wait_for_a_line_that_hangs() {
    let world = World::new();
    let id = world.process(1);
    world.faulty.set(Fault::Hangs);
    let asked = std::cell::Cell::new(0);
    let is_ending = || asked.replace(asked.get() + 1) > 1;
    assert!(matches!(world.archive_until(&is_ending), Err(ArchiveError::Ended)));
    assert_recovers(&world, &[id]);
}

#[test]
fn a_store_that_lost_its_bundles_is_no_store() {
    let world = World::new();
    world.process(1);
    world.archive().unwrap();
    let store = world.store();
    store.delete(&world.bundles()[0].key).unwrap();
    let id = world.process(2);
    assert!(matches!(world.archive(), Err(ArchiveError::Changed { .. })));
    assert!(world.has_file(id));
}

#[test]
fn nothing_is_sent_while_the_windows_are_closed() {
    let mut world = World::new();
    let id = world.process(1);
    world.settings.windows = config::Windows::parse(chrono_tz::UTC, &["03:00-05:00"]).unwrap();
    assert!(world.archive().unwrap().waits.is_some());
    assert!(world.has_file(id) && world.faulty.taken() == 0);
    world.clock.set(hour() + TimeDelta::hours(6));
    assert_eq!(world.archive().unwrap().bundles, 1);
}

#[test]
fn a_local_copy_stays_as_long_as_it_is_to() {
    let mut world = World::new();
    world.policy.delete_after_archive = std::time::Duration::from_secs(86_400);
    let id = world.process(1);
    let sent = world.archive().unwrap();
    assert_eq!((sent.bundles, sent.freed.segments), (1, 0));
    assert!(world.has_file(id));
    assert!(world.due().is_empty(), "and is not sent again");
}

#[test]
fn a_bundle_is_deleted_at_its_age_unless_it_is_on_hold_or_has_a_local_copy() {
    let mut world = World::new();
    let id = world.process(1);
    world.archive().unwrap();
    world.settings.max_age = Some(std::time::Duration::from_secs(10 * 86_400));
    world.clock.set(hour() + TimeDelta::days(10));
    assert_eq!(world.archive().unwrap().expired.segments, 0, "its hour ended later");
    world.catalog.confirm_clock().unwrap();
    world.clock.set(hour() + TimeDelta::days(11));
    world.restore().unwrap();
    assert_eq!(world.archive().unwrap().expired.segments, 0, "it has a local copy");
    world.media().delete(id).unwrap();

    assert_eq!(world.archive().unwrap().expired.segments, 1);

    assert_eq!(world.state(id), SegmentState::Deleted);
    assert!(world.bundles().is_empty());
    assert!(world.faulty.is_empty(), "and in the store");
    let story = world.catalog.story(&world.catalog.segment(id).unwrap(), world.clock.now()).unwrap();
    assert!(story.deletion.is_some_and(|deletion| deletion.why.contains("archive.max_age_days")));
    assert_eq!(story.archived, None);
}

#[test]
fn a_deletion_in_the_archive_that_was_cut_short_is_finished() {
    let world = World::new();
    let id = world.process(1);
    world.archive().unwrap();
    world.catalog.begin_leaving(world.bundles()[0].id, world.clock.now()).unwrap();
    assert_eq!(world.state(id), SegmentState::Deleted);
    assert!(world.restore().unwrap().files.is_empty(), "nothing is promised any more");
    world.archive().unwrap();
    assert!(world.bundles().is_empty() && world.faulty.is_empty());
}
