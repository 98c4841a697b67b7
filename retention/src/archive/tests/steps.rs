//! The clock is set while bundles are sent, or between: nothing is lost, nothing is sent twice, nothing dies of age.

use catalog::SegmentState;
use chrono::TimeDelta;

use super::world::{World, hour};

#[test]
fn a_clock_that_is_set_while_a_bundle_is_sent_changes_nothing_in_it() {
    for step in [TimeDelta::days(-400), TimeDelta::hours(-3), TimeDelta::days(800)] {
        let world = World::new();
        let ids = [1, 2].map(|minute| world.process(minute));
        let right = world.clock.now();
        // Asked between two parts.
        let is_ending = || {
            world.clock.set(right + step);
            false
        };
        let sent = world.archive_until(&is_ending).unwrap();
        assert!(sent.bundles == 1 || world.has_file(ids[0]), "{step}");
        world.clock.set(right);
        world.archive().unwrap();
        world.let_go();
        assert_eq!(world.bundles().len(), 1, "{step}: it is sent once");
        assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived && !world.has_file(*id)));
        assert_eq!(world.restore().unwrap().files.len(), 2, "{step}");
        assert!(ids.iter().all(|id| world.has_file(*id)), "{step}");
    }
}

#[test]
fn a_clock_that_is_set_back_lets_hours_wait_and_loses_none() {
    let world = World::new();
    let first = world.process(1);
    world.archive().unwrap();
    let second = world.process(2);
    world.clock.set(hour() - TimeDelta::days(30));
    world.catalog.note_run(world.clock.now()).unwrap();
    assert_eq!(world.archive().unwrap().unripe, 1, "of an hour that is yet to come");
    assert!(world.has_file(second) && world.state(first) == SegmentState::Archived);
    assert_eq!(world.restore().unwrap().files.len(), 1, "the way back is open");
}

#[test]
fn a_clock_in_doubt_deletes_nothing_in_the_archive() {
    let mut world = World::new();
    let id = world.process(1);
    world.archive().unwrap();
    world.settings.max_age = Some(std::time::Duration::from_secs(10 * 86_400));
    world.clock.set(hour() + TimeDelta::days(800));
    assert!(world.catalog.note_run(world.clock.now()).unwrap().is_some(), "it is in doubt");

    assert_eq!(world.archive().unwrap().expired.segments, 0);

    assert_eq!((world.bundles().len(), world.state(id)), (1, SegmentState::Archived));
    world.catalog.confirm_clock().unwrap();
    assert_eq!(world.archive().unwrap().expired.segments, 1, "until somebody says that it is right");
}
