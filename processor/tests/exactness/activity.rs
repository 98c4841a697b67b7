//! Sampling by activity and by keyframes: the same frames as a full decode gives, though fewer.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use config::Sampling;
use nightreel_processor::video::{Choice, DecodeSummary, Video};

use crate::clips::{PEDESTRIANS, encode, keep};
use crate::night::{Night, Walk, Weather};
use crate::reference::{Frame, full_decode};
use crate::stage::Stage;

const EVERY: u64 = 15;

/// Samples a file, holds each frame against the reference, and gives their numbers.
fn sample(file: &Path, (every, sampling): (u64, Sampling), reference: &[Frame]) -> (Vec<u64>, DecodeSummary) {
    let every = NonZeroU32::new(every as u32).unwrap();
    let video = Video::open(file).unwrap();
    let mut samples = video.choose(Choice { every, sampling }).unwrap();
    let mut numbers = Vec::new();
    for frame in samples.by_ref() {
        let frame = frame.unwrap();
        let sha256 = catalog::hex(&frame.luma_sha256().unwrap());
        assert_eq!(sha256, reference[frame.index as usize].sha256, "{}: {}", file.display(), frame.index);
        numbers.push(frame.index);
    }
    assert!(numbers.is_sorted(), "{}: {numbers:?}", file.display());
    assert!(samples.summary().missing.is_empty());
    (numbers, samples.summary().clone())
}

#[test]
fn where_all_is_motion_activity_gives_every_exact_sample() {
    let quiet = "-c:v libx265 -preset superfast -x265-params log-level=none:pools=1:frame-threads=1";
    for (name, encoder) in [
        ("busy-gop-20.mp4", "-c:v libx264 -g 20 -sc_threshold 0 -bf 0".to_owned()),
        ("busy-gop-50.mkv", "-c:v libx264 -g 50 -bf 3".to_owned()),
        (
            "busy-open.mp4",
            "-c:v libx264 -x264-params open-gop=1:keyint=20:bframes=3:b-adapt=0:b-pyramid=normal".to_owned(),
        ),
        ("busy-open-h265.mp4", format!("{quiet}:keyint=20:open-gop=1:bframes=4:b-adapt=0:b-pyramid=1")),
        ("busy-mjpeg.avi", "-c:v mjpeg -q:v 5".to_owned()),
    ] {
        let file = encode(name, &encoder);
        let reference = full_decode(&file);
        for every in [30, 7] {
            let exact: Vec<u64> = (0..120).step_by(every as usize).collect();
            let (found, _) = sample(&file, (every, Sampling::Activity), &reference);
            let missed = exact.iter().filter(|number| !found.contains(number)).count();
            assert_eq!(missed, 0, "{name}, every {every}: {found:?}");
        }
    }
}

#[test]
fn keyframes_are_given_by_their_true_numbers_and_nothing_else_is_decoded() {
    let file = encode("keyed.mp4", "-c:v libx264 -g 13 -keyint_min 13 -sc_threshold 0 -bf 2");
    let reference = full_decode(&file);
    let (numbers, summary) = sample(&file, (30, Sampling::Keyframes), &reference);
    assert_eq!(numbers, [0, 39, 78, 117]);
    assert_eq!(summary.packets_fed, 4);
}

#[test]
fn what_cannot_be_planned_is_sampled_exactly() {
    let file = encode("unplanned.avi", "-c:v mpeg4 -g 20 -bf 2");
    let reference = full_decode(&file);
    for sampling in [Sampling::Activity, Sampling::Keyframes] {
        assert_eq!(sample(&file, (30, sampling), &reference).0, [0, 30, 60, 90]);
    }
}

#[test]
fn where_keyframes_lie_far_apart_nothing_is_left_out() {
    let still =
        "-c:v libx264 -preset veryfast -vf scale=128:96,select=eq(n\\,0),loop=120:1 -g 40 -sc_threshold 0";
    let file = encode("still.mp4", still);
    let reference = full_decode(&file);
    let exact: Vec<u64> = (0..reference.len() as u64).step_by(10).collect();
    assert!(exact.len() >= 12);
    assert_eq!(sample(&file, (10, Sampling::Activity), &reference).0, exact);
}

/// Films four nights of a minute and a half each: small, and once for all runs.
fn film(weather: Weather) -> (PathBuf, Vec<Walk>) {
    let night = Night { weather, seconds: 90, fps: 10, gop: 20, pause_seconds: 16, noise: 3.0, seed: 5 };
    let file = keep(&format!("night-{weather:?}.mp4"), |staged| {
        let stage = Stage::of(Path::new(PEDESTRIANS), 2).unwrap();
        night.film(&stage, staged).unwrap();
    });
    (file, night.walks([384, 288]))
}

#[test]
fn activity_misses_nobody_in_quiet_nights_and_leaves_most_of_them_undecoded() {
    for (name, weather) in Weather::ALL {
        let (file, walks) = film(weather);
        let (numbers, summary) = sample(&file, (EVERY, Sampling::Activity), &full_decode(&file));
        let numbers: BTreeSet<u64> = numbers.into_iter().collect();
        assert!(numbers.iter().all(|number| number.is_multiple_of(EVERY)), "{name}");
        assert!(walks.len() >= 3, "{name}: {} walkers", walks.len());
        for walk in &walks {
            let [begin, end] = walk.frames;
            let seen = numbers.range(begin..end).count() as u64;
            let exact = (begin..end).filter(|number| number.is_multiple_of(EVERY)).count() as u64;
            assert_eq!(seen, exact, "{name}: {walk:?}, samples {numbers:?}");
        }
        // 45 keyframes, and what the walkers take.
        assert!(summary.packets_fed < 500, "{name}: {} of 900 packets were decoded", summary.packets_fed);
    }
}
