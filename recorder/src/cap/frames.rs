//! The frames of a camera that plays, capped.

use std::future::poll_fn;
use std::task::{Context, Poll};

use config::CameraId;
use futures::StreamExt;
use retina::client::{Demuxed, Stream};
use retina::codec::CodecItem;

use super::abandon::abandon;
use super::farewell::Held;
use super::watch::{Excess, Limits, Watch};
use crate::RecorderError;
use crate::input::broken;

/// How large the pictures of a camera may be. One lies there as it came and as it is handed out, both at the same
/// time; and all that can be made of as much that is no picture has to stay within the 64 MB that a camera may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pictures {
    /// A keyframe of 4K has a megabyte.
    Usual,
    /// Only where the way is [narrow](super::narrow()).
    Large,
}

impl Pictures {
    fn limits(self) -> Limits {
        match self {
            Self::Usual => Limits { block: 2 << 20, growth: 6 << 20 },
            Self::Large => Limits { block: 4 << 20, growth: 10 << 20 },
        }
    }

    fn outgrown(self, excess: Excess, camera: &CameraId) -> RecorderError {
        match (self, excess) {
            (Self::Usual, Excess::TooMuch) => {
                RecorderError::LargePicture { camera: camera.to_string(), limit: self.limits().block }
            }
            _ => excess.of(camera, self.limits()),
        }
    }
}

pub(crate) struct Frames {
    camera: CameraId,
    /// Empty once it has asked for too much.
    demuxed: Held<Demuxed>,
    pictures: Pictures,
    watch: Watch,
}

impl Frames {
    pub(crate) fn new(camera: &CameraId, demuxed: Held<Demuxed>, pictures: Pictures) -> Self {
        let watch = Watch::new(pictures.limits());
        Self { camera: camera.clone(), demuxed, pictures, watch }
    }

    /// Returns the next frame, or how the session ended. Nothing is lost where it is not awaited to its end.
    pub(crate) async fn next(&mut self) -> Result<CodecItem, RecorderError> {
        let Self { camera, demuxed, pictures, watch } = self;
        let ended = || RecorderError::EndedByCamera { camera: camera.to_string() };
        if demuxed.get().is_none() {
            return Err(ended());
        }
        let mut next = |cx: &mut Context<'_>| {
            demuxed.within(|playing| playing.poll_next_unpin(cx)).unwrap_or(Poll::Ready(None))
        };
        match poll_fn(|cx| watch.poll(cx, &mut next)).await {
            Ok(Some(frame)) => frame.map_err(|e| broken(camera, &e)),
            Ok(None) => Err(ended()),
            Err(excess) => {
                abandon(demuxed.take());
                Err(pictures.outgrown(excess, camera))
            }
        }
    }

    pub(crate) fn streams(&self) -> &[Stream] {
        self.demuxed.get().map_or(&[], |demuxed| demuxed.streams())
    }
}

#[cfg(test)]
#[path = "../../tests/hostile/hostile_camera.rs"]
#[allow(dead_code, reason = "shared with the tests of hostile cameras")]
mod hostile_camera;

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::UdpSocket;
    use std::time::Duration;

    use retina::client::{
        InitialTimestampPolicy, PlayOptions, Session, SessionOptions, SetupOptions, TeardownPolicy,
        Transport, UdpTransportOptions,
    };
    use retina::codec::FrameFormat;

    use super::hostile_camera::{DESCRIPTION, HostileCamera, Talk};
    use super::*;

    async fn play_by_udp(port: u16) -> Result<Demuxed, retina::Error> {
        let url = format!("rtsp://127.0.0.1:{port}/cam").parse().unwrap();
        let options = SessionOptions::default().teardown(TeardownPolicy::Never);
        let mut session = Session::describe(url, options).await?;
        let udp = Transport::Udp(UdpTransportOptions::default());
        session.setup(0, SetupOptions::default().frame_format(FrameFormat::MP4).transport(udp)).await?;
        let options = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
        session.play(options).await?.demuxed()
    }

    /// Behaves, up to the answer to PLAY, and returns a socket for packets that is connected to the other side.
    fn play_with_udp(talk: &mut Talk) -> io::Result<UdpSocket> {
        talk.describe(DESCRIPTION)?;
        talk.begin_answer()?;
        let (_, ports) = talk.header("Transport: ").unwrap().split_once("client_port=").unwrap();
        let port: u16 = ports.split('-').next().unwrap().parse().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(("127.0.0.1", port))?;
        let own = socket.local_addr()?.port();
        let ports = format!("client_port={port}-{};server_port={own}-{}", port + 1, own + 1);
        talk.send(format!("Transport: RTP/AVP/UDP;unicast;{ports}\r\nSession: 1\r\n\r\n").as_bytes())?;
        talk.begin_answer()?;
        talk.send(b"Session: 1\r\n\r\n")?;
        Ok(socket)
    }

    #[tokio::test]
    async fn a_picture_that_never_ends_is_left_when_it_comes_by_udp_too() {
        let hostile = HostileCamera::start(|talk| {
            let socket = play_with_udp(talk)?;
            let mut payload = [0x55; 1400];
            payload[0] = 28;
            let mut number = 0;
            talk.for_ever(|talk| {
                // waits for what was sent to be read: after a loss the rest of a picture is left out
                std::thread::sleep(Duration::from_millis(4));
                (0..8).try_for_each(|_| {
                    // so one is begun anew after twice what is allowed
                    let (begins, ends) = (number % 6000 == 0, number % 6000 == 5999);
                    payload[1] = 5 | (u8::from(begins) << 7) | (u8::from(ends) << 6);
                    number += 1;
                    socket.send(&talk.wrapped(ends, &payload)[4..]).map(drop)
                })
            })
        });
        let demuxed = play_by_udp(hostile.port).await.unwrap();
        let held = Held::new(demuxed, None);
        let mut frames = Frames::new(&"gate".parse().unwrap(), held, Pictures::Large);
        let ended = loop {
            if let Err(e) = frames.next().await {
                break e;
            }
        };
        assert!(
            matches!(&ended, RecorderError::EndlessMessage { limit, .. } if *limit == 4 << 20),
            "{ended}"
        );
        assert!(frames.streams().is_empty());
        assert!(matches!(frames.next().await, Err(RecorderError::EndedByCamera { .. })));
    }
}
