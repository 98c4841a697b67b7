//! What can go wrong while recording.
//!
//! Policy: whatever concerns one camera ends its session and is tried again for ever, slower and slower; the
//! other cameras are not touched. Only what makes recording as such impossible (no camera, a camera in the
//! hands of another process, a fault of the program itself) is returned to the caller.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use catalog::{CatalogError, GapCause};

#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    #[error("no camera has a `url`; add one to a `[[camera]]`, or fill the folders with another recorder")]
    NothingToRecord,

    #[error("cannot {doing} `{}`", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },

    #[error(transparent)]
    Catalog(#[from] CatalogError),

    #[error("cannot start a thread for files")]
    Thread(#[source] io::Error),

    #[error("camera `{camera}` refuses user and password; check `username` and `password`")]
    PasswordRefused { camera: String },

    #[error("camera `{camera}` has no stream at this address (status {status}); check the path in `url`")]
    NoSuchStream { camera: String, status: u16 },

    #[error(
        "camera `{camera}` refuses to play (status {status}); others may be watching it, or `url` names no stream"
    )]
    Refused { camera: String, status: u16 },

    #[error("camera `{camera}` cannot be reached: {reason}; check `url`, cable and power")]
    Unreachable { camera: String, reason: String },

    #[error(
        "cannot run `ffmpeg`, which reads camera `{camera}`; install it, or give a `url` that begins with rtsp://"
    )]
    NoFfmpeg { camera: String, source: io::Error },

    #[error("camera `{camera}` did not answer within {} s; check `url`, cable and power", after.as_secs())]
    NoAnswer { camera: String, after: Duration },

    #[error(
        "camera `{camera}` offers no H.264, H.265 or motion JPEG video (it offers {offered}); choose one of them in the camera"
    )]
    NoVideo { camera: String, offered: String },

    #[error("camera `{camera}` sent no video frame for {} s", after.as_secs())]
    Stalled { camera: String, after: Duration },

    #[error(
        "camera `{camera}` sent no keyframe for {} s; set a shorter keyframe interval in the camera, or \
         `input = \"ffmpeg\"` where other programs show it",
        after.as_secs()
    )]
    NoKeyframe { camera: String, after: Duration },

    #[error("camera `{camera}` ended the stream")]
    EndedByCamera { camera: String },

    #[error("camera `{camera}` sends a broken stream: {reason}")]
    BrokenStream { camera: String, reason: String },

    #[error(
        "camera `{camera}` sends a message that never ends: more than {} of it were waiting; restart the camera or update its firmware",
        size(*limit)
    )]
    EndlessMessage { camera: String, limit: usize },

    #[error(
        "camera `{camera}` sends a picture of more than {}; it is connected to anew, with room for twice as much",
        size(*limit)
    )]
    LargePicture { camera: String, limit: usize },

    #[error(
        "what camera `{camera}` sends could not be read, by a fault of the program itself; please report it"
    )]
    Unreadable { camera: String },

    #[error("camera `{camera}` sends more between two places to cut, or in two seconds, than the {} MB kept for it", limit >> 20)]
    TooMuchHeld { camera: String, limit: usize },

    #[error("the disk takes what camera `{camera}` sends too slowly: {} MB wait to be written", waiting >> 20)]
    DiskTooSlow { camera: String, waiting: usize },

    #[error("the disk is full: {} MB are free for `{}`; make room, or let `retention` do it", free >> 20, folder.display())]
    DiskFull { folder: PathBuf, free: u64 },

    #[error("footage of camera `{camera}` cannot be written")]
    WriteFailed { camera: String },

    #[error(
        "the stream of camera `{camera}` cannot be handed on: {reason}; check `republish` and the server there"
    )]
    NotRepublished { camera: String, reason: String },

    #[error(
        "the server of `republish` refuses user and password for camera `{camera}`; check `republish_username` and \
         `republish_password`"
    )]
    RepublishRefused { camera: String },

    #[error("cannot run `ffmpeg`, which republishes camera `{camera}`; install it, or take out `republish`")]
    NoFfmpegToRepublish { camera: String, source: io::Error },

    #[error("no picture can be made of what camera `{camera}` sends")]
    NoPicture { camera: String, source: Box<dyn std::error::Error + Send + Sync> },

    #[error(
        "a fault of the program itself ended {part}, please report it; the recorder has to be started again"
    )]
    InnerFault { part: &'static str },

    #[error("not everything was written within {} s of the order to stop; it is completed at the next start", after.as_secs())]
    StopTimedOut { after: Duration },
}

impl RecorderError {
    /// Tells whether trying again soon can help without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NothingToRecord
            | Self::PasswordRefused { .. }
            | Self::RepublishRefused { .. }
            | Self::NoSuchStream { .. }
            | Self::NoVideo { .. } => false,
            Self::Catalog(source) => source.is_retryable(),
            _ => true,
        }
    }

    /// Tells whether the footage has no place, whatever the camera does.
    pub(crate) fn is_of_the_disk(&self) -> bool {
        matches!(
            self,
            Self::File { .. }
                | Self::Catalog(_)
                | Self::Thread(_)
                | Self::WriteFailed { .. }
                | Self::DiskTooSlow { .. }
                | Self::DiskFull { .. }
        )
    }

    /// Tells whether the session was abandoned, so that nobody will ask the camera for its end.
    pub(crate) fn is_abandonment(&self) -> bool {
        matches!(self, Self::EndlessMessage { .. } | Self::LargePicture { .. } | Self::Unreadable { .. })
    }

    /// Returns the text with that of its causes, on one line.
    pub(crate) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Returns the cause for the ledger of gaps.
    pub(crate) fn gap_cause(&self) -> GapCause {
        match self {
            Self::Stalled { .. } => GapCause::Stalled,
            Self::EndedByCamera { .. }
            | Self::BrokenStream { .. }
            | Self::EndlessMessage { .. }
            | Self::LargePicture { .. }
            | Self::Unreadable { .. }
            | Self::TooMuchHeld { .. }
            | Self::NoKeyframe { .. }
            | Self::InnerFault { .. } => GapCause::EndedByCamera,
            Self::DiskFull { .. } => GapCause::DiskFull,
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => GapCause::DiskFull,
            _ if self.is_of_the_disk() => GapCause::NotWritable,
            _ => GapCause::Unreachable,
        }
    }

    /// Returns a closure for `map_err` that names the file and what was being done to it.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} kB", bytes >> 10) } else { format!("{} MB", bytes >> 20) }
}
