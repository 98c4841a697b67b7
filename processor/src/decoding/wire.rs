//! What the two processes say to each other: a length, a JSON object, and for a frame its planes.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Picture;
use crate::video::{Choice, DecodeSummary, LiveError, Play, Probe, VideoError};

/// No header is as long; a child that says so has lost its mind.
const LONGEST_HEADER: u32 = 1 << 24;
/// Of a luma plane, in bytes; the decoder refuses larger pictures.
const LARGEST_PLANE: usize = 1 << 26;

/// What the child is asked for.
#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// A file, whose name is given as bytes: it need not be UTF-8. Answered by `Opened`.
    Open(Vec<u8>),
    /// Of that file. Answered by frames, and `Ended`.
    Samples(Choice),
    /// The keyframes nearest to these times; none where they cannot be told for certain. Answered likewise.
    Keyframes(Vec<Duration>),
    /// A running stream. Answered by live frames without end, or `Failed`; nothing can be asked after it.
    Play(Play),
}

impl Request {
    pub(super) fn open(path: &Path) -> Self {
        Self::Open(path.as_os_str().as_bytes().to_vec())
    }
}

pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// An answer of the child. After `Opened`, `Ended` and `Failed` it waits for the next request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    Opened(Opened),
    /// Nothing to hand on yet, but decoding goes on.
    Alive,
    /// Its planes follow.
    Frame(FrameHeader),
    /// Of a running stream; its planes follow.
    Live(LiveHeader),
    Ended(DecodeSummary),
    Failed(Failure),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) probe: Probe,
    pub(crate) is_cut_off: bool,
    /// Packets that hold no picture.
    pub(crate) unreadable: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrameHeader {
    pub(super) index: u64,
    pub(super) pts_ns: u64,
    /// Width and height as decoded.
    pub(super) coded_px: [u32; 2],
    /// Width and height of the planes, after rotation.
    pub(super) size_px: [usize; 2],
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LiveHeader {
    pub(super) frame: FrameHeader,
    pub(super) received: DateTime<Utc>,
    /// Frames wanted before this one that were passed over, since the stream began.
    pub(super) passed_over: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    pub(super) reason: String,
}

/// What is to become of a file that cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fate {
    /// Looking again is no use.
    Unreadable,
    Retry,
    Changed,
}

impl From<VideoError> for Failure {
    fn from(error: VideoError) -> Self {
        let fate = match &error {
            VideoError::Changed { .. } => Fate::Changed,
            error if error.is_retryable() => Fate::Retry,
            _ => Fate::Unreadable,
        };
        Self { fate, reason: error.to_string() }
    }
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        let fate = if error.is_lasting() { Fate::Unreadable } else { Fate::Retry };
        Self { fate, reason: error.to_string() }
    }
}

pub(super) fn write(mut to: impl Write, said: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(said)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&text)
}

pub(super) fn read<T: DeserializeOwned>(mut from: impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return Err(io::Error::other("a header of an absurd length"));
    }
    let mut text = vec![0; length as usize];
    from.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

pub(super) fn write_planes(mut to: impl Write, picture: &Picture) -> io::Result<()> {
    [&picture.y, &picture.u, &picture.v].into_iter().try_for_each(|plane| to.write_all(plane))
}

pub(super) fn read_planes(mut from: impl Read, [width, height]: [usize; 2]) -> io::Result<Picture> {
    if width.checked_mul(height).is_none_or(|pixels| pixels > LARGEST_PLANE) {
        return Err(io::Error::other("a picture of an absurd size"));
    }
    let mut picture = Picture::filled(width, height, [0; 3]);
    for plane in [&mut picture.y, &mut picture.u, &mut picture.v] {
        from.read_exact(plane)?;
    }
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_utf_8_arrives_as_it_is() {
        let name = PathBuf::from(OsString::from_vec(vec![b'a', 0xff, b'.', b'm']));
        let mut pipe = Vec::new();
        write(&mut pipe, &Request::open(&name)).unwrap();
        let Request::Open(bytes) = read(&pipe[..]).unwrap() else { panic!("another request") };
        assert_eq!(path(bytes), name);
    }

    #[test]
    fn planes_arrive_as_they_are() {
        let mut picture = Picture::filled(5, 3, [1, 2, 3]);
        picture.y[7] = 200;
        let mut pipe = Vec::new();
        write_planes(&mut pipe, &picture).unwrap();
        assert_eq!(read_planes(&pipe[..], [5, 3]).unwrap(), picture);
    }

    #[test]
    fn absurd_sizes_are_refused_before_memory_is_taken() {
        assert!(read_planes(&[][..], [usize::MAX, 2]).is_err());
        assert!(read_planes(&[][..], [1 << 20, 1 << 20]).is_err());
        assert!(read::<Message>(&u32::MAX.to_le_bytes()[..]).is_err());
    }
}
