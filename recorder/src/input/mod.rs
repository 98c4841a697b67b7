//! Inputs: where a camera's frames come from. What follows does not care which it was.
//!
//! `native` speaks RTSP itself; `piped` reads fragmented MP4 from an `ffmpeg` child, for everything else.

mod demux;
mod item;
mod native;
mod open;
mod parameters;
mod piped;

pub(crate) use item::{Input, Item, Playing, ReportItem, SoundItem, SoundUse, VideoItem};
pub use item::{SoundKept, StreamInfo};
pub(crate) use native::{Sessions, broken};
pub use open::describe;
pub(crate) use open::play;
