//! nightreel's processor: from a segment to samples, views and observations.
//!
//! Read `processing.rs` first: it wires a run. A segment's way is in `worker.rs` (lease, store, give back) and
//! `examiner.rs` (read, decode, look).

mod again;
mod answered;
mod candidates;
mod content;
mod decoding;
pub mod detect;
mod digesting;
mod draft;
mod error;
mod event;
mod examiner;
mod footage;
mod gate;
mod group;
mod live;
mod looks;
mod mask;
mod named;
mod offering;
mod pace;
mod picture;
mod places;
mod placing;
mod plan;
mod plans;
mod pool;
mod processing;
mod profile;
mod scene;
mod shift;
mod start;
pub mod still;
mod unfinished;
pub mod video;
pub mod view;
pub mod vision;
mod worker;
mod zones;

pub use again::AgainTally;
pub use decoding::{DecodeError, DecoderProgram, serve as serve_decoder};
pub use error::ProcessorError;
pub use event::{Event, FailureLine, SegmentTally, Tally, Tell, WaitReason};
pub use live::{Began, Live, LiveError, LiveFault, LiveSample, LiveSetup, LiveTally, LiveView, Reconnect};
pub use named::{AfterNamed, NamedFiles};
pub use picture::Picture;
pub use placing::{PlacingError, find_placement, of_parts};
pub use pool::Patience;
pub use processing::{BacklogRun, Processing, Surroundings, WindowRule};
