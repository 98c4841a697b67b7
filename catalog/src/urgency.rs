//! Urgency: why work is begun although the window is closed.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use config::Urgent;
use rusqlite::params;
use serde::Serialize;

use crate::{Catalog, CatalogError, Disk};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// The oldest segment that waits is older than `process.deadline_hours`.
    Overdue,
    /// Less is free than `process.urgent_when_disk_below_gb`.
    DiskNearFull,
}

impl Urgency {
    /// Returns the key of the settings.
    pub fn key(self) -> &'static str {
        match self {
            Self::Overdue => "process.deadline_hours",
            Self::DiskNearFull => "process.urgent_when_disk_below_gb",
        }
    }
}

impl Catalog {
    /// Tells why the next segment of the backlog should not wait for its window, if it should not. The disk is
    /// the one on which `root` lies.
    pub fn urgency(
        &self,
        urgent: Urgent,
        root: &Path,
        now: DateTime<Utc>,
    ) -> Result<Option<Urgency>, CatalogError> {
        if urgent == Urgent::default() {
            return Ok(None);
        }
        let Some(oldest) = self.oldest_waiting(now)? else { return Ok(None) };
        let age = |limit| TimeDelta::from_std(limit).is_ok_and(|limit| now - oldest > limit);
        if urgent.older_than.is_some_and(age) {
            return Ok(Some(Urgency::Overdue));
        }
        let Some(below) = urgent.disk_below else { return Ok(None) };
        let disk = Disk::measure(root).map_err(CatalogError::file("measure the disk of", root))?;
        Ok((disk.free < below).then_some(Urgency::DiskNearFull))
    }

    /// Returns the beginning of the segment of the backlog that is leased next.
    fn oldest_waiting(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, CatalogError> {
        self.read("look for the oldest that waits", |c| {
            let oldest: Option<i64> = c
                .prepare_cached(
                    "SELECT min(j.start_ms) FROM job j JOIN segment s ON s.id = j.segment_id
                     WHERE j.state = 'queued' AND j.scope = '' AND j.available_ms <= ?1
                       AND s.state NOT IN ('missing', 'archived', 'deleted') AND s.intent IS NULL",
                )?
                .query_row(params![now.timestamp_millis()], |row| row.get(0))?;
            Ok(oldest.and_then(DateTime::from_timestamp_millis))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn what_is_overdue_or_in_the_way_does_not_wait() {
        let store = Store::new();
        let hours =
            |hours: u64| Urgent { older_than: Some(Duration::from_secs(hours * 3600)), disk_below: None };
        let bytes = |bytes: u64| Urgent { older_than: None, disk_below: Some(bytes) };
        let urgency = |urgent| store.catalog.urgency(urgent, &store.path(""), noon()).unwrap();
        assert_eq!((urgency(hours(1)), urgency(bytes(u64::MAX))), (None, None), "nothing waits");

        let id = store.footage("gate", noon() - TimeDelta::hours(24), 60);
        for (urgent, expected) in [
            (Urgent::default(), None),
            (hours(25), None),
            (hours(23), Some(Urgency::Overdue)),
            (bytes(1), None),
            (bytes(u64::MAX), Some(Urgency::DiskNearFull)),
            (Urgent { disk_below: Some(u64::MAX), ..hours(23) }, Some(Urgency::Overdue)),
        ] {
            assert_eq!(urgency(urgent), expected, "{urgent:?}");
        }
        store.lease(id);
        assert_eq!(urgency(hours(23)), None, "somebody is at it");
    }
}
