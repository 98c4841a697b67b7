//! nightreel's retention: first a plan with a verdict and reasons for every segment, then its application.
//!
//! The planner is pure: it is fed holdings, and knows neither files nor clocks. [`Retainer`] feeds it from the
//! catalogue and carries its verdicts out through the media folder, where they are held against the row again:
//! what was leased or changed since the plan was made is left alone.

mod apply;
#[cfg(feature = "archive")]
pub mod archive;
mod disk;
mod due;
mod error;
mod plan;
mod planner;
mod reason;
mod retainer;

pub use apply::{Applied, Failure, Outcome, apply};
pub use disk::measure;
pub use due::Due;
pub use error::RetentionError;
pub use plan::{Entry, Plan, Tally, Totals, Verdict};
pub use planner::{FEED_ORDER, Planner, Situation, plan};
pub use reason::Reason;
pub use retainer::{Pass, Retainer};
