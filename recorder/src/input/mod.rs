//! Inputs: where a camera's frames come from. What follows does not care which it was.
//!
//! `native` speaks RTSP itself; `piped` reads fragmented MP4 from an `ffmpeg` child, for everything else.

mod demux;
mod item;
mod native;
mod piped;

pub(crate) use item::{Input, Item, Playing, SoundItem, SoundUse, VideoItem};
pub use item::{SoundKept, StreamInfo};
pub(crate) use native::Sessions;

use config::{Camera, Source};

use crate::RecorderError;

/// Asks a camera what it offers, without recording it. Gives up after 10 s.
pub async fn describe(camera: &Camera) -> Result<StreamInfo, RecorderError> {
    let source = camera.source.as_ref().ok_or(RecorderError::NothingToRecord)?;
    match is_native(source) {
        true => native::describe(camera, source).await,
        false => piped::describe(camera, source).await,
    }
}

/// Connects and plays. Gives up after 10 s.
pub(crate) async fn play(
    camera: &Camera,
    source: &Source,
    sessions: &Sessions,
    sound: SoundUse,
) -> Result<Playing, RecorderError> {
    match is_native(source) {
        true => native::play(camera, source, sessions, sound).await,
        false => piped::play(camera, source, sound).await,
    }
}

fn is_native(source: &Source) -> bool {
    source.url.scheme() == "rtsp"
}
