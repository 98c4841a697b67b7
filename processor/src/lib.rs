//! nightreel's processor: from a segment to samples, views and observations.
//!
//! Read `processing.rs` first: it wires a run. A segment's way is in `worker.rs` (lease, store, give back) and
//! `examiner.rs` (read, decode, look).

mod again;
mod candidates;
mod content;
pub mod detect;
mod error;
mod event;
mod examiner;
mod hex;
mod looks;
mod named;
mod offering;
mod pace;
mod picture;
mod places;
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

pub use again::AgainTally;
pub use error::ProcessorError;
pub use event::{Event, FailureLine, SegmentTally, Tally, Tell, WaitReason};
pub use named::{AfterNamed, NamedFiles};
pub use picture::Picture;
pub use pool::Patience;
pub use processing::{BacklogRun, Processing, WindowRule};
