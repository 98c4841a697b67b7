//! Clips to send, and the hashes of a file's frames.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Real footage with noise, so that no two frames are alike.
const FOOTAGE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    H264WithBFrames,
    H265,
    MotionJpeg,
}

impl Codec {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::H264 => &["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25"],
            Self::H264WithBFrames => {
                &["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-b_strategy", "0", "-g", "25"]
            }
            // with the Huffman tables that RTP takes for granted (RFC 2435)
            Self::MotionJpeg => &[
                "-c:v", "mjpeg", "-huffman", "default", "-q:v", "4", "-pix_fmt", "yuvj420p", "-strict", "-1",
            ],
            Self::H265 => &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-x265-params",
                "keyint=25:min-keyint=25:bframes=3:b-adapt=0:open-gop=0:log-level=none",
            ],
        }
    }
}

/// Returns twenty seconds, longer than any test records, of 25 frames/s with a keyframe every second, and sound
/// of `audio` arguments. Encoded once for all tests that send the same.
pub(crate) fn encoded(codec: Codec, audio: &[&str]) -> PathBuf {
    let picture = [
        &["-vf", "settb=1/25,setpts=N,scale=320:240,format=yuv420p", "-r", "25", "-frames:v", "500"][..],
        &["-t", "20", "-sc_threshold", "0"],
        codec.arguments(),
    ]
    .concat();
    let arguments = [&picture, &["-map", "0:v"][..], audio].concat();
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clip-{:016x}.mkv", hasher.finish()));
    if !path.exists() {
        let own = path.with_extension(format!("{}.mkv", std::process::id()));
        encode(&arguments, &own);
        std::fs::rename(own, &path).unwrap();
    }
    path
}

fn encode(arguments: &[&str], path: &Path) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "error", "-y", "-i", FOOTAGE]);
    ffmpeg.args(["-f", "lavfi", "-i", "anoisesrc=amplitude=0.3:sample_rate=16000:seed=1"]);
    let status = ffmpeg.args(arguments).arg(path).status().expect("ffmpeg is installed");
    assert!(status.success(), "the clip cannot be encoded");
}

pub(crate) const SILENT: &[&str] = &[];
pub(crate) const AAC: &[&str] = &["-map", "1:a", "-c:a", "aac", "-b:a", "48k", "-ac", "1"];
pub(crate) const L16: &[&str] = &["-map", "1:a", "-c:a", "pcm_s16le", "-ac", "1"];
pub(crate) const G711_A: &[&str] = &["-map", "1:a", "-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"];
pub(crate) const G711: &[&str] = &["-map", "1:a", "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"];

impl Codec {
    /// Returns what leaves only the pictures, without parameter sets and other units that a server may add or drop.
    pub(crate) fn pictures_only(self) -> String {
        let units = if self == Self::H265 { "0-31" } else { "1-5" };
        format!("filter_units=pass_types={units}")
    }
}

/// Hashes the pictures of a file.
pub(crate) fn picture_hashes(path: &Path, codec: Codec) -> Vec<String> {
    hashes(path, &["-map", "0:v", "-c", "copy", "-bsf:v", &codec.pictures_only()])
}

/// Hashes the pictures of a file as they look behind RTP, with start codes in the place of lengths.
pub(crate) fn sent_picture_hashes(path: &Path, codec: Codec) -> Vec<String> {
    let name = if codec == Codec::H265 { "hevc" } else { "h264" };
    let filters = format!("{name}_mp4toannexb,{}", codec.pictures_only());
    hashes(path, &["-map", "0:v", "-c", "copy", "-bsf:v", &filters])
}

pub(crate) fn sound_hashes(path: &Path) -> Vec<String> {
    hashes(path, &["-map", "0:a", "-c", "copy"])
}

/// Returns nothing where the file has no sound.
pub(crate) fn sound_hashes_if_any(path: &Path) -> Option<Vec<String>> {
    let sound = output("ffprobe", |command| {
        command.args(["-loglevel", "error", "-select_streams", "a", "-show_entries", "stream=index"]);
        command.args(["-of", "csv=p=0"]).arg(path);
    });
    (!sound.trim().is_empty()).then(|| sound_hashes(path))
}

fn hashes(path: &Path, arguments: &[&str]) -> Vec<String> {
    let text = output("ffmpeg", |command| {
        command.args(["-nostdin", "-loglevel", "error", "-i"]).arg(path).args(arguments);
        // edit lists would drop packets from the comparison
        command.args(["-f", "framehash", "-hash", "md5", "-"]);
    });
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| row.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Decodes everything and returns what the decoder complained about.
pub(crate) fn decode_errors(path: &Path) -> String {
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-i"])
        .arg(path)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed");
    String::from_utf8_lossy(&decoded.stderr).into_owned()
}

/// Returns one value of ffprobe's, such as `format_tags=com.nightreel.start`.
pub(crate) fn probe(path: &Path, entry: &str) -> String {
    let text = output("ffprobe", |command| {
        command.args(["-loglevel", "error", "-show_entries", entry]);
        command.args(["-select_streams", "v", "-of", "default=noprint_wrappers=1:nokey=1"]).arg(path);
    });
    text.trim().to_owned()
}

/// Returns the times at which the sound's packets begin, in seconds.
pub(crate) fn sound_times(path: &Path) -> Vec<f64> {
    let text = output("ffprobe", |command| {
        command.args(["-loglevel", "error", "-select_streams", "a", "-show_entries", "packet=pts_time"]);
        command.args(["-of", "csv=p=0"]).arg(path);
    });
    text.lines().map(|line| line.trim_end_matches(',').parse().unwrap()).collect()
}

/// Returns the presentation and decode times of all pictures, in seconds.
pub(crate) fn picture_times(path: &Path) -> Vec<(f64, f64)> {
    let text = output("ffprobe", |command| {
        command.args([
            "-loglevel",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time,dts_time",
        ]);
        command.args(["-of", "csv=p=0"]).arg(path);
    });
    let row = |line: &str| {
        let mut fields = line.split(',').map(|field| field.parse().unwrap());
        (fields.next().unwrap(), fields.next().unwrap())
    };
    text.lines().map(row).collect()
}

fn output(program: &str, arguments: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(program);
    arguments(&mut command);
    let output = command.output().expect("ffmpeg is installed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{program}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that `recorded` is an unbroken stretch of the endlessly repeated `sent`.
pub(crate) fn assert_unbroken(sent: &[String], recorded: &[String]) {
    assert!(!recorded.is_empty(), "nothing was recorded");
    let mut at = sent.iter().position(|hash| *hash == recorded[0]).expect("the first frame was sent");
    for (number, hash) in recorded.iter().enumerate() {
        assert_eq!(*hash, sent[at], "frame {number} of {} should be number {at} of the clip", recorded.len());
        at = (at + 1) % sent.len();
    }
}
