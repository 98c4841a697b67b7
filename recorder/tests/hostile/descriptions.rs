//! Descriptions that make no sense, and packets that make none.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nightreel_recorder::{CameraState, CameraStatus, RecorderError, describe};

use crate::hostile_camera::{DESCRIPTION, HostileCamera, Talk};
use crate::memory;
use crate::station::{Station, camera, camera_at};

const MINUTE: Duration = Duration::from_secs(60);
/// A cut on the clock must not fall into a test.
const HOUR: Duration = Duration::from_secs(3600);

/// What replaces what in the good description.
const ODDITIES: &[(&str, &str)] = &[
    (DESCRIPTION, ""),
    (DESCRIPTION, "\0\0\0\0"),
    (DESCRIPTION, "v=0\r\n"),
    (DESCRIPTION, "m=video 0 RTP/AVP 96\r\n"),
    ("v=0", "v=\u{fffd}"),
    ("\r\n", "\n\n"),
    ("m=video", "m=application"),
    ("video 0", "video 99999999999999999999"),
    ("AVP 96", "AVP 300"),
    ("AVP 96", "AVP"),
    ("H264/90000", "H264/0"),
    ("H264/90000", "H264/99999999999"),
    ("H264/90000", "H264"),
    ("H264/90000", "H265/90000"),
    ("H264/90000", "JPEG/90000"),
    ("Z00AHpWoLQ9puAgICBA=,aO48gA==", ""),
    ("Z00AHpWoLQ9puAgICBA=,aO48gA==", ",,,,"),
    ("Z00AHpWoLQ9puAgICBA=,aO48gA==", "!!!!"),
    ("Z00AHpWoLQ9puAgICBA=", "Z00AHg=="),
    ("Z00AHpWoLQ9puAgICBA=", "Z////////////////////////w=="),
    ("aO48gA==", "aAAAAAAAAAAAAAAAAAAAAA=="),
    ("control:track1", "control:http://[::1"),
    ("control:track1", "control:rtsp://a/b/../../../c?d#e"),
    ("a=control:track1", "a=framesize:96 0-0\r\na=framerate:NaN\r\na=range:npt=-"),
];

#[tokio::test]
async fn odd_descriptions_are_errors_or_described() {
    let _alone = memory::alone().await;
    let hostile = HostileCamera::start(|talk| talk.asked().map(drop));
    let asked = camera(hostile.port, HOUR);
    for (usual, odd) in ODDITIES {
        let odd = DESCRIPTION.replace(usual, odd);
        hostile.act(move |talk| talk.describe(&odd));
        if let Err(e) = describe(&asked).await {
            assert!(e.to_string().contains("`gate`"), "{e}");
        }
    }
    hostile.act(|talk| talk.describe(DESCRIPTION));
    assert_eq!(describe(&asked).await.unwrap().size, Some((720, 480)));
}

/// The parser of descriptions panics at the line after one that it does not understand.
#[tokio::test]
async fn a_panic_while_reading_is_an_error_of_that_camera() {
    let _alone = memory::alone().await;
    let hostile = HostileCamera::start(|talk| talk.describe(&DESCRIPTION.replace("o=-", "o:-")));
    let unreadable = describe(&camera(hostile.port, HOUR)).await.unwrap_err();
    assert!(matches!(unreadable, RecorderError::Unreadable { .. }), "{unreadable}");
    let station = Station::new();
    let mut running = station.start(camera(hostile.port, HOUR));
    running.wait_for(|camera| camera.reconnects >= 2).await;
    hostile.act(|talk| {
        talk.play()?;
        talk.for_ever(|talk| talk.picture(5, 2000))
    });
    running.wait_for(|camera| camera.frames >= 100).await;
    running.stop().await;
}

#[tokio::test]
async fn mangled_answers_are_errors_or_described() {
    let _alone = memory::alone().await;
    let hostile = HostileCamera::start(|talk| talk.asked().map(drop));
    let asked = camera(hostile.port, HOUR);
    for seed in 0..300 {
        hostile.act(move |talk| {
            let number = talk.asked()?;
            let length = DESCRIPTION.len();
            let head = format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\nContent-Length: {length}\r\n\r\n");
            talk.send(&mangled(seed, [head.as_bytes(), DESCRIPTION.as_bytes()].concat()))
        });
        if let Err(e) = describe(&asked).await {
            assert!(e.to_string().contains("`gate`"), "seed {seed}: {e}");
        }
    }
}

/// Changes, drops and repeats some bytes.
fn mangled(seed: u64, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..bytes.len());
        let to = (at + random.usize(..20)).min(bytes.len());
        match random.u8(..4) {
            0 => bytes[at] = random.u8(..),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.splice(at..at, bytes[at..to].to_vec()).for_each(drop),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
    bytes
}

/// Clocks and sizes that fit into no file, and then pictures.
const ODD_TO_PLAY: &[(&str, &str)] = &[
    ("H264/90000", "H264/1"),
    ("H264/90000", "H264/4294967295"),
    ("a=fmtp:96", "a=nothing:96"),
    ("Z00AHpWoLQ9puAgICBA=,aO48gA==", "Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg=="),
];

/// Packets of nothing but noise.
fn noise(talk: &mut Talk, seed: u64) -> io::Result<()> {
    talk.play()?;
    talk.picture(5, 2000)?;
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..200 {
        let mut payload = vec![0; random.usize(..40)];
        random.fill(&mut payload);
        let is_last = random.bool();
        talk.packet(is_last, &payload)?;
    }
    Ok(())
}

fn odd_footage(talk: &mut Talk, description: &str) -> io::Result<()> {
    talk.play_as(description)?;
    (0..30).try_for_each(|_| talk.picture(5, 2000).and_then(|()| talk.picture(1, 2000)))
}

#[tokio::test]
async fn what_cannot_be_recorded_ends_no_recorder() {
    let _alone = memory::alone().await;
    let station = Station::new();
    let sessions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sessions);
    let hostile = HostileCamera::start(move |talk| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        match ODD_TO_PLAY.get(number) {
            Some((usual, odd)) => odd_footage(talk, &DESCRIPTION.replace(usual, odd)),
            None => noise(talk, number as u64),
        }
    });
    // many, because each waits longer from one attempt to the next
    let url = format!("rtsp://127.0.0.1:{}/cam", hostile.port);
    let cameras = (0..12).map(|number| camera_at(&format!("camera{number}"), &url, HOUR));
    let mut running = station.start_all(cameras.collect());
    let ended = running.status.wait_for(|cameras| {
        for camera in cameras {
            if let CameraState::Waiting { reason } = &camera.state {
                assert!(reason.contains("camera `camera"), "{reason}");
                assert!(!reason.contains("fault of the program"), "{reason}");
            }
        }
        sessions.load(Ordering::SeqCst) >= 60
    });
    tokio::time::timeout(MINUTE, ended).await.unwrap();
    hostile.act(|talk| {
        talk.play()?;
        talk.for_ever(|talk| talk.picture(5, 2000))
    });
    let is_recorded = |cameras: &[CameraStatus]| cameras.iter().any(|camera| camera.frames >= 500);
    tokio::time::timeout(MINUTE, running.status.wait_for(is_recorded)).await.unwrap();
    running.stop().await;
}
