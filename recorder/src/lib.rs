//! nightreel's recorder: camera → segment files, without C libraries.
//!
//! `recorder` wires the rest; a camera's frames go session → take → gather → writer → segment → register.

mod backoff;
mod blocks;
mod camera;
mod cap;
mod cut;
mod damage;
mod error;
mod gather;
mod mp4;
mod name;
mod outage;
mod recorder;
mod recover;
mod register;
mod room;
mod segment;
mod session;
mod sound;
mod status;
mod take;
mod thread;
mod timeline;
mod times;
mod wall;
mod writer;

pub use cap::NotingAllocator;
pub use error::RecorderError;
pub use recorder::{Recorder, RecorderSetup};
pub use session::{SoundKept, StreamInfo, describe};
pub use status::{CameraState, CameraStatus, StatusBoard};
