//! A sampled frame: a decoded picture with its number and time, still in the decoder's memory.

use std::fmt;
use std::time::Duration;

use ffmpeg_the_third::frame;
use sha2::{Digest, Sha256};

use super::convert;
use super::error::VideoError;
use super::ffi;
use super::rotation::Rotation;
use crate::Picture;

/// Holds one frame as the decoder gave it; nothing is copied or converted until it is asked for.
pub struct SampledFrame {
    /// The frame's number in a full decode, from 0.
    pub index: u64,
    /// Time since the first shown frame.
    pub pts: Duration,
    pub(super) decoded: frame::Video,
    pub(super) rotation: Rotation,
}

impl SampledFrame {
    /// Width as decoded, before any rotation.
    pub fn width(&self) -> u32 {
        self.decoded.width()
    }

    /// Height as decoded, before any rotation.
    pub fn height(&self) -> u32 {
        self.decoded.height()
    }

    /// Hashes the visible rows of the luma plane as decoded, before rotation and colour conversion.
    ///
    /// Each row is `width × sample size` bytes; where luma has no plane of its own (packed or RGB
    /// formats) the rows of the first plane are hashed.
    pub fn luma_sha256(&self) -> Result<[u8; 32], VideoError> {
        let layout =
            ffi::sample_layout(&self.decoded).ok_or_else(|| convert::unconvertible(&self.decoded))?;
        let mut hasher = Sha256::new();
        let size = [self.width() as usize * layout.step, self.height() as usize];
        ffi::rows(&self.decoded, 0, size).for_each(|row| hasher.update(row));
        Ok(hasher.finalize().into())
    }

    /// Converts to the planes JPEG and the views want, turned as the container says.
    pub fn picture(&self) -> Result<Picture, VideoError> {
        Ok(self.rotation.apply(convert::to_picture(&self.decoded)?))
    }
}

impl fmt::Debug for SampledFrame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SampledFrame")
            .field("index", &self.index)
            .field("pts", &self.pts)
            .field("size", &(self.width(), self.height()))
            .finish_non_exhaustive()
    }
}
