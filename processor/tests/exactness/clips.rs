//! Clips made from real pedestrian footage by ffmpeg. A clip is made once and kept for later runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// From the Debian package opencv-doc: 768×576, 10 frames/s, 79 s of a campus path.
pub(crate) const PEDESTRIANS: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// How the source is read where nothing else is asked for: 12 s, made small.
const SMALL: [&str; 6] = ["-t", "12", "-i", PEDESTRIANS, "-vf", "scale=256:192"];

/// Encodes 120 small frames; `name` is the file's, its extension names the container.
pub(crate) fn encode(name: &str, encoder: &str) -> PathBuf {
    make(name, &[&SMALL[..], &words(encoder)].concat())
}

/// Makes another file out of a clip without decoding it.
pub(crate) fn copy(name: &str, before: &str, source: &Path, after: &str) -> PathBuf {
    let source = ["-i", source.to_str().unwrap()];
    make(name, &[&words(before)[..], &source, &words(after), &["-c", "copy"]].concat())
}

/// Runs ffmpeg with these arguments, unless that was done before.
pub(crate) fn make(name: &str, arguments: &[&str]) -> PathBuf {
    keep(name, |staged| {
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(arguments)
            // The same request gives the same bytes.
            .args(["-threads", "1", "-fflags", "+bitexact"])
            .arg(staged)
            .status()
            .expect("ffmpeg is installed: see scripts/setup.sh test");
        assert!(
            status.success(),
            "ffmpeg made no {name}; is opencv-doc installed? see scripts/setup.sh test"
        );
    })
}

/// Writes a file by bytes, unless that was done before.
pub(crate) fn write(name: &str, bytes: &[u8]) -> PathBuf {
    keep(name, |staged| std::fs::write(staged, bytes).unwrap())
}

/// Makes a file in whatever way, unless that was done before.
pub(crate) fn keep(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exactness");
    let file = folder.join(name);
    if !file.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        // Tests run in several processes: each makes its own, the last rename wins, all are the same.
        let suffix = format!(".{}", Path::new(name).extension().unwrap().to_str().unwrap());
        let staged = tempfile::Builder::new().suffix(&suffix).tempfile_in(&folder).unwrap();
        make(staged.path());
        staged.persist(&file).unwrap();
    }
    file
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}
