//! What an input gives: frames one after another, in the order in which they are decoded.

use std::time::Instant;

use crate::RecorderError;
use crate::mp4::TrackHead;
use crate::sender::SenderReport;

use super::native::Native;
use super::piped::Piped;

/// Whether a camera's sound is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SoundUse {
    Record,
    LeaveOut,
}

/// What a camera says it offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// `h264`, `h265` …
    pub codec: String,
    /// Width and height, where the description tells.
    pub size: Option<(u32, u32)>,
    /// The format of its sound, and whether it will be kept.
    pub sound: Option<(String, SoundKept)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundKept {
    Yes,
    No,
}

/// A camera that plays.
pub(crate) struct Playing {
    pub(crate) input: Input,
    pub(crate) sound: Option<TrackHead>,
    /// The format of a sound stream that was wanted and cannot be kept.
    pub(crate) unusable_sound: Option<String>,
}

pub(crate) enum Input {
    Native(Box<Native>),
    Piped(Box<Piped>),
}

#[derive(Debug)]
pub(crate) enum Item {
    Video(VideoItem),
    Sound(SoundItem),
    Report(ReportItem),
}

#[derive(Debug)]
pub(crate) struct VideoItem {
    /// When it is shown, in the video's time scale.
    pub(crate) stamp: i64,
    pub(crate) keyframe: bool,
    pub(crate) received: Instant,
    /// Packets that were lost before or within it.
    pub(crate) lost: u64,
    /// With the first frame, and whenever the parameters change.
    pub(crate) head: Option<TrackHead>,
    pub(crate) data: Vec<u8>,
}

/// What the camera says of its clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportItem {
    pub(crate) report: SenderReport,
    pub(crate) received: Instant,
}

#[derive(Debug)]
pub(crate) struct SoundItem {
    /// In the sound's time scale.
    pub(crate) stamp: i64,
    pub(crate) length: u32,
    pub(crate) data: Vec<u8>,
}

impl Input {
    /// Waits for the next frame; an error says how the stream ended. May be dropped while it waits: nothing is
    /// lost by it.
    pub(crate) async fn next(&mut self) -> Result<Item, RecorderError> {
        match self {
            Self::Native(native) => native.next().await,
            Self::Piped(piped) => piped.next().await,
        }
    }
}
