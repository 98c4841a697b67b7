//! Decoding in a process of its own: what kills it, stops it or asks too much of it costs one file, not the run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use nightreel_processor::{DecoderProgram, WindowRule};

use crate::clips;
use crate::home::{BLIND, Heard, Home, Told};

pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_decode-worker");

/// A worker that first runs `script`, in which `$worker` is the real one.
pub(crate) fn worker(script: &str) -> DecoderProgram {
    DecoderProgram::new("/bin/sh", &["-c", &format!("worker={WORKER}\n{script}")])
}

/// Drains the backlog; whatever was given back is tried again at once.
fn drain(home: &Home) -> Heard {
    home.try_drain(WindowRule::Keep, |told| {
        if matches!(told, Told::GivenBack(..)) {
            home.clock.set(home.clock.now() + TimeDelta::minutes(5));
        }
    })
    .unwrap()
}

fn reason_of(home: &Home, file: &str) -> String {
    let segment = home.segment(PathBuf::from("gate/failed").join(file));
    segment.reason.unwrap_or_default()
}

#[test]
fn a_file_that_crashes_the_decoder_is_set_aside_and_the_rest_is_done() {
    let mut home = Home::new(&format!("{BLIND}\n[process]\nworkers = 1"));
    // the first three lives end at once: those of the first file
    let lives = home.path("lives");
    home.decoder = worker(&format!(
        "echo . >> {lives:?}\n[ $(wc -l < {lives:?}) -gt 3 ] && exec $worker\nkill -SEGV $$"
    ));
    home.put_clip("media/gate/segment_20260101_000000.mp4");
    home.put_clip("media/gate/segment_20260101_000100.mp4");

    let heard = drain(&home);

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 1), "{:?}", heard.told);
    let reason = reason_of(&home, "segment_20260101_000000.mp4");
    assert!(reason.contains("crashed") && reason.contains("11"), "{reason}");
    assert!(home.media("gate/processed/segment_20260101_000100.mp4").exists());
}

#[test]
fn a_file_that_hangs_the_decoder_is_set_aside() {
    let mut home = Home::new(&format!("{BLIND}\n[process]\nmax_attempts = 1"));
    home.decoder = worker("exec sleep 600").patience(Duration::from_secs(1));
    home.put_clip("media/gate/a.mp4");

    let heard = drain(&home);

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (0, 1));
    let reason = reason_of(&home, "a.mp4");
    assert!(reason.contains("stood still for 1 s"), "{reason}");
}

#[test]
fn a_file_that_wants_too_much_memory_is_set_aside() {
    let mut home = Home::new(&format!("{BLIND}\n[process]\nmax_attempts = 1\nworkers = 1"));
    home.decoder = DecoderProgram::new(WORKER, &["300000000"]);
    let size = "color=c=gray:size=8000x8000:rate=1";
    let large = clips::make("large-mjpeg.mkv", &["-f", "lavfi", "-t", "2", "-i", size, "-c:v", "mjpeg"]);
    home.put("media/gate/a.mkv", &std::fs::read(large).unwrap());
    home.put_clip("media/gate/b.mp4");

    let heard = drain(&home);

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 1), "{:?}", heard.told);
    assert!(home.media("gate/processed/b.mp4").exists());
}

#[test]
fn a_decoder_that_is_told_to_end_blames_no_file() {
    let mut home = Home::new(&format!("{BLIND}\n[process]\nmax_attempts = 1\nworkers = 1"));
    let first = home.path("first");
    home.decoder = worker(&format!("[ -e {first:?} ] && exec $worker\ntouch {first:?}\nkill -TERM $$"));
    home.put_clip("media/gate/a.mp4");

    let heard = drain(&home);

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 0), "{:?}", heard.told);
}

#[test]
fn a_decoder_that_cannot_be_started_ends_the_run_and_blames_no_file() {
    let mut home = Home::new(BLIND);
    home.decoder = DecoderProgram::new(Path::new("/nowhere/nightreel"), &[]);
    home.put_clip("media/gate/a.mp4");

    let error = home.try_drain(WindowRule::Keep, |_| {}).unwrap_err();

    assert!(error.to_string().contains("decoded"), "{error}");
    assert_eq!((home.stats().queued, home.stats().dead), (1, 0));
}
