//! Batches: questions that are gathered, asked by files, and answered within a day.
//!
//! A question's way: gathered with its segment (`question.rs`), written into the ledger and a batch's intent together
//! (`intent.rs`), settled when its line is read (`settle.rs`). A segment waits meanwhile as a submission
//! (`submission.rs`), which no lease holds.

mod intent;
mod list;
mod question;
mod settle;
mod spool;
mod submission;
#[cfg(test)]
mod tests;

pub use intent::{BatchLimits, BatchLine, Intended};
pub use list::{Batch, BatchState, BatchTally};
pub use question::{Gathered, Known, NewQuestion, Tried};
pub use settle::{Fate, Settled, Try};
pub use spool::Spool;
pub(crate) use submission::{Taking, forget, lease_answered, park};
