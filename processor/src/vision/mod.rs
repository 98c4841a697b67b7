//! The vision client: sends views to a model that speaks OpenAI's Chat Completions, and never pays twice.
//!
//! Read `client.rs` first: it holds the order of the steps. What decides is in `retry.rs` (a pure
//! function), what identifies a question is in `key.rs`, what is sent and read is in `wire.rs`.

mod answer;
mod batch;
mod bound;
mod breaker;
mod call;
mod client;
mod endpoint;
mod error;
mod failure;
mod fallback;
mod flex;
#[cfg(test)]
mod fuzzed;
mod key;
mod look;
mod probe;
mod quota;
mod retry;
mod slots;
mod transport;
mod turns;
mod wire;

pub(crate) use answer::SCHEMA;
pub use answer::Told;
pub use batch::BatchProbe;
pub(crate) use batch::{Idle, Keeper};
pub use client::VisionClient;
pub use error::VisionError;
pub use failure::{Failure, RetryAfter};
pub use look::{Answer, Asking, Jpeg, Look, Origin, PictureSize, Said};
pub use probe::Probe;
pub use retry::{RetryPolicy, Situation, Verdict};
