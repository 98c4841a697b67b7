//! Gaps: what is missing is in the ledger, while it lasts and when it is over, and coverage adds up.

use std::time::Duration;

use catalog::{Coverage, Day, Gap, GapCause, HealthState, RecorderLife, coverage};
use chrono::TimeDelta;
use chrono_tz::Tz;
use config::Windows;
use nightreel_recorder::Notice;

use crate::clip::{self, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::station::{CAMERA, Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// Of the last two days, which holds all of a test that runs over midnight.
fn covered(station: &Station) -> Coverage {
    let (id, now) = (CAMERA.parse().unwrap(), station.clock.now());
    let mut span = Day::at(now, Tz::UTC).span;
    span.from -= TimeDelta::days(1);
    let rows = station.catalog.coverage_rows(&id, span, now).unwrap();
    coverage(&rows, &Windows::always(Tz::UTC), span)
}

fn seconds(gap: &Gap) -> f64 {
    (gap.to - gap.from).as_seconds_f64()
}

/// Waits for what another thread tells the catalogue.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        // waits for another thread, which gives no event
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never came");
}

#[tokio::test]
async fn what_is_missing_adds_up_over_a_lost_camera_and_a_stop() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let port = fake.port;
    let mut running = station.start(camera(port, TWO_SECONDS));
    running.wait_for(|camera| camera.frames >= 60).await;
    drop(fake);
    until(|| !station.catalog.open_gaps().unwrap().is_empty()).await;
    let open = station.catalog.open_gaps().unwrap().remove(0);
    assert_eq!(open.cause, GapCause::EndedByCamera);
    let now = covered(&station);
    assert_eq!(now.missing.iter().map(|c| c.cause).collect::<Vec<_>>(), [GapCause::EndedByCamera]);

    let lost = running.notice().await;
    let Notice::CameraLost { camera: id, since, cause, .. } = &lost else { panic!("{lost:?}") };
    assert_eq!((id.as_str(), since.timestamp_millis()), (CAMERA, open.from.timestamp_millis()));
    assert_eq!(*cause, GapCause::Unreachable, "what is wrong now");
    let lasted = station.clock.now() - *since;
    assert!(lasted >= TimeDelta::seconds(10) && lasted < TimeDelta::seconds(14), "{lasted}");
    let _again = FakeCamera::play(&sent, &["--port", &port.to_string()]);
    let back = running.notice().await;
    assert!(matches!(&back, Notice::CameraBack { seconds: 10.., .. }), "{back:?}");
    running.wait_for_segments(3).await;
    running.stop().await;

    let mut running = station.start(camera(port, TWO_SECONDS));
    running.wait_for_segments(1).await;
    running.stop().await;
    let gaps = station.gaps();
    assert_eq!(
        gaps.iter().map(|gap| gap.cause).collect::<Vec<_>>(),
        [GapCause::EndedByCamera, GapCause::Stopped]
    );
    assert_eq!(gaps[0].from, open.from);

    // each gap lies exactly between two files
    let mut files = Vec::new();
    station.catalog.each_segment(&[catalog::SegmentState::Ready], |segment| files.push(segment)).unwrap();
    for gap in &gaps {
        assert!(files.iter().any(|file| file.start == gap.to), "{gap:?}");
        let end = |file: &catalog::Segment| file.start + TimeDelta::from_std(file.duration.unwrap()).unwrap();
        assert!(
            files.iter().any(|file| (end(file) - gap.from).abs() < TimeDelta::milliseconds(2)),
            "{gap:?}"
        );
    }
    let all = covered(&station);
    let since_stop: f64 =
        all.missing.iter().map(|c| c.seconds).sum::<f64>() - gaps.iter().map(seconds).sum::<f64>();
    assert!((0.0..5.0).contains(&since_stop), "{all:?}");
    assert!(all.unexplained_s < 0.5, "{all:?}");
    let sum: f64 = all.recorded_s + all.missing.iter().map(|c| c.seconds).sum::<f64>() + all.unexplained_s;
    assert!((sum - all.expected_s).abs() < 0.01, "{all:?}");
}

#[tokio::test]
async fn a_killed_recorder_leaves_neither_an_open_gap_nor_a_live_camera() {
    let station = Station::new();
    // nobody answers there
    let mut running = station.start(camera(9, TWO_SECONDS));
    running.wait_for(|camera| camera.reconnects >= 2).await;
    until(|| {
        !station.catalog.open_gaps().unwrap().is_empty() && !station.catalog.health().unwrap().is_empty()
    })
    .await;
    running.kill(&station).await;
    assert_eq!(station.catalog.open_gaps().unwrap().len(), 1);

    let mut running = station.start(camera(9, TWO_SECONDS));
    running.wait_for(|camera| camera.reconnects >= 1).await;
    running.stop().await;
    assert_eq!(station.catalog.open_gaps().unwrap(), []);
    let causes: Vec<GapCause> = station.gaps().iter().map(|gap| gap.cause).collect();
    assert_eq!(
        causes,
        [GapCause::Unreachable, GapCause::Stopped, GapCause::Unreachable],
        "{:?}",
        station.gaps()
    );
    let all = covered(&station);
    assert!(all.recorded_s == 0.0 && all.unexplained_s < 0.5 && all.expected_s > 0.0, "{all:?}");
}

#[tokio::test]
async fn frames_that_are_lost_on_the_way_are_gaps_of_their_length() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &["--loss", "0.03"]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    running.wait_for(|camera| camera.frames >= 250 && camera.packets_lost >= 3).await;
    running.stop().await;
    let hashes = clip::picture_hashes(&sent, Codec::H264);
    let files = station.files(".mp4");
    let recorded: Vec<String> =
        files.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264)).collect();
    let place = |hash: &String| hashes.iter().position(|sent| sent == hash).expect("it was sent");
    let places: Vec<usize> = recorded.iter().map(place).collect();
    let missing: usize =
        places.windows(2).map(|pair| (pair[1] + hashes.len() - pair[0] - 1) % hashes.len()).sum();
    assert!(missing > 0, "nothing was lost");
    let gaps = station.gaps();
    assert!(gaps.iter().all(|gap| gap.cause == GapCause::PacketLoss), "{gaps:?}");
    let lost: f64 = gaps.iter().map(seconds).sum();
    assert!((lost - missing as f64 * 0.04).abs() < 0.1, "{lost} s for {missing} frames: {gaps:?}");
    let all = covered(&station);
    let cause = all.missing.iter().find(|c| c.cause == GapCause::PacketLoss).unwrap();
    assert!((cause.seconds - lost).abs() < 0.1, "{all:?}");
}

#[tokio::test]
async fn another_process_sees_how_a_camera_is_doing() {
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    let other = catalog::Catalog::open(&station.path("state")).unwrap();
    let health = || other.health().unwrap().pop();
    until(|| health().is_some_and(|camera| camera.is_recording())).await;
    running.wait_for(|camera| camera.frames >= 60).await;
    drop(fake);
    until(|| health().is_some_and(|camera| camera.health.state == HealthState::Waiting)).await;
    let waiting = health().unwrap();
    assert!(waiting.is_attended() && !waiting.is_recording());
    let said = waiting.health;
    assert!(said.reason.unwrap().contains(CAMERA) && said.frames >= 60 && said.reconnects >= 1);
    assert!(said.bits_per_second > 10_000, "{}", said.bits_per_second);
    assert!(said.last_frame.is_some_and(|at| (station.clock.now() - at).abs() < TimeDelta::seconds(30)));
    running.stop().await;
    let stopped = health().unwrap();
    assert_eq!((stopped.health.state, stopped.recorder), (HealthState::Stopped, RecorderLife::Alive));
}
