//! What is made of a camera's stream: segments, a live playlist, a stream for others, pictures.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::source::with_login;
use crate::{Secret, Windows};

/// Whether the stream becomes segments, which are processed and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recording {
    Off,
    /// While a window is open; always where there are none.
    During(Windows),
}

/// A live playlist, made of the same files as the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hls {
    /// How far the playlist reaches back, at least three parts; so long are files kept that are no recording.
    pub keep: Duration,
    /// The shortest piece that is listed, at most a segment; pieces begin on keyframes.
    pub part: Duration,
}

/// An RTSP server that gets the stream as it is.
#[derive(Clone, Debug)]
pub struct Republish {
    /// Never carries credentials.
    pub url: Url,
    pub username: Option<String>,
    pub password: Option<Secret>,
}

impl Republish {
    /// Returns the address with the credentials in it, for a program that takes them no other way.
    pub fn address(&self) -> Secret {
        with_login(&self.url, self.username.as_deref(), self.password.as_ref())
    }
}

/// JPEGs at even intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshots {
    pub every: Duration,
    /// Of this camera alone.
    pub dir: PathBuf,
}
