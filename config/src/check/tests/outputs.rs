//! Tests of what is made of a stream: what is taken, and what would have no effect.

use std::path::Path;
use std::time::Duration;

use chrono::{TimeZone, Utc};

use super::{CAMERA, STORAGE, load, refused};
use crate::{Camera, Hls, Recording, Snapshots, Source, WindowState};

const STREAM: &str = "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\nurl = 'rtsp://h/a'\n";

fn camera(text: &str) -> Camera {
    let settings = load(&format!("{STREAM}{text}\n")).unwrap_or_else(|error| panic!("{text}\n{error}"));
    settings.cameras[0].clone()
}

#[test]
fn records_always_and_makes_nothing_else_where_nothing_is_said() {
    let made = Camera::new("gate".parse().unwrap(), Some(Source::new("rtsp://h/a".parse().unwrap())));
    assert_eq!(format!("{:?}", camera("")), format!("{made:?}"));
    let folder = load(CAMERA).unwrap().cameras.remove(0);
    assert_eq!(format!("{folder:?}"), format!("{:?}", Camera::new(made.id, None)));
}

#[test]
fn records_in_windows_of_the_time_zone_of_all_windows() {
    let text = "record_windows = ['07:00-19:00', '22:00-23:00']\n[process]\ntimezone = 'Europe/Berlin'";
    let Recording::During(windows) = camera(text).recording else { panic!("recording is off") };
    let at = |hour| windows.at(Utc.with_ymd_and_hms(2026, 7, 1, hour, 30, 0).unwrap());
    assert!(matches!(at(5), WindowState::Open { .. }), "07:30 in Berlin: {:?}", at(5));
    assert!(matches!(at(17), WindowState::Closed { .. }), "19:30 in Berlin: {:?}", at(17));
}

#[test]
fn makes_outputs_as_described_without_recording() {
    let camera = camera(
        "record = false\nsegment_seconds = 30\nhls = true\nhls_hours = 0.5\nhls_part_seconds = 30\n\
         republish = 'rtsp://h:8554/b'\nrepublish_username = 'me'\nrepublish_password = 'p@ss'\n\
         snapshot_seconds = 10\nsnapshot_dir = '/pictures/gate/'",
    );
    assert_eq!(camera.recording, Recording::Off);
    let hls = Hls { keep: Duration::from_secs(1800), part: Duration::from_secs(30) };
    assert_eq!(camera.hls, Some(hls));
    assert_eq!(camera.republish.unwrap().address().expose(), "rtsp://me:p%40ss@h:8554/b");
    let snapshots = Snapshots { every: Duration::from_secs(10), dir: "/pictures/gate".into() };
    assert_eq!(camera.snapshots, Some(snapshots));
}

#[test]
fn fills_in_what_an_output_leaves_open() {
    let parts = |text: &str| camera(&format!("hls = true\n{text}")).hls.unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(parts(""), Hls { keep: hour, part: Duration::from_secs(2) });
    assert_eq!(parts("segment_seconds = 1").part, Duration::from_secs(1), "a part is at most a segment");
    let long = parts("segment_seconds = 3600\nhls_part_seconds = 1800");
    assert_eq!(long.keep, Duration::from_secs(3 * 1800), "a playlist has at least three parts");
    assert_eq!(camera("snapshot_seconds = 1").snapshots.unwrap().dir, Path::new("/a/gate/snapshots"));
}

#[test]
fn refuses_recording_that_cannot_be() {
    refused(
        STREAM,
        &[
            ("record = false", 6, "`camera[0].record`: leaves nothing to do: set `hls`, `republish` or"),
            ("record = false\nhls = false", 6, "`camera[0].record`: leaves nothing to do"),
            (
                "record = false\nhls = true\nrecord_windows = ['07:00-19:00']",
                8,
                "`camera[0].record_windows`: has no effect with `record = false`",
            ),
            (
                "record_windows = ['7-19']",
                6,
                "`camera[0].record_windows`: `7-19` is not a window: write `HH:MM-HH:MM`",
            ),
            ("[process]\ntimezone = 'Berlin'", 7, "`process.timezone`: is no time zone"),
        ],
    );
}

#[test]
fn refuses_live_playlists_that_cannot_be() {
    refused(
        STREAM,
        &[
            ("hls_hours = 1", 6, "`camera[0].hls_hours`: has no effect without `hls = true`"),
            (
                "hls = false\nhls_part_seconds = 2",
                7,
                "`camera[0].hls_part_seconds`: has no effect without `hls = true`",
            ),
            ("hls = true\nhls_hours = 169", 7, "`camera[0].hls_hours`: must be from 0.01 to 168, but is 169"),
            ("hls = true\nhls_hours = nan", 7, "`camera[0].hls_hours`: must be from 0.01 to 168, but is NaN"),
            (
                "hls = true\nhls_part_seconds = 60\nhls_hours = 0.04",
                8,
                "`camera[0].hls_hours`: must hold three parts, so at least 0.05 with these",
            ),
            (
                "hls = true\nhls_part_seconds = 0",
                7,
                "`camera[0].hls_part_seconds`: must be from 1 to 3600, but is 0",
            ),
            (
                "hls = true\nhls_part_seconds = 61",
                7,
                "`camera[0].hls_part_seconds`: must not be longer than `segment_seconds`, which is 60",
            ),
            ("hls = true\nsegment_seconds = 0", 7, "`camera[0].segment_seconds`: must be from 1 to 3600"),
        ],
    );
}

#[test]
fn refuses_servers_and_folders_that_cannot_be() {
    refused(
        STREAM,
        &[
            (
                "republish_username = 'me'",
                6,
                "`camera[0].republish_username`: has no effect without `republish`",
            ),
            (
                "republish_password_env = 'P'",
                6,
                "`camera[0].republish_password_env`: has no effect without `republish`",
            ),
            ("republish = ''", 6, "`camera[0].republish`: is no URL"),
            ("republish = 'rtmp://h/b'", 6, "`camera[0].republish`: must begin with `rtsp://`"),
            ("republish = 'rtsp:///b'", 6, "`camera[0].republish`: names no host"),
            ("republish = 'rtsp://me@h/b'", 6, "`camera[0].republish`: must not carry credentials: use"),
            ("republish = 'rtsp://h/b?pass=x'", 6, "`camera[0].republish`: must not carry credentials: use"),
            ("republish = 'rtsp://h/a'", 6, "`camera[0].republish`: is the camera's own `url`"),
            (
                "republish = 'rtsp://h/b'\nrepublish_username = ''",
                7,
                "`camera[0].republish_username`: must not be empty",
            ),
            (
                "republish = 'rtsp://h/b'\nrepublish_password = 'x'\nrepublish_password_env = 'P'",
                8,
                "`camera[0].republish_password_env`: and `camera[0].republish_password` say the same",
            ),
            (
                "republish = 'rtsp://h/b'\n[[camera]]\nid = 'b'\nurl = 'rtsp://h/c'\nrepublish = 'RTSP://h/b'",
                10,
                "`camera[1].republish`: gets another camera's stream already",
            ),
            ("snapshot_dir = '/b'", 6, "`camera[0].snapshot_dir`: has no effect without `snapshot_seconds`"),
            ("snapshot_seconds = 0", 6, "`camera[0].snapshot_seconds`: must be from 1 to 86400, but is 0"),
            ("snapshot_seconds = 5\nsnapshot_dir = ''", 7, "`camera[0].snapshot_dir`: must not be empty"),
            (
                "snapshot_seconds = 5\nsnapshot_dir = '~/b'",
                7,
                "`camera[0].snapshot_dir`: must be a full path",
            ),
            (
                "snapshot_seconds = 5\n[[camera]]\nid = 'b'\nurl = 'rtsp://h/c'\nsnapshot_seconds = 5\n\
                 snapshot_dir = '/a/gate/snapshots'",
                11,
                "`camera[1].snapshot_dir`: holds another camera's pictures already",
            ),
        ],
    );
}

#[test]
fn refuses_every_output_of_a_camera_that_another_recorder_records() {
    for line in [
        "record = true",
        "record_windows = ['07:00-19:00']",
        "hls = false",
        "hls_hours = 1",
        "hls_part_seconds = 2",
        "republish = 'rtsp://h/b'",
        "republish_username = 'me'",
        "republish_password = 'x'",
        "republish_password_file = 'p'",
        "republish_password_env = 'P'",
        "snapshot_seconds = 5",
        "snapshot_dir = '/b'",
    ] {
        let key = line.split(' ').next().unwrap();
        refused(CAMERA, &[(line, 5, &format!("`camera[0].{key}`: has no effect without `url`"))]);
    }
}

#[test]
fn tells_of_nothing_that_only_follows_from_a_wrong_type() {
    let cases = [
        ("hls = 'yes'\nhls_hours = 1\nrecord = false", "`camera[0].hls`: must be `true` or `false`"),
        ("republish = 5\nrepublish_username = 'me'\nrecord = false", "`camera[0].republish`: must be text"),
        ("snapshot_seconds = 'x'\nsnapshot_dir = '/b'\nrecord = false", "`camera[0].snapshot_seconds`: must"),
    ];
    cases.iter().for_each(|(text, expected)| refused(STREAM, &[(text, 6, expected)]));
    let text = "url = 5\nusername = 'me'\ninput = 'ffmpeg'\nrecord = false\nhls = true";
    refused(CAMERA, &[(text, 5, "`camera[0].url`: must be text in quotes")]);
}

#[test]
fn tells_of_all_faults_of_all_outputs_at_once() {
    let text = "[[camera]]\nid = 'a/b'\nurl = 'ftp://h/a'\ntransport = 'x'\ninput = 'x'\nrecord = false\n\
                record_windows = ['x']\nhls_hours = 1\nrepublish = 'x'\nsnapshot_seconds = 0\nsnapshot_dir = ''";
    let error = load(&format!("{STORAGE}{text}\n")).unwrap_err();
    assert!(error.starts_with("the settings have 9 faults\n"), "{error}");
}
