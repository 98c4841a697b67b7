//! Files that begin in the middle, or end there: what can be decoded is, by the same numbers.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;

use config::Sampling;
use nightreel_processor::video::{Choice, Doubt, Video};

use crate::clips::{copy, encode, write};
use crate::reference::{Effort, assert_exact, full_decode};

const H264: &str = "-c:v libx264 -x264-params keyint=25:bframes=3:b-adapt=0:b-pyramid=normal";
const H265: &str =
    "-c:v libx265 -preset superfast -x265-params log-level=none:keyint=25:open-gop=1:bframes=3:b-adapt=0";

/// Keeps part of a file, in thousandths of its length, cut at packets of a transport stream.
fn part(name: &str, source: &Path, thousandths: std::ops::Range<usize>) -> PathBuf {
    let bytes = std::fs::read(source).unwrap();
    let at = |thousandth: usize| bytes.len() / 188 * thousandth / 1000 * 188;
    write(name, &bytes[at(thousandths.start)..at(thousandths.end)])
}

#[test]
fn a_transport_stream_that_begins_in_the_middle() {
    for (encoder, codec) in [(H264, "h264"), (H265, "h265")] {
        let whole = encode(&format!("stream-{codec}.ts"), encoder);
        for from in [100, 333, 500] {
            let file = part(&format!("from-{from}-{codec}.ts"), &whole, from..1000);
            let expected = match Video::open(&file).unwrap().doubt() {
                None => Effort::Planned,
                Some(doubt) => Effort::Everything(doubt),
            };
            assert_exact(&file, expected);
        }
    }
}

#[test]
fn a_first_frame_that_is_no_keyframe() {
    for (encoder, codec) in [(H264, "h264"), (H265, "h265")] {
        let whole = encode(&format!("whole-{codec}.mkv"), encoder);
        let file =
            copy(&format!("headless-{codec}.mkv"), "", &whole, "-copyinkf -bsf:v noise=drop=lt(n\\,7)");
        assert_exact(&file, Effort::Everything(Doubt::StartsInMidGop));
    }
}

#[test]
fn a_fragmented_file_that_was_cut_off() {
    let flags = "-movflags frag_keyframe+empty_moov+default_base_moof";
    let whole = encode("cut-source.mp4", &format!("{H264} {flags}"));
    let bytes = std::fs::read(&whole).unwrap();
    for share in [40, 63, 85, 99] {
        let file = write(&format!("cut-{share}.mp4"), &bytes[..bytes.len() * share / 100]);
        let reference = full_decode(&file);
        let video = Video::open(&file).unwrap();
        let mut samples = video.samples(NonZeroU32::new(7).unwrap()).unwrap();
        let frames: Vec<_> = samples.by_ref().map(Result::unwrap).collect();
        assert!(frames.len() >= 4, "{share} %: {} frames", frames.len());
        // A picture that was cut through is decoded by ffmpeg as far as it goes; all others are the same.
        let same = frames
            .iter()
            .filter(|frame| {
                let sha256 = catalog::hex(&frame.luma_sha256().unwrap());
                reference.get(frame.index as usize).is_some_and(|expected| expected.sha256 == sha256)
            })
            .count();
        assert!(same + 1 >= frames.len(), "{share} %: {same} of {}", frames.len());
    }
}

/// Overwrites the data of the packets from the `from`th to before the `to`th with noise; the index stays whole.
fn with_broken_packets(name: &str, source: &Path, packets: std::ops::Range<usize>) -> PathBuf {
    let listed = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0"])
        .arg(source)
        .output()
        .unwrap();
    let mut bytes = std::fs::read(source).unwrap();
    for line in String::from_utf8(listed.stdout).unwrap().lines().take(packets.end).skip(packets.start) {
        let numbers: Vec<usize> =
            line.trim_matches(',').split(',').map(|number| number.parse().unwrap()).collect();
        let [size, position] = numbers[..] else { panic!("{line}") };
        // The length and the type of the first unit stay, the picture is lost.
        bytes[position + 6..position + size].fill(0xa5);
    }
    write(name, &bytes)
}

#[test]
fn a_broken_gop_costs_that_gop_alone() {
    let h265 = "-c:v libx265 -preset superfast -x265-params log-level=none:keyint=20:open-gop=0:bframes=0";
    for (codec, encoder) in [
        ("h264", "-c:v libx264 -preset veryfast -g 20 -sc_threshold 0 -bf 0"),
        ("h264-b", "-c:v libx264 -preset veryfast -g 20 -sc_threshold 0 -bf 2"),
        ("h265", h265),
    ] {
        let whole = encode(&format!("gops-{codec}.mp4"), encoder);
        let reference = full_decode(&whole);
        let file = with_broken_packets(&format!("broken-gop-{codec}.mp4"), &whole, 40..60);
        for sampling in [Sampling::Exact, Sampling::Activity] {
            let every = NonZeroU32::new(7).unwrap();
            let mut samples = Video::open(&file).unwrap().choose(Choice { every, sampling }).unwrap();
            let sound: Vec<u64> = samples
                .by_ref()
                .map(Result::unwrap)
                .filter(|frame| {
                    let sha256 = catalog::hex(&frame.luma_sha256().unwrap());
                    sha256 == reference[frame.index as usize].sha256
                })
                .map(|frame| frame.index)
                .collect();
            let expected: Vec<u64> =
                (0..120).step_by(7).filter(|number| !(40..60).contains(number)).collect();
            assert_eq!(sound, expected, "{codec}, {sampling:?}: {:?}", samples.summary());
        }
    }
}

#[test]
fn damage_in_the_middle_is_survived_and_told() {
    let whole = encode("damaged-source.ts", H264);
    let mut bytes = std::fs::read(&whole).unwrap();
    let (from, to) = (bytes.len() / 2, bytes.len() / 2 + 6000);
    bytes[from..to].fill(0x55);
    let file = write("damaged.ts", &bytes);
    let video = Video::open(&file).unwrap();
    let mut samples = video.samples(NonZeroU32::new(7).unwrap()).unwrap();
    let sampled = samples.by_ref().filter(Result::is_ok).count();
    let missing = samples.summary().missing.len();
    assert!(sampled >= 10, "{sampled} frames, {missing} missing");
}
