//! A video file opened for reading packets: its first video track, in the order of decoding.

use std::ffi::{CStr, CString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::{ffi::OsStrExt, fs::MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Once;

use ffmpeg::codec::ParametersRef;
use ffmpeg::format::context::Input;
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::{Packet, media};
use ffmpeg_the_third as ffmpeg;

use super::error::VideoError;
use super::ffi;
use super::rotation::Rotation;

/// The containers cameras and recorders write. Play lists and other formats that name further files or
/// hosts are not among them.
const CONTAINERS: &str = "mov,matroska,mpegts,avi,flv,mpeg,asf,h264,hevc,mjpeg,m4v,dhav";

/// Reads one track of one file; every stage that needs the packets again opens it anew.
pub(super) struct Source {
    path: PathBuf,
    metadata: Metadata,
    input: Input,
    stream: usize,
}

impl Source {
    /// Opens a regular file and finds its first video track.
    pub(super) fn open(path: &Path) -> Result<Self, VideoError> {
        silence_ffmpeg();
        let metadata = regular_file(path)?;
        let not_a_video = |source| VideoError::NotAVideo { path: path.to_owned(), source };
        let options = [("protocol_whitelist", "file"), ("format_whitelist", CONTAINERS)];
        let mut input = ffi::open_input(&url(path)?, options.into_iter().collect()).map_err(not_a_video)?;
        if needs_probing(&input) {
            ffi::probe_streams(&mut input).map_err(not_a_video)?;
        }
        let stream = first_video(&input).ok_or_else(|| VideoError::NoVideoTrack { path: path.to_owned() })?;
        ffi::keep_only(&mut input, stream);
        Ok(Self { path: path.to_owned(), metadata, input, stream })
    }

    /// Opens the same file again, at its start.
    pub(super) fn reopen(path: &Path, expected: &Metadata) -> Result<Self, VideoError> {
        let again = Self::open(path)?;
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino(), metadata.len());
        if identity(&again.metadata) == identity(expected) {
            Ok(again)
        } else {
            Err(VideoError::Changed { path: path.to_owned() })
        }
    }

    /// Reads the track's next packet; `None` at the end of the file.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, ffmpeg::Error> {
        loop {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => return Ok(Some(packet)),
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(super) fn stream(&self) -> Stream<'_> {
        self.input.stream(self.stream).expect("found when the file was opened; streams never go away")
    }

    pub(super) fn parameters(&self) -> ParametersRef<'_> {
        ffi::parameters(&self.input, self.stream)
            .expect("found when the file was opened; streams never go away")
    }

    pub(super) fn codec(&self) -> &'static str {
        self.parameters().id().name()
    }

    pub(super) fn extradata(&self) -> Vec<u8> {
        ffi::extradata(&self.parameters())
    }

    /// Reads a tag of the container.
    pub(super) fn tag(&self, key: &CStr) -> Option<String> {
        ffi::tag(&self.input, key)
    }

    /// Reads how players turn the picture.
    pub(super) fn rotation(&self) -> Rotation {
        let stream = self.stream();
        let matrix = stream
            .side_data()
            .find(|data| data.kind() == ffmpeg::codec::packet::side_data::Type::DisplayMatrix);
        matrix.map_or(Rotation::None, |data| Rotation::from_display_matrix(data.data()))
    }
}

/// FFmpeg writes to standard error by itself; what matters comes back as an error code.
pub(super) fn silence_ffmpeg() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| ffmpeg::log::set_level(ffmpeg::log::Level::Quiet));
}

/// Checks before opening: opening a pipe would block until somebody writes to it.
fn regular_file(path: &Path) -> Result<Metadata, VideoError> {
    let unreadable = |source| VideoError::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(VideoError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(VideoError::Empty { path: path.to_owned() });
    }
    fs::File::open(path).map_err(unreadable)?;
    Ok(metadata)
}

/// Names the protocol: a path such as `rtsp:x` is a file all the same.
fn url(path: &Path) -> Result<CString, VideoError> {
    let bytes = [b"file:", path.as_os_str().as_bytes()].concat();
    CString::new(bytes).map_err(|error| VideoError::Unreadable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, error),
    })
}

fn first_video(input: &Input) -> Option<usize> {
    input
        .streams()
        .filter(|stream| stream.parameters().medium() == media::Type::Video)
        // A cover picture is a "video" of one frame.
        .find(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
        .map(|stream| stream.index())
}

/// Tells whether the container leaves out what the decoder must know. Looking into the streams decodes
/// several frames, so it is not done where the headers say it all.
fn needs_probing(input: &Input) -> bool {
    let Some(stream) = first_video(input) else { return true };
    let Some(parameters) = ffi::parameters(input, stream) else { return true };
    let is_configured = match parameters.id().name() {
        "h264" | "hevc" => !ffi::extradata(&parameters).is_empty(),
        "mjpeg" => true,
        _ => false,
    };
    !is_configured || parameters.width() == 0 || parameters.height() == 0
}
