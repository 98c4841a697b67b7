//! The reference: ffmpeg's own command decodes everything and hashes every luma plane.

use std::num::NonZeroU32;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nightreel_processor::video::{Doubt, Video};

/// One frame of a full decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) sha256: String,
    /// Since the first frame.
    pub(crate) pts: Duration,
}

/// Decodes a whole file with one thread and no dropping or repeating of frames.
pub(crate) fn full_decode(file: &Path) -> Vec<Frame> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-noautorotate", "-threads", "1", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-vf", "extractplanes=y"])
        .args(["-f", "framehash", "-hash", "sha256", "pipe:1"])
        .output()
        .expect("ffmpeg is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let time_base = text.lines().find_map(|line| line.strip_prefix("#tb 0: ")).map_or(0.0, fraction);
    let lines: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').map(str::trim).collect())
        .collect();
    let ticks = |line: &[&str]| line[2].parse::<i64>().unwrap();
    let first = lines.first().map_or(0, |line| ticks(line));
    let pts = |line: &[&str]| Duration::from_secs_f64((ticks(line) - first).max(0) as f64 * time_base);
    lines.iter().map(|line| Frame { sha256: line[5].to_owned(), pts: pts(line) }).collect()
}

fn fraction(text: &str) -> f64 {
    let (above, below) = text.split_once('/').unwrap();
    above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
}

/// What is expected of a clip besides exact frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Some packets need not be decoded.
    Planned,
    /// Nothing can be left out, for this reason.
    Everything(Doubt),
}

/// Fails unless the frames sampled at several distances are those of a full decode: the same in number,
/// index, luma and time.
pub(crate) fn assert_exact(file: &Path, effort: Effort) -> Vec<Frame> {
    let reference = full_decode(file);
    assert!(!reference.is_empty(), "ffmpeg decodes nothing of {}", file.display());
    let video = Video::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for every in [30, 7, 1] {
        assert_samples(&video, every, &reference, file);
    }
    let frames = reference.len() as u64;
    match effort {
        Effort::Planned => {
            assert_eq!(video.doubt(), None, "{}", file.display());
            assert_eq!(video.probe().frames, frames, "{}", file.display());
        }
        Effort::Everything(doubt) => assert_eq!(video.doubt(), Some(doubt), "{}", file.display()),
    }
    reference
}

fn assert_samples(video: &Video, every: u32, reference: &[Frame], file: &Path) {
    let mut samples = video.samples(NonZeroU32::new(every).unwrap()).unwrap();
    let mut indices = Vec::new();
    for frame in samples.by_ref() {
        let frame = frame.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let expected = reference.get(frame.index as usize).unwrap_or_else(|| {
            panic!("{}: frame {} of {} frames", file.display(), frame.index, reference.len())
        });
        let sha256 = catalog::hex(&frame.luma_sha256().unwrap());
        assert_eq!(sha256, expected.sha256, "{}, every {every}: frame {}", file.display(), frame.index);
        let apart = frame.pts.abs_diff(expected.pts);
        assert!(apart < Duration::from_millis(2), "{}: {:?} {:?}", file.display(), frame, expected.pts);
        indices.push(frame.index);
    }
    let expected: Vec<u64> = (0..reference.len() as u64).step_by(every as usize).collect();
    assert_eq!(indices, expected, "{}, every {every}", file.display());
    assert!(samples.summary().missing.is_empty(), "{}: {:?}", file.display(), samples.summary());
}

/// Says how many packets were given to the decoder for every 30th frame.
pub(crate) fn packets_fed(file: &Path) -> u64 {
    let video = Video::open(file).unwrap();
    let mut samples = video.samples(NonZeroU32::new(30).unwrap()).unwrap();
    assert!(samples.by_ref().all(|frame| frame.is_ok()));
    samples.summary().packets_fed
}
