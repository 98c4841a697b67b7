//! Inputs: where a camera's frames come from. What follows does not care which it was.
//!
//! `native` speaks RTSP itself; `piped` reads fragmented MP4 from an `ffmpeg` child, for everything else.

mod demux;
mod item;
mod native;
mod piped;

pub(crate) use item::{Input, Item, Playing, ReportItem, SoundItem, SoundUse, VideoItem};
pub use item::{SoundKept, StreamInfo};
pub(crate) use native::{Sessions, broken};

use config::{Camera, Source};

use crate::RecorderError;

/// Asks a camera what it offers, without recording it. Gives up after 10 s.
pub async fn describe(camera: &Camera) -> Result<StreamInfo, RecorderError> {
    let source = camera.source.as_ref().ok_or(RecorderError::NothingToRecord)?;
    match source.input {
        config::Input::Native => native::describe(camera, source).await,
        config::Input::Ffmpeg => piped::describe(camera, source).await,
    }
}

/// Connects and plays. Gives up after 10 s.
pub(crate) async fn play(
    camera: &Camera,
    source: &Source,
    sessions: &Sessions,
    sound: SoundUse,
) -> Result<Playing, RecorderError> {
    match source.input {
        config::Input::Native => native::play(camera, source, sessions, sound).await,
        config::Input::Ffmpeg => piped::play(camera, source, sound).await,
    }
}
