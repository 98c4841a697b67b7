//! What `status` says of retention: what it cannot do by itself, and what is held.

use catalog::{Alarm, Hold, OnHold};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::commands::status::time;
use crate::open::Store;
use crate::output;

/// What waits longer to be looked at waits for something that does not come by itself.
const STUCK: TimeDelta = TimeDelta::days(7);

/// Flattened into the object of `status --json`.
#[derive(Serialize)]
pub(crate) struct RetentionLine {
    alarms: Vec<Alarm>,
    /// When the oldest footage began that nobody has looked at, where that is more than seven days ago.
    stuck_since: Option<DateTime<Utc>>,
    /// How many holds there are.
    holds: usize,
}

impl RetentionLine {
    pub(crate) fn of(store: &Store, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let lasts = |(_, hold): &(OnHold, Hold)| hold.until.is_none_or(|until| until > now);
        Ok(Self {
            alarms: store.catalog.alarms()?,
            stuck_since: store.catalog.oldest_unprocessed()?.filter(|oldest| now - *oldest > STUCK),
            holds: store.catalog.all_holds()?.into_iter().filter(lasts).count(),
        })
    }

    pub(crate) fn print(&self) -> anyhow::Result<()> {
        for Alarm { kind, since, text } in &self.alarms {
            output::line(format!("alarm     {kind}, since {} UTC: {text}", time(*since)))?;
        }
        if let Some(since) = self.stuck_since {
            output::line(format!(
                "stuck     footage since {} UTC waits to be processed, and nothing deletes it before \
                 (`retention.max_unprocessed_age_days`)",
                time(since)
            ))?;
        }
        if self.holds > 0 {
            output::line(format!("on hold   {} of `nightreel hold`", self.holds))?;
        }
        Ok(())
    }
}
