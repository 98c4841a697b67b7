//! Runs that stay until they are told to end, and ends that come in the middle of the work.

use std::time::{Duration, Instant};

use catalog::{Queue, SegmentState};
use nightreel_processor::{BacklogRun, Patience, WindowRule};

use crate::clips;
use crate::home::{BLIND, Home, Told, clip, listen, set_age};

/// Waits for what another thread brings about.
fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        // waits for another thread, which gives no event to block on
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_first_signal_gives_the_segment_in_hand_back_soon() {
    let home = Home::new("[process]\nevery_nth_frame = 1\nworkers = 1");
    let long = clips::make("whole.avi", &["-i", clips::PEDESTRIANS, "-c", "copy"]);
    home.put("media/gate/long.avi", &std::fs::read(long).unwrap());
    let heard = std::thread::scope(|scope| {
        let run = scope.spawn(|| home.drain());
        eventually("a lease", || home.stats().leased == 1);
        home.ending.cancel();
        let told = Instant::now();
        let heard = run.join().unwrap();
        assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
        heard
    });
    assert!(matches!(&heard.told[..], [Told::GivenBack(_, reason)] if reason.contains("ending")));
    assert_eq!((home.stats().queued, home.stats().leased), (1, 0));
    let lease = home.queue().lease(1, Duration::from_secs(60), home.clock.now()).unwrap().pop().unwrap();
    assert_eq!(lease.attempt, 1, "the try does not count");
    assert_eq!(lease.segment.state, SegmentState::Ready);
}

#[test]
fn a_run_that_stays_takes_new_footage_as_it_comes() {
    let home = Home::new(&format!("{BLIND}\n[process]\nworkers = 2"));
    home.put_clip("media/gate/first.mp4");
    let run = BacklogRun { patience: Patience::Endless, windows: WindowRule::Keep };
    let processed = |path: &str| {
        let found = home.catalog.segment_at(path.as_ref()).unwrap();
        found.is_some_and(|segment| segment.state == SegmentState::Processed)
    };
    let heard = std::thread::scope(|scope| {
        let root = home.root();
        let home = &home;
        let staying = scope.spawn(move || {
            listen(|_| {}, |tell| home.processing().run_backlog(&root, run, &|_| {}, tell)).unwrap()
        });
        eventually("the first", || processed("gate/first.mp4"));
        // As recorders do: written elsewhere, renamed into a folder that is new.
        let staged = home.put("staged.mp4", &std::fs::read(clip()).unwrap());
        set_age(&staged, Duration::ZERO);
        std::fs::create_dir(home.media("yard")).unwrap();
        std::fs::rename(&staged, home.media("yard/second.mp4")).unwrap();
        eventually("the second", || processed("yard/second.mp4"));
        home.ending.cancel();
        staying.join().unwrap()
    });
    assert_eq!(heard.tally.segments.processed, 2);
}
