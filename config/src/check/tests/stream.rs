//! Tests of a stream's address, and of how it is fetched.

use super::{CAMERA, load, refused};
use crate::{Input, Source, Transport};

fn source(text: &str) -> Source {
    let settings = load(&format!("{CAMERA}{text}\n")).unwrap_or_else(|error| panic!("{text}\n{error}"));
    settings.cameras[0].source.clone().unwrap()
}

#[test]
fn takes_what_only_ffmpeg_can_read_by_way_of_ffmpeg() {
    let cases = [
        ("url = 'rtsp://h/a'", Input::Native, Transport::Tcp),
        ("url = 'RTSP://h/a'\ninput = 'native'\ntransport = 'udp'", Input::Native, Transport::Udp),
        ("url = 'rtsp://h/a'\ninput = 'ffmpeg'\ntransport = 'udp'", Input::Ffmpeg, Transport::Udp),
        ("url = 'rtsps://h/a'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'rtmp://h/a'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'rtmps://h/a'\ninput = 'ffmpeg'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'http://h/a'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'https://h/a'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'file:///srv/a b.mp4'", Input::Ffmpeg, Transport::Tcp),
        ("url = 'v4l2:///dev/video0'", Input::Ffmpeg, Transport::Tcp),
    ];
    for (text, input, transport) in cases {
        let source = source(text);
        assert_eq!((source.input, source.transport), (input, transport), "{text}");
    }
}

#[test]
fn refuses_streams_that_cannot_be_fetched_so() {
    refused(
        CAMERA,
        &[
            (
                "url = 'rtsps://h/a'\ninput = 'native'",
                6,
                "`camera[0].input`: `native` takes `rtsp://` alone; for `rtsps:` leave this out",
            ),
            ("url = 'file:///a.mp4'\ninput = 'native'", 6, "`camera[0].input`: `native` takes `rtsp://`"),
            (
                "url = 'rtsp://h/a'\ninput = 'ffmpg'",
                6,
                "`camera[0].input`: must be `native` or `ffmpeg`; did you mean `ffmpeg`?",
            ),
            (
                "url = 'rtsp://h/a'\ntransport = 'multicast'",
                6,
                "`camera[0].transport`: must be `tcp` or `udp`",
            ),
            (
                "url = 'http://h/a'\ntransport = 'tcp'",
                6,
                "`camera[0].transport`: has no effect but with `rtsp://`",
            ),
            ("transport = 'udp'", 5, "`camera[0].transport`: has no effect without `url`"),
            ("input = 'ffmpeg'", 5, "`camera[0].input`: has no effect without `url`"),
            ("url = 'http://'", 5, "`camera[0].url`: is no URL"),
            ("url = 'rtmp:///live'", 5, "`camera[0].url`: names no host"),
            ("url = 'file:clip.mp4'", 5, "`camera[0].url`: must name a full path, as in `file:///path/name`"),
            ("url = 'file://nas/clip.mp4'", 5, "`camera[0].url`: must name a full path"),
            ("url = 'file:///srv/clips/'", 5, "`camera[0].url`: must name a full path"),
            ("url = 'v4l2:/dev/video0'", 5, "`camera[0].url`: must name a full path, as in `v4l2:///"),
            ("url = 'file:///a?.mp4'", 5, "`camera[0].url`: must be a path alone: write `%3F`"),
            (
                "url = 'v4l2:///dev/video0'\nusername = 'me'",
                6,
                "`camera[0].username`: has no effect with a file or device",
            ),
        ],
    );
}

#[test]
fn leaves_a_place_for_a_password_after_the_question_mark() {
    let source = source(
        "url = 'http://me:p%26ss@h/flv?app=bcs&user={username}&password={password}'\nsegment_seconds = 10",
    );
    assert_eq!(source.url.as_str(), "http://h/flv?app=bcs&user={username}&password={password}");
    assert_eq!(source.address().expose(), "http://h/flv?app=bcs&user=me&password=p%26ss");
    refused(
        CAMERA,
        &[
            ("url = 'http://h/flv?password=x'", 5, "`camera[0].url`: must not carry a password after `?`"),
            ("url = 'rtmp://h/a?Token=x{password}'", 5, "`camera[0].url`: must not carry a password"),
            ("url = 'rtsp://h/a?password={password}'", 5, "`camera[0].url`: must not carry a password"),
            (
                "url = 'http://h/flv?user={username}'",
                3,
                "`camera[0].username`: is missing: `url` has a place for it",
            ),
        ],
    );
}
