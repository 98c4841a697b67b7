//! What is recorded: every frame once, in files that other programs open.

use std::path::PathBuf;
use std::time::Duration;

use catalog::SegmentState;
use chrono::{DateTime, Utc};

use nightreel_recorder::{CameraState, SoundKept};

use crate::clip::{self, AAC, Codec, L16, SILENT};
use crate::fake_camera::FakeCamera;
use crate::log::Log;
use crate::station::{CAMERA, Station, camera, camera_at, with_password};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// Records three segments of two seconds or more, and returns them.
async fn record(station: &Station, camera: config::Camera) -> Vec<PathBuf> {
    let mut running = station.start(camera);
    running.wait_for_segments(2).await;
    running.wait_for(|camera| camera.frames >= 110).await;
    running.stop().await;
    let files = station.files(".mp4");
    assert!(files.len() >= 3, "{files:?}");
    assert_eq!(station.files(".partial"), Vec::<PathBuf>::new());
    files
}

fn assert_all_pictures(sent: &std::path::Path, files: &[PathBuf], codec: Codec) {
    let recorded: Vec<String> = files.iter().flat_map(|file| clip::picture_hashes(file, codec)).collect();
    clip::assert_unbroken(&clip::picture_hashes(sent, codec), &recorded);
    for file in files {
        assert_eq!(clip::decode_errors(file), "", "{}", file.display());
    }
}

/// Times step evenly, decode times rise, and no picture is shown before it is decoded by more than the
/// reordering needs.
fn assert_even_times(files: &[PathBuf]) {
    for file in files {
        let times = clip::picture_times(file);
        let decode_steps = times.windows(2).map(|pair| pair[1].1 - pair[0].1);
        assert!(
            decode_steps.clone().all(|step| (step - 0.04).abs() < 0.002),
            "{}: {:?}",
            file.display(),
            decode_steps.collect::<Vec<_>>()
        );
        let mut shown: Vec<f64> = times.iter().map(|time| time.0).collect();
        shown.sort_by(f64::total_cmp);
        assert!(
            shown.windows(2).all(|pair| (pair[1] - pair[0] - 0.04).abs() < 0.002),
            "{:?}",
            file.display()
        );
    }
}

#[tokio::test]
async fn pictures_and_sound_cross_cuts_without_loss_or_repeat() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac", "--auth", "digest"]);
    let files = record(&station, with_password(camera(fake.port, TWO_SECONDS), "secret")).await;

    assert_all_pictures(&sent, &files, Codec::H264);
    assert_even_times(&files);
    let sound: Vec<String> = files.iter().flat_map(|file| clip::sound_hashes(file)).collect();
    clip::assert_unbroken(&clip::sound_hashes(&sent), &sound);
    assert!(sound.len() > 50, "{} frames of sound", sound.len());
    assert_even_sound(&files);
    assert_tells_its_start(&files);
    assert_in_catalogue(&station, &files);
}

/// Names and metadata agree, and each segment begins on the clock where the one before ends.
fn assert_tells_its_start(files: &[PathBuf]) {
    let mut end_before: Option<DateTime<Utc>> = None;
    for file in files {
        assert_eq!(clip::probe(file, "format_tags=com.nightreel.camera"), CAMERA);
        assert_eq!(clip::probe(file, "format_tags=com.nightreel.clock"), "receive-time");
        let start: DateTime<Utc> = clip::probe(file, "format_tags=com.nightreel.start").parse().unwrap();
        let created: DateTime<Utc> = clip::probe(file, "format_tags=creation_time").parse().unwrap();
        assert_eq!(start.timestamp(), created.timestamp());
        assert_eq!(
            catalog::start_from_name(file, chrono_tz::Tz::UTC),
            DateTime::from_timestamp(start.timestamp(), 0)
        );
        let duration: f64 = clip::probe(file, "stream=duration").parse().unwrap();
        if let Some(before) = end_before {
            assert!((start - before).abs() < chrono::TimeDelta::milliseconds(300), "{start} after {before}");
            // a keyframe comes every second: the first after the cut is at most that late
            assert!(start.timestamp_millis() % 2000 < 1300, "{start}");
        }
        end_before = Some(start + chrono::TimeDelta::milliseconds((duration * 1000.0) as i64));
    }
}

fn assert_in_catalogue(station: &Station, files: &[PathBuf]) {
    let mut listed = Vec::new();
    station.catalog.each_segment(&[SegmentState::Ready], |segment| listed.push(segment)).unwrap();
    assert_eq!(listed.len(), files.len());
    for (segment, file) in listed.iter().zip(files) {
        assert_eq!(station.path("media").join(&segment.path), *file);
        assert_eq!(segment.camera.as_deref(), Some(CAMERA));
        assert_eq!(segment.stat.size, file.metadata().unwrap().len());
        let duration: f64 = clip::probe(file, "format=duration").parse().unwrap();
        let difference = segment.duration.unwrap().as_secs_f64() - duration;
        assert!(difference.abs() < 0.15, "{difference} s apart");
    }
}

/// 1024 samples at 16 kHz are 64 ms; across a cut too, where one file's times follow on the other's.
fn assert_even_sound(files: &[PathBuf]) {
    for file in files {
        let times = clip::sound_times(file);
        assert!(times[0] < 0.2, "{}: begins with {}", file.display(), times[0]);
        assert!(
            times.windows(2).all(|pair| (pair[1] - pair[0] - 0.064).abs() < 0.002),
            "{}: {times:?}",
            file.display()
        );
    }
}

#[tokio::test]
async fn many_cameras_are_recorded_by_one_recorder() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac", "--paths", "3"]);
    let url = |path: &str| format!("rtsp://127.0.0.1:{}/{path}", fake.port);
    let cameras = [("gate", "cam"), ("yard", "cam2"), ("roof", "cam3"), ("gone", "none")];
    let cameras = cameras.map(|(id, path)| camera_at(id, &url(path), TWO_SECONDS));
    let mut running = station.start_all(cameras.to_vec());
    let waits_for_its_path = |state: &CameraState| {
        let CameraState::Waiting { reason } = state else { return false };
        reason.contains("404") && reason.contains("`url`")
    };
    let waiting = running.status.wait_for(|cameras| {
        cameras[..3].iter().all(|camera| camera.segments >= 2) && waits_for_its_path(&cameras[3].state)
    });
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(waited.is_ok(), "{:?}", running.status.cameras());
    running.stop().await;
    let sent = clip::picture_hashes(&sent, Codec::H264);
    for id in ["gate", "yard", "roof"] {
        let files = station.files_of(id, ".mp4");
        let recorded: Vec<String> =
            files.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
        assert!(recorded.len() > 50, "{id}: {} pictures", recorded.len());
        clip::assert_unbroken(&sent, &recorded);
    }
    assert!(station.files_of("gone", "").is_empty());
}

#[tokio::test]
async fn b_frames_keep_their_order_and_times() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264WithBFrames, SILENT);
    let fake = FakeCamera::play(&sent, &["--auth", "basic"]);
    let files = record(&station, with_password(camera(fake.port, TWO_SECONDS), "secret")).await;
    assert_all_pictures(&sent, &files, Codec::H264WithBFrames);
    assert_even_times(&files);
    let reordered =
        clip::picture_times(&files[1]).iter().any(|(shown, decoded)| (shown - decoded).abs() > 0.03);
    assert!(reordered, "the clip has B-frames");
}

#[tokio::test]
async fn h265_is_recorded_like_h264() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H265, SILENT);
    let fake = FakeCamera::play(&sent, &["--h265"]);
    let files = record(&station, camera(fake.port, TWO_SECONDS)).await;
    assert_all_pictures(&sent, &files, Codec::H265);
    assert_even_times(&files);
    assert_eq!(clip::probe(&files[0], "stream=codec_name,width,height"), "hevc\n320\n240");
}

#[tokio::test]
async fn udp_brings_the_same_frames_as_tcp() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let mut camera = camera(fake.port, TWO_SECONDS);
    camera.source.as_mut().unwrap().transport = config::Transport::Udp;
    let files = record(&station, camera).await;
    assert_all_pictures(&sent, &files, Codec::H264);
    assert_even_times(&files);
}

#[tokio::test]
async fn a_camera_can_be_read_by_ffmpeg_with_its_password() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264WithBFrames, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac", "--auth", "digest"]);
    let mut camera = with_password(camera(fake.port, TWO_SECONDS), "secret");
    camera.source.as_mut().unwrap().input = config::Input::Ffmpeg;
    let described = nightreel_recorder::describe(&camera).await.unwrap();
    assert_eq!((described.codec.as_str(), described.size), ("avc1", Some((320, 240))));
    let files = record(&station, camera).await;
    assert_all_pictures(&sent, &files, Codec::H264WithBFrames);
}

#[tokio::test]
async fn sound_that_cannot_be_kept_costs_no_picture_and_is_told_once() {
    let log = Log::begin();
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, L16);
    let fake = FakeCamera::play(&sent, &["--audio", "l16"]);
    let described = nightreel_recorder::describe(&camera(fake.port, TWO_SECONDS)).await.unwrap();
    assert_eq!((described.codec.as_str(), described.size), ("h264", Some((320, 240))));
    assert_eq!(described.sound, Some(("l16".to_owned(), SoundKept::No)));
    let port = fake.port;
    let mut running = station.start(camera(port, TWO_SECONDS));
    running.wait_for_segments(2).await;
    drop(fake);
    running.wait_for(|camera| camera.reconnects > 0).await;
    let _again = FakeCamera::play(&sent, &["--audio", "l16", "--port", &port.to_string()]);
    let segments = running.status.cameras()[0].segments;
    running.wait_for_segments(segments + 1).await;
    running.stop().await;
    let sent = clip::picture_hashes(&sent, Codec::H264);
    for file in station.files(".mp4") {
        clip::assert_unbroken(&sent, &clip::picture_hashes(&file, Codec::H264));
        assert_eq!(clip::sound_hashes_if_any(&file), None, "{}", file.display());
    }
    let text = log.text();
    assert_eq!(text.matches("sound is left out").count(), 1, "{text}");
    assert!(text.contains("l16"), "{text}");
}
