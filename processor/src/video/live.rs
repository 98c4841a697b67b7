//! A running stream: opened by its address, and its packets as they come.

use std::ffi::CString;

use ffmpeg::{Packet, media};
use ffmpeg_the_third as ffmpeg;

use super::decoder::Decoder;
use super::ffi;
use super::source::silence_ffmpeg;

/// Play lists, which name further hosts, are not among them.
const FORMATS: &str = "rtsp,rtp,sdp,flv,live_flv,mpegts,mov,matroska,mjpeg,mpjpeg,h264,hevc,asf";
/// In microseconds: a camera that says nothing for longer is gone.
const SILENCE_US: &str = "8000000";
/// Of looking into a stream whose description does not say what it holds; what is read meanwhile comes late.
const PROBING_US: &str = "1000000";

/// Says why nothing comes of a stream, or comes no more. None of it tells the address, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    #[error("user name or password refused; check the camera's `username` and `password`")]
    Refused,
    #[error("nothing plays at this address: {0}")]
    NothingThere(ffmpeg::Error),
    #[error("there is no video in the stream")]
    NoVideo,
    #[error("its codec `{codec}` cannot be decoded: {source}")]
    NoDecoder { codec: &'static str, source: ffmpeg::Error },
    #[error("it cannot be reached: {0}")]
    Unreachable(ffmpeg::Error),
    #[error("nothing came for {seconds} s")]
    Silent { seconds: u64 },
    #[error("the camera ended the stream")]
    Ended,
}

impl LiveError {
    /// Tells whether it stays until somebody changes something.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Self::Refused | Self::NothingThere(_) | Self::NoVideo | Self::NoDecoder { .. })
    }
}

/// The first video track of a stream.
pub(super) struct LiveSource {
    input: ffmpeg::format::context::Input,
    stream: usize,
}

impl LiveSource {
    /// Connects; blocks for as long as the network lets it. `transport` is `tcp` or `udp`, and of RTSP alone.
    pub(super) fn open(address: &str, transport: &str) -> Result<Self, LiveError> {
        silence_ffmpeg();
        ffmpeg::format::network::init();
        let url = CString::new(address).map_err(|_| LiveError::NothingThere(ffmpeg::Error::InvalidData))?;
        let mut options = vec![
            ("protocol_whitelist", config::NETWORK_PROTOCOLS),
            ("format_whitelist", FORMATS),
            ("analyzeduration", PROBING_US),
            ("fflags", "nobuffer"),
        ];
        match address.split(':').next() {
            Some("rtsp" | "rtsps") => {
                options.extend([("rtsp_transport", transport), ("timeout", SILENCE_US)]);
            }
            _ => options.push(("rw_timeout", SILENCE_US)),
        }
        let mut input = ffi::open_input(&url, options.into_iter().collect()).map_err(reason)?;
        if first_video(&input).is_none_or(|stream| !is_known(&input, stream)) {
            ffi::probe_streams(&mut input).map_err(reason)?;
        }
        let stream = first_video(&input).ok_or(LiveError::NoVideo)?;
        ffi::keep_only(&mut input, stream);
        Ok(Self { input, stream })
    }

    pub(super) fn decoder(&self) -> Result<Decoder, LiveError> {
        let parameters = ffi::parameters(&self.input, self.stream).ok_or(LiveError::NoVideo)?;
        let codec = parameters.id().name();
        Decoder::of(parameters, 0).map_err(|source| LiveError::NoDecoder { codec, source })
    }

    /// Waits for the track's next packet.
    pub(super) fn next_packet(&mut self) -> Result<Packet, LiveError> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => return Ok(packet),
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return Err(LiveError::Ended),
                Err(error) => return Err(reason(error)),
            }
        }
    }
}

fn first_video(input: &ffmpeg::format::context::Input) -> Option<usize> {
    let is_video =
        |stream: &ffmpeg::format::stream::Stream<'_>| stream.parameters().medium() == media::Type::Video;
    input.streams().find(is_video).map(|stream| stream.index())
}

fn is_known(input: &ffmpeg::format::context::Input, stream: usize) -> bool {
    ffi::parameters(input, stream).is_some_and(|parameters| parameters.id() != ffmpeg::codec::Id::None)
}

fn reason(error: ffmpeg::Error) -> LiveError {
    match error {
        ffmpeg::Error::HttpUnauthorized | ffmpeg::Error::HttpForbidden => LiveError::Refused,
        ffmpeg::Error::HttpNotFound | ffmpeg::Error::InvalidData | ffmpeg::Error::ProtocolNotFound => {
            LiveError::NothingThere(error)
        }
        error => LiveError::Unreachable(error),
    }
}
