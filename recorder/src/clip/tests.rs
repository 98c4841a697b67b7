//! Clips of real files: every frame that was asked for, on one time line, and nothing else.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use catalog::Span;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::index::Index;
use super::*;

const FOOTAGE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

fn at(seconds: f64) -> DateTime<Utc> {
    "2026-11-22T22:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::microseconds((seconds * 1e6) as i64)
}

fn span(from: f64, to: f64) -> Span {
    Span::new(at(from), at(to))
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn ffmpeg(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.0.path().join(name);
        let sound = ["-f", "lavfi", "-i", "anoisesrc=amplitude=0.3:sample_rate=16000:seed=1"];
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-loglevel", "error", "-y", "-i", FOOTAGE]).args(sound).args(arguments);
        assert!(ffmpeg.arg(&path).status().unwrap().success(), "{name}");
        path
    }

    /// Encodes 18 s with sound at once, and cuts it every 6 s, as a recorder does.
    fn night(&self, codec: &[&str]) -> [Piece; 3] {
        let encoder =
            [&["-t", "18", "-vf", "scale=320:240,format=yuv420p", "-c:a", "aac", "-ac", "1"], codec].concat();
        let segments = ["-f", "segment", "-segment_time", "6", "-reset_timestamps", "1"];
        self.ffmpeg("night_%d.mp4", &[&encoder[..], &segments].concat());
        [0, 1, 2].map(|part| piece(&self.0.path().join(format!("night_{part}.mp4")), 6.0 * f64::from(part)))
    }

    fn write(&self, clip: Clip) -> PathBuf {
        let path = self.0.path().join("clip.mp4");
        let (length, mut content) = (clip.length(), Vec::new());
        clip.reader().read_to_end(&mut content).unwrap();
        assert_eq!(content.len() as u64, length);
        std::fs::write(&path, content).unwrap();
        path
    }
}

const H264: &[&str] =
    &["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-sc_threshold", "0"];
const H264_B: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-g",
    "20",
    "-bf",
    "3",
    "-sc_threshold",
    "0",
    "-b_strategy",
    "0",
];
const H265: &[&str] = &[
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-tag:v",
    "hvc1",
    "-x265-params",
    "keyint=10:min-keyint=10:bframes=2:b-adapt=0:open-gop=1:log-level=none",
];

fn piece(path: &Path, start: f64) -> Piece {
    Piece { file: File::open(path).unwrap(), name: "gate/a.mp4".to_owned(), start: at(start) }
}

fn clip(pieces: Vec<Piece>, wanted: Span) -> Result<Clip, ClipError> {
    Clip::of(&"gate".parse().unwrap(), pieces, wanted)
}

/// Decodes all of a file; every complaint is a failure. Returns when each frame is shown.
fn shown(path: &Path, stream: &str) -> Vec<f64> {
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "warning", "-xerror", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&decoded.stderr).into_owned();
    assert!(decoded.status.success() && said.is_empty(), "{said}");
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", "frame=pts_time", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

fn assert_even(shown: &[f64], step: f64) {
    for pair in shown.windows(2) {
        assert!((pair[1] - pair[0] - step).abs() < 0.002, "{pair:?} of {shown:?}");
    }
}

#[test]
fn a_clip_over_two_borders_has_every_frame_from_the_keyframe_on() {
    for codec in [H264, H264_B] {
        let folder = Folder::new();
        let clip = clip(folder.night(codec).into(), span(3.45, 13.2)).unwrap();
        let begins = if codec == H264 { 3.0 } else { 2.0 };
        assert!((clip.span.from - at(begins)).abs() < TimeDelta::milliseconds(2), "{}", clip.span.from);
        assert!(clip.holes.is_empty());
        let told = clip.frames;
        let path = folder.write(clip);
        let pictures = shown(&path, "v");
        assert_eq!(pictures.len() as u64, told);
        // pictures between which others are predicted go along whole
        let wanted = ((13.2 - begins) * 10.0_f64).round() as usize;
        let more = if codec == H264 { 0 } else { 3 };
        assert!((wanted..=wanted + more).contains(&pictures.len()), "{} of {wanted}", pictures.len());
        assert!(pictures[0].abs() < 1e-6);
        assert_even(&pictures, 0.1);
        let sound = shown(&path, "a");
        assert_even(&sound, 1024.0 / 16_000.0);
        assert!(
            sound[0] < 0.1 && sound.last().unwrap() + 0.3 > 13.2 - begins,
            "{} {:?}",
            sound[0],
            sound.last()
        );
    }
}

#[test]
fn what_refers_to_pictures_before_the_keyframe_is_left_out() {
    let folder = Folder::new();
    let path = folder.write(clip(folder.night(H265).into(), span(3.45, 8.0)).unwrap());
    let pictures = shown(&path, "v");
    assert_eq!(pictures.len(), 50, "{pictures:?}");
    assert_even(&pictures, 0.1);
}

#[test]
fn a_hole_keeps_its_time_and_is_told() {
    let folder = Folder::new();
    let [first, _, last] = folder.night(H264);
    let clip = clip(vec![first, last], span(5.0, 13.0)).unwrap();
    let [hole] = clip.holes[..] else { panic!("{:?}", clip.holes) };
    assert!((hole.from - at(6.0)).abs() < TimeDelta::milliseconds(2) && hole.to == at(12.0), "{hole:?}");
    let path = folder.write(clip);
    for (stream, step) in [("v", 0.1), ("a", 0.064)] {
        let shown = shown(&path, stream);
        let steps: Vec<f64> =
            shown.windows(2).map(|pair| pair[1] - pair[0]).filter(|found| *found > 2.0 * step).collect();
        assert!(matches!(steps[..], [step] if (step - 6.1).abs() < 0.15), "{stream}: {steps:?}");
    }
}

#[test]
fn starts_that_jitter_leave_no_step_and_what_overlaps_follows() {
    for start in [5.9, 6.1, 4.0] {
        let folder = Folder::new();
        let [first, second, _] = folder.night(H264);
        let second = Piece { start: at(start), ..second };
        let path = folder.write(clip(vec![first, second], span(0.0, 60.0)).unwrap());
        let pictures = shown(&path, "v");
        assert_eq!(pictures.len(), 120, "from {start}");
        assert_even(&pictures, 0.1);
    }
}

#[test]
fn one_file_holds_one_kind_of_picture() {
    let folder = Folder::new();
    let [first, second, _] = folder.night(H264);
    let wide = ["-t", "6", "-vf", "scale=640:480,format=yuv420p"];
    let other = folder.ffmpeg("other.mp4", &[&wide[..], H264, &["-an"]].concat());
    let pieces = vec![first, second, piece(&other, 12.0)];
    let refused = clip(pieces, span(0.0, 18.0)).unwrap_err();
    assert!(
        matches!(refused, ClipError::Changed { what: "picture", at: changed } if changed == at(12.0)),
        "{refused}"
    );
    assert!(refused.to_string().contains("2026-11-22T22:00:12.000Z"), "{refused}");
}

#[test]
fn sound_that_comes_and_goes_is_kept_where_it_is() {
    let folder = Folder::new();
    let [first, second, third] = folder.night(H264);
    let silent = folder.ffmpeg(
        "silent.mp4",
        &["-i", &format!("{}/night_0.mp4", folder.0.path().display()), "-map", "2:v", "-c", "copy"],
    );
    drop(first);
    let path = folder.write(clip(vec![piece(&silent, 0.0), second, third], span(0.0, 18.0)).unwrap());
    assert_eq!(shown(&path, "v").len(), 180);
    let sound = shown(&path, "a");
    assert!((sound[0] - 6.0).abs() < 0.1, "{}", sound[0]);
}

#[test]
fn what_cannot_be_a_clip_is_refused_with_the_reason() {
    let folder = Folder::new();
    let mut pieces: Vec<Piece> = folder.night(H264).into();
    let odd = folder.ffmpeg("odd.mkv", &["-t", "2"]);
    assert!(matches!(clip(vec![piece(&odd, 0.0)], span(0.0, 9.0)), Err(ClipError::NotIndexed { .. })));
    assert!(matches!(clip(vec![], span(0.0, 9.0)), Err(ClipError::Nothing)));
    assert!(matches!(clip(vec![], span(9.0, 9.0)), Err(ClipError::Backwards)));
    assert!(matches!(clip(vec![], span(0.0, 3601.0)), Err(ClipError::TooLong)));
    let many = (0..=MOST_PIECES).map(|_| piece(&odd, 0.0)).collect();
    assert!(matches!(clip(many, span(0.0, 9.0)), Err(ClipError::TooLong)));
    assert!(matches!(clip(pieces.split_off(2), span(30.0, 31.0)), Err(ClipError::Nothing)));
}

#[test]
fn a_file_that_became_shorter_is_an_error_and_no_end() {
    let folder = Folder::new();
    let [first, ..] = folder.night(H264);
    let clip = clip(vec![first], span(0.0, 6.0)).unwrap();
    File::options().write(true).open(folder.0.path().join("night_0.mp4")).unwrap().set_len(2000).unwrap();
    assert!(clip.reader().read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn rates_of_bits_make_no_other_sound() {
    let entry = |fields: &[u8], rate: u8| {
        let esds = [
            &[0, 0, 0, 0, 3, 25, 0, 2, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, rate, 0, 0, 0, rate][..],
            &[5, 2],
            fields,
        ]
        .concat();
        let boxed = |kind: &[u8], content: &[u8]| {
            [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
        };
        boxed(b"mp4a", &[&[0; 28][..], &boxed(b"esds", &esds), &boxed(b"btrt", &[rate; 12])].concat())
    };
    let are_equal = |one: &[u8], other: &[u8]| parameters::are_equal((one, other), false);
    assert!(are_equal(&entry(&[20, 8], 1), &entry(&[20, 8], 99)));
    assert!(!are_equal(&entry(&[20, 8], 1), &entry(&[18, 8], 1)));
    assert!(!are_equal(&[], &entry(&[18, 8], 1)) && are_equal(&[], &[]));
}

/// Returns the content of the index of a file with pictures and sound.
fn moov() -> Vec<u8> {
    let folder = Folder::new();
    let [first, ..] = folder.night(H264_B);
    let mut bytes = Vec::new();
    (&first.file).read_to_end(&mut bytes).unwrap();
    let at = bytes.windows(4).rposition(|kind| kind == b"moov").unwrap();
    bytes.split_off(at + 4)
}

#[test]
fn damaged_indexes_are_refused_and_no_panics() {
    let moov = moov();
    assert!(Index::read(&moov, u64::MAX).is_some_and(|index| index.sound.is_some()));
    assert!(Index::read(&moov, 1000).is_none(), "what lies beyond the end is not believed");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2000));
    let damage = (prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), 0..=moov.len());
    runner
        .run(&damage, |(changes, end)| {
            let mut damaged = moov.clone();
            changes.iter().for_each(|(place, byte)| *place.get_mut(&mut damaged) = *byte);
            damaged.truncate(end);
            let _ = Index::read(&damaged, 1 << 40);
            Ok(())
        })
        .unwrap();
}
