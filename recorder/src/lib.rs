//! nightreel's recorder: camera → segment files, without C libraries.
//!
//! `recorder` wires the rest; a camera's frames go input → take → gather → writer → segment → register.

mod backoff;
mod blocks;
mod camera;
mod cap;
mod clip;
mod cut;
mod damage;
mod destination;
mod drift;
mod error;
mod file_times;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed;
mod gather;
mod hls;
mod input;
mod lookout;
mod loss;
mod mp4;
mod name;
mod notice;
mod outage;
mod recorder;
mod recover;
mod register;
mod republish;
mod room;
mod segment;
mod sender;
mod snapshot;
mod sound;
mod status;
mod take;
mod tap;
mod thread;
mod timeline;
mod times;
mod wall;
mod watch;
mod writer;

pub use backoff::{Fault as ConnectFault, reconnect_delay};
pub use cap::NotingAllocator;
pub use clip::{Clip, ClipError, ClipReader, LONGEST_CLIP, MOST_PIECES, Piece};
pub use error::RecorderError;
pub use input::{SoundKept, StreamInfo, describe};
pub use notice::{Notice, Notices};
pub use recorder::{Recorder, RecorderSetup};
pub use republish::exposes_password;
pub use snapshot::{SnapshotMaker, lacks_decoder};
pub use status::{CameraState, CameraStatus, StatusBoard};
