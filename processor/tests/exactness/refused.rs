//! What is no video, or no longer one: an error that says so, never a panic and never a wait.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nightreel_processor::video::{Video, VideoError};

use crate::clips::encode;

fn refuse(path: &Path) -> VideoError {
    let began = Instant::now();
    let error = Video::open(path).err().unwrap_or_else(|| panic!("{} was taken", path.display()));
    assert!(began.elapsed() < Duration::from_secs(5), "{} took long", path.display());
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    error
}

#[test]
fn what_is_no_video_is_refused_with_its_path_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    assert!(matches!(refuse(&put("empty.mp4", b"")), VideoError::Empty { .. }));
    for (name, bytes) in [
        ("text.mkv", &b"a shopping list\n"[..]),
        ("zeros.mp4", &[0; 100_000]),
        ("page.ts", b"<!DOCTYPE html><html><body>404</body></html>"),
        ("list.avi", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    ] {
        let error = refuse(&put(name, bytes));
        assert!(!error.is_retryable(), "{name}: {error}");
    }
    assert!(matches!(refuse(folder.path()), VideoError::NotAFile { .. }));
    assert!(matches!(refuse(&folder.path().join("absent.mp4")), VideoError::Unreadable { .. }));
    let loops = folder.path().join("loop.mp4");
    symlink(&loops, &loops).unwrap();
    assert!(matches!(refuse(&loops), VideoError::Unreadable { .. }));
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(refuse(&pipe), VideoError::NotAFile { .. }));
}

#[test]
fn an_mp4_that_was_cut_off_before_its_index_is_refused_for_good() {
    let whole = std::fs::read(encode("indexed.mp4", "-c:v libx264 -preset veryfast -g 20")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for length in [1, 7, 8, 40, 1000, whole.len() / 2, whole.len() - 3000] {
        let path = folder.path().join(format!("cut-{length}.mp4"));
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = refuse(&path);
        assert!(matches!(error, VideoError::NotAVideo { .. } | VideoError::NoVideoTrack { .. }), "{error}");
        assert!(!error.is_retryable());
    }
}

#[test]
fn a_video_without_frames_is_refused_for_good() {
    let flags = "-frames:v 20 -c:v libx264 -preset veryfast -g 20 -movflags";
    let fragmented = format!("{flags} frag_keyframe+empty_moov+default_base_moof");
    let whole = std::fs::read(encode("frames-to-come.mp4", &fragmented)).unwrap();
    let first_fragment = whole.windows(4).position(|kind| kind == b"moof").unwrap() - 4;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no-frames.mp4");
    std::fs::write(&path, &whole[..first_fragment]).unwrap();
    let error = refuse(&path);
    assert!(matches!(error, VideoError::NoFrames { .. }), "{error}");
    assert!(!error.is_retryable());
}

#[test]
fn sound_alone_is_no_video() {
    let sound = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"];
    let path = crate::clips::make("sound.mp4", &sound);
    assert!(matches!(refuse(&path), VideoError::NoVideoTrack { .. }));
}

#[test]
fn no_byte_that_is_wrong_brings_a_panic_or_an_endless_wait() {
    let sources = [
        encode("fuzzed.mp4", "-frames:v 20 -c:v libx264 -preset veryfast -g 5 -bf 2"),
        encode(
            "fuzzed.mkv",
            "-frames:v 20 -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=5",
        ),
        encode("fuzzed.ts", "-frames:v 20 -c:v libx264 -preset veryfast -g 5 -bf 2"),
        encode("fuzzed.avi", "-frames:v 20 -c:v mjpeg"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    for source in sources {
        let whole = std::fs::read(&source).unwrap();
        let path = folder.path().join(source.file_name().unwrap());
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..=random.usize(..30) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            std::fs::write(&path, &bytes).unwrap();
            let Ok(video) = Video::open(&path) else { continue };
            let began = Instant::now();
            let samples = video.samples(std::num::NonZeroU32::new(3).unwrap());
            let frames = samples.map(|samples| samples.filter_map(Result::ok).count());
            assert!(frames.is_ok_and(|frames| frames <= 2000), "{} round {round}", source.display());
            assert!(began.elapsed() < Duration::from_secs(20), "{} round {round}", source.display());
        }
    }
}
