//! Our side of a running stream: a child of its own, which ends with it.

use chrono::{DateTime, Utc};

use super::decoder::{DecodedFrame, DecoderProgram, Heard, Running, senseless};
use super::wire::Request;
use crate::error::ProcessorError;
use crate::unfinished::{Progress, Unfinished};
use crate::video::Play;

/// A child that plays. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Player {
    running: Running,
}

/// A frame of a running stream as it came over the pipe.
#[derive(Debug)]
pub(crate) struct LivePicture {
    /// Without a time of its own.
    pub(crate) frame: DecodedFrame,
    /// When its packet came from the camera.
    pub(crate) received: DateTime<Utc>,
    /// Frames wanted before this one that were passed over, since the stream began.
    pub(crate) passed_over: u64,
}

impl Player {
    /// Starts a child and tells it what to play, by its stdin: others see its arguments.
    pub(crate) fn start(program: &DecoderProgram, play: Play) -> Result<Self, Unfinished> {
        let mut running = program.start().map_err(ProcessorError::Decode)?;
        running.ask(&Request::Play(play));
        Ok(Self { running })
    }

    /// Waits for the next frame. A stream has no end that is no failure.
    pub(crate) fn next(&mut self, progress: &mut Progress<'_>) -> Result<LivePicture, Unfinished> {
        loop {
            progress()?;
            match self.running.next(progress)? {
                Heard::Live(picture) => return Ok(picture),
                Heard::Alive => {}
                Heard::Failed(unfinished) => return Err(unfinished),
                Heard::Opened(_) | Heard::Frame(_) | Heard::Ended(_) => return Err(senseless()),
            }
        }
    }
}
