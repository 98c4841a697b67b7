//! The windows in which the heavy work may run: kept, ignored when asked to, and left on time.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, Timelike, Utc};
use serde_json::json;

use crate::support::clock::faketime;
use crate::support::media::{contents, finished, put_segments};
use crate::support::{Clip, Nightreel, Outcome, footage};

/// A window of an hour that begins in two hours, and when that is.
fn window_in_two_hours() -> (String, DateTime<Utc>) {
    let opens =
        (Utc::now() + Duration::from_secs(2 * 3600)).with_nanosecond(0).unwrap().with_second(0).unwrap();
    let minute = |time: NaiveTime| time.format("%H:%M").to_string();
    let closes = opens + Duration::from_secs(3600);
    (format!("{}-{}", minute(opens.time()), minute(closes.time())), opens)
}

const BLIND: &str = "[detect]\nenabled = false\n";
/// More than fits into the seconds before a window's end.
const SLOW: &str = "every_nth_frame = 2\nworkers = 1\n";

fn configure(nightreel: &Nightreel, window: &str, keys: &str) {
    nightreel.configure(&format!("[process]\nwindows = [{window:?}]\n{keys}"));
}

#[test]
fn outside_its_window_once_says_when_it_opens_and_does_nothing() {
    let nightreel = Nightreel::new();
    let (window, opens) = window_in_two_hours();
    configure(&nightreel, &window, BLIND);
    put_segments(&nightreel.root(), 1);
    let before = contents(&nightreel.root());

    let outcome = nightreel.run(&["process", "--once", "--json"]).with_code(0);

    assert_eq!(outcome.json()["segments"], json!({"processed": 0, "skipped": 0, "failed": 0}));
    outcome.telling(&[&opens.format("%Y-%m-%d %H:%M UTC").to_string(), "--now"]);
    assert_eq!(nightreel.status()["backlog"], 1);
    assert_eq!(nightreel.status()["window"]["open"], false);
    let untouched = contents(&nightreel.root());
    assert!(before.iter().all(|(file, hash)| untouched.get(file) == Some(hash)), "{untouched:?}");
}

#[test]
fn now_ignores_the_window() {
    let nightreel = Nightreel::new();
    configure(&nightreel, &window_in_two_hours().0, BLIND);
    put_segments(&nightreel.root(), 1);

    let summary = nightreel.run(&["process", "--once", "--now", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"], json!({"processed": 1, "skipped": 0, "failed": 0}));
}

#[test]
fn what_is_overdue_or_fills_the_disk_is_looked_at_outside_the_window() {
    for (key, value) in [("deadline_hours", "0.01"), ("urgent_when_disk_below_gb", "1000000")] {
        let nightreel = Nightreel::new();
        configure(&nightreel, &window_in_two_hours().0, &format!("{key} = {value}\n{BLIND}"));
        put_segments(&nightreel.root(), 1);
        nightreel.run(&["pause"]).with_code(0);
        nightreel.run(&["process", "--once"]).with_code(0).telling(&["nightreel resume"]);
        let status = nightreel.status();
        assert_eq!((&status["backlog"], status["urgent"].is_string()), (&json!(1), true), "{status}");
        let text = nightreel.run(&["status"]).with_code(0).stdout;
        assert!(text.contains(&format!("because of `process.{key}`")), "{text}");
        nightreel.run(&["resume"]).with_code(0);

        let outcome = nightreel.run(&["process", "--once", "--json"]).with_code(0);

        assert_eq!(outcome.json()["segments"]["processed"], 1);
        outcome.telling(&[&format!("process.{key}")]);
        assert_eq!(nightreel.status()["urgent"], json!(null));
    }
}

#[test]
fn named_files_are_looked_at_at_any_hour() {
    let nightreel = Nightreel::new();
    configure(&nightreel, &window_in_two_hours().0, BLIND);
    nightreel.copy_in(&footage(Clip::default()), "old/clip.mp4");

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"]["processed"], 1);
}

#[test]
fn at_its_windows_end_once_leaves_the_rest_for_the_next_night() {
    leaves_the_rest("@2040-11-22 05:59:55", ("UTC", "22:00-06:00"), "2040-11-22 22:00 UTC");
}

#[test]
fn a_window_ends_by_the_clock_on_the_wall_in_nights_when_it_is_changed() {
    // The hour from 2:00 comes twice, and the window is open in both.
    leaves_the_rest("@2040-10-28 01:59:55", ("Europe/Berlin", "22:00-03:00"), "2040-10-28 21:00 UTC");
    // It does not come at all, and the night is an hour shorter.
    leaves_the_rest("@2040-03-25 03:59:55", ("Europe/Berlin", "22:00-06:00"), "2040-03-25 20:00 UTC");
}

/// Processes from five seconds before the end of a window on, and asserts that it ends in time and says when it goes on.
fn leaves_the_rest(before: &str, (timezone, window): (&str, &str), opens: &str) {
    let Some(late) = faketime(before) else { return };
    let nightreel = Nightreel::new();
    configure(&nightreel, window, &format!("timezone = {timezone:?}\n{SLOW}"));
    put_segments(&nightreel.root(), 10);
    let mut command = nightreel.command_under(&late, &["process", "--once", "--json"]);

    let outcome = Outcome::of(command.env("TZ", "UTC").env("FAKETIME_DONT_FAKE_MONOTONIC", "1")).with_code(0);

    let done = outcome.json()["segments"]["processed"].as_u64().unwrap();
    assert!((1..10).contains(&done), "{done} of 10 fit into five seconds: {}", outcome.stderr);
    outcome.telling(&[opens]);
    let left = finished(&nightreel.root().join("gate")).len();
    assert_eq!(u64::try_from(left).unwrap(), 10 - done);
    nightreel.verify();
}
