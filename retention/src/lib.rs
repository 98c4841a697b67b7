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
mod guard;
mod plan;
mod planner;
mod reason;
mod retainer;
mod survey;
mod terms;

pub use apply::{Applied, Failure, Outcome};
pub use disk::measure;
pub use due::{Due, DueBundle};
pub use error::RetentionError;
pub use guard::Guarded;
pub use plan::{Entry, Plan, RuleTotals, Tally, Totals, Verdict};
pub use planner::{FEED_ORDER, Planner, Situation};
pub use reason::{Reason, Section, in_words};
pub use retainer::{Future, Pass, Retainer, Room};
pub use survey::Survey;
pub use terms::Rules;
