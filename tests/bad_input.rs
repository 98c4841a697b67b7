//! Input that is no good: told with its reason, never a panic, never in the way of what is.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::media::let_rest;
use crate::support::{Clip, Nightreel, Seen, assert_sidecar, footage, sidecar_beside};

const BLIND: &str = "[detect]\nenabled = false\n";

/// Much longer than any of this takes on a busy machine, much shorter than a person would wait.
const SOON: Duration = Duration::from_secs(60);

const SMALL: &[&str] =
    &["-vf", "scale=320:180", "-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-sc_threshold", "0"];
const SMALLER: &[&str] =
    &["-vf", "scale=256:144", "-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-sc_threshold", "0"];

/// Four seconds, forty frames.
fn small(extension: &'static str, encoder: &'static [&'static str]) -> Vec<u8> {
    fs::read(footage(Clip { seconds: 4, extension, encoder, ..Clip::default() })).unwrap()
}

/// Overwrites the pictures' data in a share of the `mdat`, given in hundredths.
fn with_noise(mut mp4: Vec<u8>, hundredths: std::ops::Range<usize>) -> Vec<u8> {
    let at = position(&mp4, b"mdat") + 4;
    let size = u32::from_be_bytes(mp4[at - 8..at - 4].try_into().unwrap()) as usize - 8;
    for byte in &mut mp4[at + size * hundredths.start / 100..at + size * hundredths.end / 100] {
        *byte = byte.wrapping_mul(167).wrapping_add(13);
    }
    mp4
}

/// Says 149 hours wherever the head says how long the film is, or the longest there is room for.
fn for_149_hours(mut mp4: Vec<u8>) -> Vec<u8> {
    // Where the duration lies in the box, and in which unit.
    let movie_scale = scale(&mp4, b"mvhd");
    for (kind, offset, scale) in [
        (b"mvhd", 16, movie_scale),
        (b"tkhd", 20, movie_scale),
        (b"elst", 8, movie_scale),
        (b"mdhd", 16, scale(&mp4, b"mdhd")),
    ] {
        let at = position(&mp4, kind) + 4 + offset;
        let duration = scale.saturating_mul(149 * 3600).min(u32::MAX - 1);
        mp4[at..at + 4].copy_from_slice(&duration.to_be_bytes());
    }
    mp4
}

fn scale(mp4: &[u8], kind: &[u8; 4]) -> u32 {
    let at = position(mp4, kind) + 16;
    u32::from_be_bytes(mp4[at..at + 4].try_into().unwrap())
}

fn position(mp4: &[u8], kind: &[u8; 4]) -> usize {
    mp4.windows(4).position(|bytes| bytes == kind).unwrap()
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What is no video, by its name, with a word of the reason.
const HOPELESS: [(&str, &str); 4] = [
    ("empty.mp4", "empty"),
    ("text.mp4", "another kind"),
    ("cut.mp4", "cut off"),
    ("noise.mp4", "no frames"),
];

/// Has a second without a picture that can be decoded.
const HOLES: &str = "holes.mp4";

/// Puts into a folder what is hopeless, what has [`HOLES`], and what is odd but whole; of the last, returns the names
/// with the numbers of frames and of seconds.
fn fill(folder: &Path) -> [(&'static str, u64, f64); 3] {
    let whole = small("mp4", SMALL);
    let sizes = [small("ts", SMALL), small("ts", SMALLER)].concat();
    let files = [
        ("empty.mp4", Vec::new()),
        ("text.mp4", b"bread, milk, a lamp for the gate\n".to_vec()),
        ("cut.mp4", whole[..whole.len() / 2].to_vec()),
        ("noise.mp4", with_noise(whole.clone(), 0..100)),
        (HOLES, with_noise(whole.clone(), 40..60)),
        ("sizes.ts", sizes),
        ("long.mp4", for_149_hours(whole.clone())),
        ("good.mp4", whole),
    ];
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
        let_rest(&folder.join(name));
    }
    // Times begin anew where the size changes.
    [("sizes.ts", 80, 4.0), ("long.mp4", 40, 4.0), ("good.mp4", 40, 4.0)]
}

/// Puts beside them what no program should wait for or follow.
fn add_traps(folder: &Path) {
    pipe(&folder.join("pipe.mp4"));
    symlink(folder.join("loop.mp4"), folder.join("loop.mp4")).unwrap();
    symlink(folder, folder.join("around")).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"caf\xe9.mp4")), small("mp4", SMALL)).unwrap();
}

fn run(nightreel: &Nightreel, arguments: &[&str]) -> Value {
    let begun = Instant::now();
    let outcome = nightreel.run(arguments).with_code(1);
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    assert!(!outcome.said().contains("panicked"), "{}", outcome.said());
    outcome.json()
}

/// Returns the reason that goes with a file in a list of objects.
fn reason<'a>(list: &'a [Value], name: &str) -> &'a str {
    let line = list.iter().find(|line| line["file"].as_str().unwrap().ends_with(name));
    line.unwrap_or_else(|| panic!("{name} is not in {list:?}"))["reason"].as_str().unwrap()
}

fn assert_looked_at(file: &Path, (frames, seconds): (u64, f64)) {
    let sidecar = assert_sidecar(&sidecar_beside(file));
    let segment = &sidecar["segment"];
    assert_eq!(segment["frames"], frames, "{}", file.display());
    let told = segment["duration_s"].as_f64().unwrap();
    assert!((told - seconds).abs() < 0.2, "{}: {told} s", file.display());
    assert_eq!(sidecar.frames(), (0..frames).step_by(30).collect::<Vec<_>>(), "{}", file.display());
}

fn assert_told_of_holes(file: &Path) {
    let sidecar = assert_sidecar(&sidecar_beside(file));
    let faults = sidecar["segment"].list("faults");
    assert!(faults.iter().any(|fault| fault.as_str().unwrap().contains("hold no picture")), "{faults:?}");
    assert!((30..40).contains(&sidecar["segment"]["frames"].as_u64().unwrap()), "{sidecar}");
}

#[test]
fn in_a_cameras_folder_is_set_aside_or_passed_over_with_its_reason() {
    let nightreel = Nightreel::new();
    nightreel.configure(BLIND);
    let gate = nightreel.root().join("gate");
    let good = fill(&gate);
    add_traps(&gate);

    let summary = run(&nightreel, &["process", "--once", "--json"]);

    let looked_at = good.len() + 1;
    assert_eq!(summary["segments"], json!({"processed": looked_at, "skipped": 0, "failed": HOPELESS.len()}));
    assert_told_of_holes(&gate.join("processed").join(HOLES));
    for (name, frames, seconds) in good {
        assert_looked_at(&gate.join("processed").join(name), (frames, seconds));
    }
    let status = nightreel.status();
    for (name, word) in HOPELESS {
        assert!(gate.join("failed").join(name).exists(), "{name}");
        for list in [summary.list("failures"), status.list("given_up")] {
            assert!(reason(list, name).contains(word), "{name}: {list:?}");
        }
    }
    assert_eq!(status["segments"]["failed"], HOPELESS.len());
    let passed_over = status.list("passed_over");
    for (name, word) in [("pipe.mp4", "pipe"), ("loop.mp4", "link"), ("caf", "UTF-8")] {
        let told = passed_over.iter().filter_map(Value::as_str).find(|told| told.contains(name));
        assert!(told.is_some_and(|told| told.contains(word)), "{name}: {passed_over:?}");
    }
    assert_eq!(passed_over.len(), 3, "{passed_over:?}");
    let text = nightreel.run(&["status"]).with_code(0).stdout;
    assert!(text.contains("gate/failed/text.mp4") && text.contains("pipe.mp4"), "{text}");
}

#[test]
fn that_is_named_is_told_with_its_reason_and_left_alone() {
    let nightreel = Nightreel::new();
    let old = nightreel.path("old");
    let good = fill(&old);
    add_traps(&old);
    let before = HOPELESS.map(|(name, _)| fs::read(old.join(name)).unwrap());

    let named = ["process", "old", "old/pipe.mp4", "old/loop.mp4", "old/absent.mp4", "--json"];
    let summary = run(&nightreel, &named);

    assert_told_of_holes(&old.join(HOLES));
    for (name, frames, seconds) in good {
        assert_looked_at(&old.join(name), (frames, seconds));
    }
    let failures = summary.list("failures");
    for (name, word) in HOPELESS {
        assert!(reason(failures, name).contains(word), "{name}: {failures:?}");
    }
    for (name, word) in [
        ("pipe.mp4", "file"),
        ("loop.mp4", "symbolic links"),
        ("absent.mp4", "No such file"),
        (".mp4", "UTF-8"),
    ] {
        let told = failures.iter().filter(|line| line["file"].as_str().unwrap().ends_with(name));
        let reasons: Vec<_> = told.map(|line| line["reason"].as_str().unwrap()).collect();
        assert!(reasons.iter().any(|reason| reason.contains(word)), "{name}: {reasons:?}");
    }
    assert_eq!(summary["segments"]["failed"], HOPELESS.len() + 4);
    assert_eq!(HOPELESS.map(|(name, _)| fs::read(old.join(name)).unwrap()), before);
    let left: Vec<PathBuf> = HOPELESS.map(|(name, _)| sidecar_beside(&old.join(name))).into();
    assert!(left.iter().all(|sidecar| !sidecar.exists()), "{left:?}");
}
