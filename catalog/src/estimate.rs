//! Estimates: how much a camera records per day, and when the disk is full.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::CameraId;
use rusqlite::params;
use serde::Serialize;

use crate::spans::Spans;
use crate::{Catalog, CatalogError, Span};

/// Looked back so far where no recorder runs.
const LOOK_BACK: TimeDelta = TimeDelta::days(7);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How much a camera brings while it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    pub bytes_per_second: f64,
    pub basis: Basis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The stream as the recorder measures it now.
    Measured,
    /// The segments of the last seven days.
    Footage,
}

/// Of one camera.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub bytes_per_day: u64,
    /// Of thirty days.
    pub bytes_per_month: u64,
    pub basis: Basis,
}

/// Reckons a camera that is recorded for `per_day` of each day.
pub fn estimate(rate: Rate, per_day: Duration) -> Estimate {
    let bytes_per_day = (rate.bytes_per_second * per_day.min(DAY).as_secs_f64()).round() as u64;
    Estimate { bytes_per_day, bytes_per_month: bytes_per_day.saturating_mul(30), basis: rate.basis }
}

/// Returns after how many days `free` bytes are used up; never, where nothing is recorded.
pub fn days_until_full(free: u64, bytes_per_day: u64) -> Option<f64> {
    (bytes_per_day > 0).then(|| free as f64 / bytes_per_day as f64)
}

impl Catalog {
    /// Returns how much a camera brings; nothing where it was not recorded lately.
    pub fn rate(&self, camera: &CameraId, now: DateTime<Utc>) -> Result<Option<Rate>, CatalogError> {
        let measured = self.health_of(camera)?.filter(|found| found.is_recording());
        if let Some(bits) = measured.map(|found| found.health.bits_per_second).filter(|&bits| bits > 0) {
            return Ok(Some(Rate { bytes_per_second: bits as f64 / 8.0, basis: Basis::Measured }));
        }
        let (bytes, length) = self.footage_since(camera, now - LOOK_BACK)?;
        let seconds = length.as_seconds_f64();
        Ok((seconds > 0.0).then(|| Rate { bytes_per_second: bytes as f64 / seconds, basis: Basis::Footage }))
    }

    fn footage_since(
        &self,
        camera: &CameraId,
        since: DateTime<Utc>,
    ) -> Result<(u64, TimeDelta), CatalogError> {
        let files: Vec<(u64, Span)> = self.read("measure footage", |c| {
            c.prepare_cached(
                "SELECT size, start_ms, duration_ms FROM segment
                 WHERE camera = ?1 AND start_ms >= ?2 AND duration_ms > 0 AND substr(path, 1, 1) <> '/'",
            )?
            .query_map(params![camera.as_str(), since.timestamp_millis()], |row| {
                let from = crate::segment::time(row.get(1)?);
                Ok((row.get(0)?, Span::new(from, from + TimeDelta::milliseconds(row.get(2)?))))
            })?
            .collect()
        })?;
        let length = files.iter().map(|(_, span)| *span).collect::<Spans>().length();
        Ok((files.iter().map(|(bytes, _)| bytes).sum(), length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};
    use crate::health::tests::recording;

    #[test]
    fn a_stream_of_two_megabits_is_twenty_one_gigabytes_a_day() {
        let rate = Rate { bytes_per_second: 250_000.0, basis: Basis::Measured };
        let whole = estimate(rate, DAY);
        assert_eq!((whole.bytes_per_day, whole.bytes_per_month), (21_600_000_000, 648_000_000_000));
        assert_eq!(estimate(rate, DAY / 3).bytes_per_day, 7_200_000_000);
        assert_eq!(days_until_full(216_000_000_000, whole.bytes_per_day), Some(10.0));
        assert_eq!(days_until_full(1, 0), None);
    }

    #[test]
    fn a_live_recorder_measures_and_else_the_last_days_tell() {
        let store = Store::new();
        let gate: CameraId = "gate".parse().unwrap();
        assert_eq!(store.catalog.rate(&gate, noon()).unwrap(), None);
        store.footage("gate", noon() - TimeDelta::days(8), 600);
        assert_eq!(store.catalog.rate(&gate, noon()).unwrap(), None, "too long ago");
        store.footage("gate", noon() - TimeDelta::days(2), 60);
        store.footage("gate", noon() - TimeDelta::days(1), 60);
        let footage = Rate { bytes_per_second: 250_000.0, basis: Basis::Footage };
        assert_eq!(store.catalog.rate(&gate, noon()).unwrap(), Some(footage));
        let recorder = store.catalog_elsewhere();
        let health = crate::Health { bits_per_second: 800, ..recording("gate", noon(), noon()) };
        recorder.note_health(&[health]).unwrap();
        let measured = Rate { bytes_per_second: 100.0, basis: Basis::Measured };
        assert_eq!(store.catalog.rate(&gate, noon()).unwrap(), Some(measured));
        drop(recorder);
        assert_eq!(store.catalog.rate(&gate, noon()).unwrap(), Some(footage));
    }
}
