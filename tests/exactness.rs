//! The sampled frames are those of a full decode, bit for bit, whatever was skipped on the way to them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::media::{digest, files_under};
use crate::support::{Clip, Nightreel, Seen, footage};

const WIDTH: usize = 768;
const HEIGHT: usize = 576;
const SECONDS: u32 = 12;
const FRAMES: usize = 10 * SECONDS as usize;

/// What recorders and cameras send, by the way their frames depend on each other.
const STREAMS: [(&str, Clip); 7] = [
    (
        "H.264 without B-frames",
        stream("mp4", &["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "0"]),
    ),
    (
        "H.264 with B-frames, closed GOP",
        stream(
            "mp4",
            &["-c:v", "libx264", "-g", "25", "-bf", "3", "-x264-params", "open-gop=0:b-pyramid=normal"],
        ),
    ),
    (
        "H.264 with B-frames, open GOP",
        stream(
            "mp4",
            &["-c:v", "libx264", "-g", "25", "-bf", "3", "-x264-params", "open-gop=1:b-pyramid=normal"],
        ),
    ),
    (
        "H.264 in fragments",
        stream(
            "mp4",
            &[
                "-c:v",
                "libx264",
                "-g",
                "25",
                "-bf",
                "2",
                "-movflags",
                "frag_keyframe+empty_moov+default_base_moof",
            ],
        ),
    ),
    ("H.264 in a transport stream", stream("ts", &["-c:v", "libx264", "-g", "25", "-bf", "2"])),
    (
        "H.265, closed GOP",
        stream(
            "mp4",
            &[
                "-c:v",
                "libx265",
                "-preset",
                "superfast",
                "-x265-params",
                "log-level=error:keyint=25:min-keyint=25:bframes=3:open-gop=0",
            ],
        ),
    ),
    (
        "H.265, open GOP",
        stream(
            "mkv",
            &[
                "-c:v",
                "libx265",
                "-preset",
                "superfast",
                "-x265-params",
                "log-level=error:keyint=25:min-keyint=25:bframes=4:b-pyramid=1:open-gop=1",
            ],
        ),
    ),
];

const fn stream(extension: &'static str, encoder: &'static [&'static str]) -> Clip {
    Clip { from_s: 0, seconds: SECONDS, extension, encoder }
}

/// Decodes every frame with the `ffmpeg` program and hashes each luma plane.
fn full_decode(file: &Path) -> Vec<String> {
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-noautorotate", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
        .output()
        .expect("ffmpeg is installed: see scripts/setup.sh test");
    assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
    let frames = decoded.stdout.chunks(WIDTH * HEIGHT * 3 / 2);
    frames.map(|frame| digest(&frame[..WIDTH * HEIGHT])).collect()
}

fn run(nightreel: &Nightreel, file: &Path, options: &[&str]) -> Vec<Value> {
    let arguments = [&["frames", file.to_str().unwrap(), "--json"], options].concat();
    let outcome = nightreel.run(&arguments).with_code(0);
    assert_eq!(outcome.stderr, "", "nothing is wrong with the file");
    outcome.json_lines()
}

#[test]
fn samples_equal_those_of_a_full_decode() {
    let nightreel = Nightreel::new();
    for (what, clip) in STREAMS {
        let file = footage(clip);
        let full = full_decode(&file);
        assert_eq!(full.len(), FRAMES, "{what}");
        for every in [30, 7] {
            let lines = run(&nightreel, &file, &["--every", &every.to_string()]);
            let sampled: Vec<_> = (0..FRAMES).step_by(every).collect();
            let hashes: Vec<_> = sampled.iter().map(|frame| (*frame, full[*frame].clone())).collect();
            let found: Vec<_> = lines
                .iter()
                .map(|line| {
                    let frame = line["frame"].as_u64().unwrap();
                    (usize::try_from(frame).unwrap(), line["luma_sha256"].as_str().unwrap().to_owned())
                })
                .collect();
            assert_eq!(found, hashes, "{what}, every {every}");
        }
    }
}

#[test]
fn lists_every_thirtieth_frame_with_its_time_and_hash_and_nothing_else() {
    let nightreel = Nightreel::new();
    let file = footage(STREAMS[0].1);

    let lines = run(&nightreel, &file, &[]);

    let full = full_decode(&file);
    let expected: Vec<_> = (0..FRAMES)
        .step_by(30)
        .map(|frame| json!({"frame": frame, "pts_s": frame as f64 / 10.0, "luma_sha256": full[frame]}))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn leaves_out_the_hash_when_only_time_counts() {
    let nightreel = Nightreel::new();

    let lines = run(&nightreel, &footage(STREAMS[0].1), &["--no-hash", "--every", "60"]);

    assert_eq!(lines, [json!({"frame": 0, "pts_s": 0.0}), json!({"frame": 60, "pts_s": 6.0})]);
}

#[test]
fn writes_the_samples_as_pictures() {
    let nightreel = Nightreel::new();
    let lines = run(&nightreel, &footage(STREAMS[0].1), &["--out", "pictures"]);

    let pictures = files_under(&nightreel.path("pictures"));
    assert_eq!(pictures.len(), lines.len());
    for picture in pictures {
        let probed = Command::new("ffprobe")
            .args(["-v", "error", "-of", "json", "-show_entries", "stream=codec_name,width,height"])
            .arg(&picture)
            .output()
            .expect("ffprobe comes with ffmpeg");
        let probed: Value = serde_json::from_slice(&probed.stdout).unwrap();
        let expected = json!({"codec_name": "mjpeg", "width": WIDTH, "height": HEIGHT});
        assert_eq!(probed.list("streams")[0], expected, "{}", picture.display());
    }
}

#[test]
fn says_what_is_wrong_with_a_file_that_cannot_be_read() {
    let nightreel = Nightreel::new();
    let whole = std::fs::read(footage(STREAMS[0].1)).unwrap();
    nightreel.write("cut.mp4", &whole[..whole.len() / 2]);
    nightreel.write("text.mp4", "a shopping list");

    for file in ["cut.mp4", "text.mp4", "nothing.mp4"] {
        let outcome = nightreel.run(&["frames", file, "--json"]).with_code(1).telling(&[file]);
        assert_eq!(outcome.stdout, "", "{file}");
    }
}
