//! Recovery: whatever a kill or a power cut leaves of a file becomes a regular one with every whole fragment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Camera, Hls};

use crate::clip::{self, AAC, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::parse::{self, Fragment};
use crate::station::{Station, camera};

/// A cut on the clock must not fall into a test.
const HOUR: Duration = Duration::from_secs(3600);
/// Cut files per test.
const CUTS: usize = 100;
/// So many of them are also decoded; the others are counted.
const DECODED: usize = 15;
/// What file systems write at once.
const PAGE: usize = 4096;
/// Where the box lies that turns from `free` into `mdat` when a file is closed.
const SPAN: std::ops::Range<usize> = 36..52;

/// A file as it was left behind, and what has to be found in it.
struct Left {
    bytes: Vec<u8>,
    pictures: usize,
}

/// Records some seconds and returns a file with everything that ever was in it, as it was before the last step
/// of closing.
async fn whole_file(station: &Station, fake: &FakeCamera) -> Vec<u8> {
    let mut running = station.start(camera(fake.port, HOUR));
    running.wait_for(|camera| camera.frames >= 150).await;
    running.stop().await;
    // the minute may have ended meanwhile
    let size = |path: &PathBuf| path.metadata().unwrap().len();
    let files = station.files(".mp4");
    let mut bytes = std::fs::read(files.iter().max_by_key(|path| size(path)).unwrap()).unwrap();
    files.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    assert_eq!(&bytes[SPAN][4..8], b"mdat");
    bytes[SPAN].copy_from_slice(b"\0\0\0\x10free\0\0\0\0\0\0\0\0");
    bytes
}

fn pictures_before(fragments: &[Fragment], end: usize) -> usize {
    fragments.iter().filter(|fragment| fragment.end <= end).map(|fragment| fragment.pictures).sum()
}

/// A kill: nothing beyond some byte was written.
fn cut(whole: &[u8], fragments: &[Fragment]) -> Left {
    let end = fastrand::usize(..=whole.len());
    Left { bytes: whole[..end].to_vec(), pictures: pictures_before(fragments, end) }
}

/// A power cut while a fragment was written: its length is there, some of its pages are not.
fn unwritten(whole: &[u8], fragments: &[Fragment]) -> Left {
    let fragment = fastrand::choice(fragments).unwrap();
    let pages: Vec<usize> = (fragment.begin.next_multiple_of(PAGE)..fragment.end).step_by(PAGE).collect();
    let from = *fastrand::choice(&pages).expect("fragments are larger than a page");
    let to = if fastrand::bool() { fragment.end } else { (from + PAGE).min(fragment.end) };
    let mut bytes = whole[..fragment.end].to_vec();
    bytes[from..to].fill(0);
    Left { bytes, pictures: pictures_before(fragments, fragment.begin) }
}

/// A kill between the last two steps: the file is closed and has only not got its name.
fn closed(whole: &[u8], fragments: &[Fragment]) -> Left {
    let end = fragments.last().unwrap().end;
    let mut bytes = whole.to_vec();
    let length = (end - SPAN.start) as u64;
    bytes[SPAN].copy_from_slice(&[&b"\0\0\0\x01mdat"[..], &length.to_be_bytes()].concat());
    Left { bytes, pictures: pictures_before(fragments, end) }
}

/// Times in the fragments go on over the files of a session; whoever opens one of them must not notice.
#[tokio::test]
async fn a_later_file_of_a_live_session_begins_at_zero_both_killed_and_recovered() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264WithBFrames, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let hls = Some(Hls { keep: HOUR, part: Duration::from_secs(1) });
    let mut running = station.start(Camera { hls, ..camera(fake.port, Duration::from_secs(4)) });
    running.wait_for_segments(2).await;
    let frames = running.status.cameras()[0].frames;
    running.wait_for(|camera| camera.frames >= frames + 75).await;
    running.kill(&station).await;
    let [partial] = station.files(".partial").try_into().unwrap();
    let bytes = std::fs::read(&partial).unwrap();
    let origins = parse::origins(&bytes);
    assert!(origins.len() == 2 && origins.iter().all(|origin| *origin > 1.0), "{origins:?}");
    assert!((origins[0] - origins[1]).abs() < 0.1, "{origins:?}");

    let begins_at_zero = |path: &Path| {
        assert_eq!(clip::decode_errors(path), "", "{}", path.display());
        let (pictures, sounds) = (clip::picture_times(path), clip::sound_times(path));
        assert!(pictures.len() >= 25 && sounds.len() >= 15, "{} {}", pictures.len(), sounds.len());
        let shown = |(shown, _): &(f64, f64)| *shown;
        let first = pictures.iter().map(shown).fold(f64::MAX, f64::min);
        assert!((0.0..0.1).contains(&first) && (-0.05..0.1).contains(&sounds[0]), "{first} {}", sounds[0]);
        // FFmpeg shifts pictures of unfinished files that are shown before they are decoded, whatever file it is
        let steps: Vec<i64> =
            pictures.iter().map(|(shown, _)| ((shown - first) * 1000.0).round() as i64).collect();
        (steps, sounds, clip::picture_hashes(path, Codec::H264WithBFrames))
    };
    let killed = begins_at_zero(&partial);

    let mut running = station.start(camera(9, HOUR));
    running.wait_for(|camera| camera.reconnects > 0).await;
    running.stop().await;
    assert_eq!(begins_at_zero(&partial.with_extension("")), killed);
}

async fn recover_all(codec: Codec, audio: &[&str], options: &[&str]) {
    let station = Station::new();
    let sent = clip::encoded(codec, audio);
    let fake = FakeCamera::play(&sent, options);
    let whole = whole_file(&station, &fake).await;
    let fragments = parse::fragments(&whole);
    assert!(fragments.len() >= 4, "{fragments:?}");

    let mut left = vec![closed(&whole, &fragments), Left { bytes: Vec::new(), pictures: 0 }];
    for number in left.len()..CUTS {
        let make = if number.is_multiple_of(3) { unwritten } else { cut };
        left.push(make(&whole, &fragments));
    }
    let folder = station.path("media/gate");
    let name = |number: usize| folder.join(format!("segment_20260101_{number:06}.mp4"));
    for (number, left) in left.iter().enumerate() {
        std::fs::write(name(number).with_extension("mp4.partial"), &left.bytes).unwrap();
    }
    std::fs::write(folder.join("another.mp4.partial"), "of another program").unwrap();

    // nobody answers there: recovery comes before the camera
    let mut running = station.start(camera(9, HOUR));
    running.wait_for(|camera| camera.reconnects > 0).await;
    running.stop().await;

    let sent = clip::picture_hashes(&sent, codec);
    for (number, left) in left.iter().enumerate() {
        check(&station, &name(number), left);
        if left.pictures > 0 && number < DECODED {
            assert_eq!(clip::decode_errors(&name(number)), "", "number {number}");
            let recovered = clip::picture_hashes(&name(number), codec);
            assert_eq!(recovered.len(), left.pictures, "number {number}");
            clip::assert_unbroken(&sent, &recovered);
        }
    }
    assert_eq!(station.files(".partial"), [folder.join("another.mp4.partial")]);
}

fn check(station: &Station, finished: &Path, left: &Left) {
    let set_aside = finished.parent().unwrap().join("failed").join(finished.file_name().unwrap());
    let set_aside = set_aside.with_extension("mp4.partial");
    let path = finished.strip_prefix(station.path("media")).unwrap();
    let known = station.catalog.segment_at(path).unwrap();
    if left.pictures == 0 {
        assert!(!finished.exists() && known.is_none(), "{}", finished.display());
        assert_eq!(std::fs::read(set_aside).unwrap(), left.bytes, "kept as it was");
    } else {
        assert_eq!(parse::pictures(finished), left.pictures, "{}", finished.display());
        let duration = known.unwrap().duration.unwrap().as_secs_f64();
        assert!((duration - left.pictures as f64 * 0.04).abs() < 0.05, "{duration} s");
    }
}

#[tokio::test]
async fn a_hundred_cut_files_with_sound_keep_every_whole_fragment() {
    recover_all(Codec::H264, AAC, &["--audio", "aac"]).await;
}

#[tokio::test]
async fn a_hundred_cut_files_with_b_frames_keep_every_whole_fragment() {
    recover_all(Codec::H264WithBFrames, SILENT, &[]).await;
}

#[tokio::test]
async fn a_recovered_file_tells_its_start_and_camera_to_others() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let mut running = station.start(camera(fake.port, HOUR));
    running.wait_for(|camera| camera.frames >= 60).await;
    running.kill(&station).await;
    let tags = |path: &Path| {
        ["camera", "start", "clock"].map(|tag| clip::probe(path, &format!("format_tags=com.nightreel.{tag}")))
    };
    let partial = &station.files(".partial")[0];
    let before = tags(partial);
    assert_eq!((before[0].as_str(), before[2].as_str()), ("gate", "receive-time"));
    let start: chrono::DateTime<chrono::Utc> = before[1].parse().unwrap();

    let mut running = station.start(camera(9, HOUR));
    running.wait_for(|camera| camera.reconnects > 0).await;
    running.stop().await;
    let recovered = &station.files(".mp4")[0];
    assert_eq!(tags(recovered), before);
    let path = recovered.strip_prefix(station.path("media")).unwrap();
    assert_eq!(station.catalog.segment_at(path).unwrap().unwrap().start, start);
}
