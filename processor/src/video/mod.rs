//! From a file to its sampled frames: packet index, order of display, plan, decoding.
//!
//! Read in this order: `file` (the whole way), `index`, `order`, `plan`, `samples`, `frame`.

mod bits;
mod coded;
mod convert;
mod doubt;
mod error;
mod ffi;
mod file;
mod frame;
#[cfg(test)]
mod fuzzed;
mod h264;
mod hevc;
mod index;
mod matrix;
mod nal;
mod order;
mod plan;
mod probe;
mod rotation;
mod samples;
mod source;
mod time;

pub use doubt::Doubt;
pub use error::VideoError;
pub use file::Video;
pub use frame::SampledFrame;
pub use probe::{FileStart, Probe};
pub use samples::{DecodeSummary, Samples};
