//! Clips cut from real pedestrian footage. A clip is made once and shared by all tests and test runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// From the Debian package opencv-doc: 768×576, 10 frames/s, 79 s of a campus path with people, a car and a van.
pub(super) const PEDESTRIANS: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// A clip, by what ffmpeg is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clip {
    pub(crate) from_s: u32,
    pub(crate) seconds: u32,
    /// Names the container.
    pub(crate) extension: &'static str,
    /// Encoder options; without `-an` and the like, since there is no sound.
    pub(crate) encoder: &'static [&'static str],
}

impl Default for Clip {
    /// Six seconds as a surveillance camera would send them: a keyframe each second, no B-frames.
    fn default() -> Self {
        Self {
            from_s: 0,
            seconds: 6,
            extension: "mp4",
            encoder: &[
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-g",
                "10",
                "-bf",
                "0",
                "-sc_threshold",
                "0",
            ],
        }
    }
}

/// Returns the clip's file, which is shared: copy it before changing it.
pub(crate) fn footage(clip: Clip) -> PathBuf {
    made_once(&name(clip), |ffmpeg| {
        ffmpeg
            .args(["-ss", &clip.from_s.to_string(), "-t", &clip.seconds.to_string(), "-i", PEDESTRIANS])
            .args(clip.encoder)
            // The same request gives the same bytes.
            .args(["-pix_fmt", "yuv420p", "-threads", "1", "-fflags", "+bitexact"]);
    })
}

/// Returns the shared file of this name, which `ffmpeg` with these arguments makes where it is not there yet.
pub(super) fn made_once(name: &str, arguments: impl FnOnce(&mut Command)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("footage");
    let file = folder.join(name);
    if file.exists() {
        return file;
    }
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    // Tests run in several processes: each makes its own, the last rename wins, all are the same.
    let suffix = format!(".{}", file.extension().unwrap_or_default().display());
    let staged = tempfile::Builder::new().suffix(&suffix).tempfile_in(&folder).expect("a file can be staged");
    make(staged.path(), arguments);
    staged.persist(&file).expect("the staged clip is on the same file system");
    file
}

/// Writes a file with `ffmpeg`.
pub(super) fn make(file: &Path, arguments: impl FnOnce(&mut Command)) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-loglevel", "error", "-y"]);
    arguments(&mut ffmpeg);
    let status = ffmpeg.arg(file).status().expect("ffmpeg is installed: see scripts/setup.sh test");
    assert!(status.success(), "{ffmpeg:?} failed; is opencv-doc installed? see scripts/setup.sh test");
}

fn name(clip: Clip) -> String {
    let encoder: String =
        clip.encoder.concat().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("{}s-{}s{encoder}.{}", clip.from_s, clip.seconds, clip.extension)
}
