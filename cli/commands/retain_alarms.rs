//! What retention cannot do by itself: kept for `status`, and told to the hook when it begins.

use catalog::{Alarm, AlarmKind};
use chrono::{DateTime, Utc};
use retention::{Guarded, RetentionError, Totals};
use serde::Serialize;

use crate::open::Store;
use crate::output;

/// What a run of retention found.
pub(super) struct Found<'a> {
    pub(super) totals: &'a Totals,
    /// What waits until somebody agrees.
    pub(super) guarded: Option<Guarded>,
    /// Why there can be no floor at all.
    pub(super) floor: Option<RetentionError>,
}

/// What the hook hears.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum RetentionNotice {
    /// The rules would delete a large share at once, and wait.
    RetentionWaits { since: DateTime<Utc>, reason: String },
    /// The floor cannot be reached with what may be deleted.
    FloorOutOfReach { since: DateTime<Utc>, reason: String },
}

impl RetentionNotice {
    fn of(alarm: Alarm) -> Self {
        let Alarm { kind, since, text: reason } = alarm;
        match kind {
            AlarmKind::Guard => Self::RetentionWaits { since, reason },
            AlarmKind::Floor => Self::FloorOutOfReach { since, reason },
        }
    }
}

/// Raises and ends alarms by what was found. Returns those that were not there before.
pub(super) fn note(store: &Store, found: &Found<'_>) -> anyhow::Result<Vec<RetentionNotice>> {
    let guard = found.guarded.as_ref().map(ToString::to_string);
    let floor = found.floor.as_ref().map(ToString::to_string).or_else(|| floor_text(found.totals));
    let mut notices = Vec::new();
    for (kind, text) in [(AlarmKind::Guard, guard), (AlarmKind::Floor, floor)] {
        let Some(text) = text else {
            store.catalog.end_alarm(kind)?;
            continue;
        };
        let alarm = Alarm { kind, since: store.clock.now(), text };
        if store.catalog.raise_alarm(&alarm)? {
            tracing::error!(alarm = %kind, text = alarm.text, "retention needs somebody");
            notices.push(RetentionNotice::of(alarm));
        }
    }
    Ok(notices)
}

fn floor_text(totals: &Totals) -> Option<String> {
    (totals.shortfall > 0).then(|| {
        format!(
            "`retention.min_free_gb` lacks {} with all that may be deleted: of {}, {} is footage, {} is not \
             nightreel's; free some of that, or see `nightreel retain --dry-run` for what is kept and why",
            output::size(totals.shortfall),
            output::size(totals.disk.total),
            output::size(totals.keep.bytes + totals.move_to_processed.bytes),
            output::size(totals.others()),
        )
    })
}
