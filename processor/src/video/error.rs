//! What can go wrong between a path and a decoded frame.

use std::{io, path::PathBuf};

/// Says why a file gave no frames, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    #[error("cannot read `{}`: check that it exists and may be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` is no regular file: give a video file, not a folder, pipe or device", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` is empty: the recorder or the copy that wrote it was cut off", path.display())]
    Empty { path: PathBuf },
    #[error("`{}` is no video that can be opened ({source}): it is cut off, damaged or of another kind", path.display())]
    NotAVideo { path: PathBuf, source: ffmpeg_the_third::Error },
    #[error("`{}` has no video track", path.display())]
    NoVideoTrack { path: PathBuf },
    #[error("`{}` has no frames: its video track is empty or damaged throughout", path.display())]
    NoFrames { path: PathBuf },
    #[error("`{}` is coded as `{codec}`, which the installed FFmpeg cannot decode ({source})", path.display())]
    NoDecoder { path: PathBuf, codec: String, source: ffmpeg_the_third::Error },
    #[error("`{}` has more than {limit} packets: cut it into shorter files", path.display())]
    TooLong { path: PathBuf, limit: usize },
    #[error("`{}` changed while it was read: wait until it is complete", path.display())]
    Changed { path: PathBuf },
    #[error("`{}` wants more memory than there is for one file", path.display())]
    NoMemory { path: PathBuf },
    #[error("cannot convert a frame of {width}x{height} pixels in format `{format}` to planes")]
    Unconvertible { width: u32, height: u32, format: String },
}

impl VideoError {
    /// Tells whether the same file may give frames later without anyone repairing it.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Changed { .. } | Self::NoMemory { .. })
    }
}
