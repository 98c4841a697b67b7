//! What looks like an attack, and is none.

use std::time::Duration;

use nightreel_recorder::CameraState;

use crate::hostile_camera::HostileCamera;
use crate::memory;
use crate::parse;
use crate::station::{Station, camera};

/// A cut on the clock must not fall into a test.
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_camera_that_sends_byte_by_byte_is_recorded() {
    let _alone = memory::alone().await;
    let station = Station::new();
    let slow = HostileCamera::start(|talk| {
        talk.piece = 1;
        talk.play()?;
        talk.picture(5, 3000)?;
        talk.for_ever(|talk| talk.picture(1, 300))
    });
    let mut running = station.start(camera(slow.port, HOUR));
    running.wait_for(|camera| camera.frames >= 100).await;
    assert_eq!(running.status.cameras()[0].state, CameraState::Recording);
    assert_eq!(running.status.cameras()[0].reconnects, 0);
    running.stop().await;
    let files = station.files(".mp4");
    assert_eq!(files.len(), 1);
    assert!(parse::pictures(&files[0]) >= 100);
}

#[tokio::test]
async fn a_picture_of_nearly_four_megabytes_is_recorded_after_one_session_that_expected_less() {
    let _alone = memory::alone().await;
    let station = Station::new();
    let large = HostileCamera::start(|talk| {
        talk.play()?;
        (0..3).try_for_each(|_| talk.picture(5, 3_900_000))?;
        talk.for_ever(|talk| talk.picture(1, 300_000))
    });
    let mut running = station.start(camera(large.port, HOUR));
    running.wait_for(|camera| camera.frames >= 60).await;
    assert_eq!(running.status.cameras()[0].reconnects, 1);
    running.stop().await;
    let pictures: usize = station.files(".mp4").iter().map(|file| parse::pictures(file)).sum();
    assert!(pictures >= 60, "{pictures} pictures");
}
