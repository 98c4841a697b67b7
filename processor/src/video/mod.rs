//! From a file to its sampled frames: packet index, order of display, plan, decoding.
//!
//! Read in this order: `file` (the whole way), `index`, `order`, `plan`, `samples`, `frame`; then, for samples of
//! activity alone, `gradual` and `watch`. Running streams go `live`, `arrivals`, `live_frames`.

mod arrivals;
mod bits;
mod choice;
mod coded;
mod convert;
mod decoder;
mod doubt;
mod error;
mod eye;
mod ffi;
mod file;
mod frame;
#[cfg(test)]
mod fuzzed;
mod gradual;
mod grid;
mod h264;
mod hevc;
mod index;
mod live;
mod live_frames;
mod matrix;
mod nal;
mod order;
mod plan;
mod probe;
mod rotation;
mod samples;
mod scout;
mod sizes;
mod source;
mod time;
mod watch;

pub use choice::Choice;
pub use doubt::Doubt;
pub use error::VideoError;
pub use file::Video;
pub use frame::SampledFrame;
pub(crate) use live::LiveError;
pub(crate) use live_frames::{LiveFrame, LiveFrames, Play};
pub use probe::{FileStart, Probe};
pub use samples::{DecodeSummary, Samples};
