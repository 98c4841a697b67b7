//! Windows: nothing is begun outside of them, and what is left at their end stays.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use nightreel_processor::{WaitReason, WindowRule};

use crate::home::{BLIND, Home, Told};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn nights() -> Home {
    let home = Home::new(&format!(
        "{BLIND}\n[process]\nworkers = 1\ntimezone = \"Europe/Berlin\"\nwindows = [\"22:00-06:00\"]"
    ));
    home.put_clip("media/gate/segment_20200101_000000.mp4");
    home.put_clip("media/gate/segment_20200101_000100.mp4");
    home
}

#[test]
fn outside_the_window_nothing_is_begun_unless_told_to() {
    let home = nights();
    home.clock.set(at("2046-11-22T12:00:00Z"));
    let heard = home.drain();
    assert_eq!(heard.told, [Told::Waiting(WaitReason::WindowClosed)]);
    assert_eq!(home.stats().queued, 2);
    let heard = home.try_drain(WindowRule::Ignore, |_| {}).unwrap();
    assert_eq!(heard.tally.segments.processed, 2);
}

#[test]
fn at_the_windows_end_the_rest_is_left_for_the_next_night() {
    let home = nights();
    home.clock.set(at("2046-11-23T04:59:00Z"));
    let heard = home
        .try_drain(WindowRule::Keep, |told| {
            if matches!(told, Told::Processed(_)) {
                home.clock.set(at("2046-11-23T05:00:00Z"));
            }
        })
        .unwrap();
    let first = Told::Processed(PathBuf::from("gate/segment_20200101_000000.mp4"));
    assert_eq!(heard.told, [first, Told::Waiting(WaitReason::WindowClosed)]);
    assert_eq!((home.stats().queued, home.stats().leased), (1, 0));
    home.clock.set(at("2046-11-23T21:00:00Z"));
    assert_eq!(home.drain().tally.segments.processed, 1);
}
