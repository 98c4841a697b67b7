//! What goes wrong: cameras that refuse, freeze and come back, and recorders that are killed.

use std::time::{Duration, Instant};

use catalog::Clock;
use catalog::GapCause;
use chrono::{DateTime, Utc};
use nightreel_recorder::{CameraState, RecorderError};

use crate::clip::{self, AAC, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::station::{Station, camera, with_password};

const MINUTE: Duration = Duration::from_secs(60);
/// Where a cut on the clock would be one file more.
const HOUR: Duration = Duration::from_secs(3600);
const TWO_SECONDS: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_wrong_password_is_told_by_its_key_and_never_shown() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &["--auth", "digest"]);
    let camera = with_password(camera(fake.port, MINUTE), "hunter2");
    let refused = nightreel_recorder::describe(&camera).await.unwrap_err();
    assert!(matches!(refused, RecorderError::PasswordRefused { .. }), "{refused:?}");
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("`password`") && !text.contains("hunter2"), "{text}");

    let mut running = station.start(camera);
    running.wait_for(|camera| matches!(&camera.state, CameraState::Waiting { reason } if reason.contains("`password`"))).await;
    running.stop().await;
    assert_eq!(station.gaps()[0].cause, GapCause::Unreachable);
}

#[tokio::test]
async fn a_second_recorder_is_refused_and_the_first_goes_on() {
    let station = Station::new();
    // nobody answers there: the lock counts, not the camera
    let running = station.start(camera(9, MINUTE));
    let refused = station.recorder(vec![camera(9, MINUTE)]).unwrap_err();
    assert!(matches!(&refused, RecorderError::Catalog(e) if e.to_string().contains("gate")), "{refused}");
    running.stop().await;
    station.recorder(vec![camera(9, MINUTE)]).unwrap();
}

#[tokio::test]
async fn a_camera_that_comes_back_is_recorded_again() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let port = fake.port;
    let mut running = station.start(camera(port, MINUTE));
    running.wait_for(|camera| camera.frames >= 25).await;
    drop(fake);
    running.wait_for(|camera| camera.reconnects >= 2 && camera.segments == 1).await;
    let _again = FakeCamera::play(&sent, &["--port", &port.to_string()]);
    let up = Instant::now();
    running.wait_for(|camera| camera.state == CameraState::Recording).await;
    // 2 s between attempts, a GOP of 1 s, and time for the server to start its pipeline
    assert!(up.elapsed() < Duration::from_secs(5), "{:?}", up.elapsed());
    running.stop().await;

    let files = station.files(".mp4");
    assert_eq!(files.len(), 2);
    for file in &files {
        clip::assert_unbroken(
            &clip::picture_hashes(&sent, Codec::H264),
            &clip::picture_hashes(file, Codec::H264),
        );
    }
    let gaps = station.gaps();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].cause, GapCause::EndedByCamera);
    assert!(gaps[0].to > gaps[0].from);
}

#[tokio::test]
async fn a_frozen_camera_is_noticed_and_recorded_again_when_it_goes_on() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let mut running = station.start(camera(fake.port, HOUR));
    running.wait_for(|camera| camera.frames >= 25).await;
    fake.freeze();
    let frozen = Instant::now();
    running
        .wait_for(
            |camera| matches!(&camera.state, CameraState::Waiting { reason } if reason.contains("no video")),
        )
        .await;
    assert!(frozen.elapsed() < Duration::from_secs(10), "{:?}", frozen.elapsed());
    running.wait_for_segments(1).await;
    assert_eq!(clip::decode_errors(&station.files(".mp4")[0]), "");

    fake.thaw();
    let thawed = Instant::now();
    running.wait_for(|camera| camera.state == CameraState::Recording).await;
    assert!(thawed.elapsed() < Duration::from_secs(5), "{:?}", thawed.elapsed());
    running.wait_for(|camera| camera.frames >= 75).await;
    running.stop().await;
    let sent = clip::picture_hashes(&sent, Codec::H264);
    let files = station.files(".mp4");
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(clip::decode_errors(&file), "");
        clip::assert_unbroken(&sent, &clip::picture_hashes(&file, Codec::H264));
    }
    let gap = &station.gaps()[0];
    assert_eq!(gap.cause, GapCause::Stalled);
    assert!(gap.to - gap.from > chrono::TimeDelta::seconds(7), "{gap:?}");
}

#[tokio::test]
async fn a_camera_that_answers_nothing_does_not_hold_up_the_end() {
    let station = Station::new();
    // takes connections and never says a word
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let running = station.start(camera(silent.local_addr().unwrap().port(), MINUTE));
    let accepted = tokio::task::spawn_blocking(move || silent.accept().map(|(stream, _)| (silent, stream)));
    let _open = accepted.await.unwrap().unwrap();
    let stopping = Instant::now();
    running.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(2), "{:?}", stopping.elapsed());
}

/// A clock that stands still is one that is set back all the time.
#[tokio::test]
async fn a_clock_that_is_set_back_begins_segments_and_overwrites_none() {
    let now: DateTime<Utc> = "2026-10-25T00:59:30.500Z".parse().unwrap();
    let station = Station::with_clock(Clock::standing(now));
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, MINUTE));
    running.wait_for_segments(2).await;
    running.wait_for(|camera| camera.frames >= 150).await;
    running.stop().await;

    let files = station.files(".mp4");
    let names: Vec<&str> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    let name = "segment_20261025_005930";
    assert_eq!(names[..3], [format!("{name}.mp4"), format!("{name}_2.mp4"), format!("{name}_3.mp4")]);
    let recorded: Vec<String> =
        files.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
    assert!(recorded.len() >= 150);
    clip::assert_unbroken(&clip::picture_hashes(&sent, Codec::H264), &recorded);
    let gaps = station.gaps();
    assert!(
        gaps.len() >= 2 && gaps.iter().all(|gap| gap.cause == GapCause::ClockStep && gap.from == gap.to),
        "{gaps:?}"
    );
}

#[tokio::test]
async fn a_killed_recorder_loses_at_most_one_fragment() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, AAC);
    let fake = FakeCamera::play(&sent, &["--audio", "aac"]);
    let mut running = station.start(camera(fake.port, MINUTE));
    running.wait_for(|camera| camera.frames >= 60).await;
    let frames = running.status.cameras()[0].frames;
    running.kill(&station).await;
    let partials = station.files(".partial");
    assert_eq!(partials.len(), 1);
    assert!(clip::picture_hashes(&partials[0], Codec::H264).len() >= 25, "plays as it is");

    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    running.wait_for_segments(1).await;
    running.stop().await;
    assert!(station.files(".partial").is_empty());
    let recovered = &station.files(".mp4")[0];
    assert_eq!(clip::decode_errors(recovered), "");
    let recorded = clip::picture_hashes(recovered, Codec::H264);
    clip::assert_unbroken(&clip::picture_hashes(&sent, Codec::H264), &recorded);
    // two seconds are fifty frames
    assert!(recorded.len() as u64 + 50 >= frames, "{} of {frames} frames", recorded.len());
    let path = recovered.strip_prefix(station.path("media")).unwrap();
    assert!(station.catalog.segment_at(path).unwrap().is_some(), "the recovered segment is in the catalogue");
}
