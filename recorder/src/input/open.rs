//! Opening an input: which of the two it is, the settings say.

use config::{Camera, Source};

use super::{Playing, Sessions, SoundUse, StreamInfo, native, piped};
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
