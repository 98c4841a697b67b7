//! Notes that outlive a process: when nightreel last ran, whether the clock is in doubt, and which night was reported last.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::segment::time;
use crate::{Catalog, CatalogError};

const LAST_RUN: &str = "last_run";
const DOUBTED_AT: &str = "clock_doubted_at";
const DOUBTED_BEFORE: &str = "clock_doubted_before";
const REPORTED_UNTIL: &str = "reported_until";

/// A clock this far before the last run went back.
const BACK: TimeDelta = TimeDelta::hours(1);
/// A clock this far after both the newest segment and the last run may have jumped.
const FORWARD: TimeDelta = TimeDelta::days(1);

/// Why ages cannot be trusted: the clock said `now` when the last sign of life was from `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClockDoubt {
    pub before: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

impl Catalog {
    /// Notes that nightreel runs at `now`, and doubts the clock if that does not fit what is known. Every
    /// command that works on footage calls this when it begins.
    pub fn note_run(&self, now: DateTime<Utc>) -> Result<Option<ClockDoubt>, CatalogError> {
        self.write("note the run", |t| {
            if let Some(doubt) = doubtful(t, now)? {
                set(t, DOUBTED_BEFORE, doubt.before)?;
                set(t, DOUBTED_AT, doubt.now)?;
            }
            set(t, LAST_RUN, now)?;
            standing_doubt(t)
        })
    }

    /// Doubts the clock because it was seen to step while nightreel ran.
    pub fn note_clock_step(&self, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), CatalogError> {
        if (now - before).abs() < BACK {
            return Ok(());
        }
        self.write("note a clock step", |t| {
            set(t, DOUBTED_BEFORE, before)?;
            set(t, DOUBTED_AT, now)
        })
    }

    /// Notes that the night of the window which ended then has its report.
    pub fn note_report(&self, window_ended: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note a report", |t| set(t, REPORTED_UNTIL, window_ended))
    }

    /// Returns the end of the last window whose night has its report.
    pub fn reported_until(&self) -> Result<Option<DateTime<Utc>>, CatalogError> {
        self.read("look for the last report", |c| get(c, REPORTED_UNTIL))
    }

    pub fn clock_doubt(&self) -> Result<Option<ClockDoubt>, CatalogError> {
        self.read("read the clock's state", standing_doubt)
    }

    /// A person says that the clock is right.
    pub fn confirm_clock(&self) -> Result<(), CatalogError> {
        self.write("confirm the clock", |t| {
            t.execute("DELETE FROM note WHERE name IN (?1, ?2)", [DOUBTED_BEFORE, DOUBTED_AT])?;
            Ok(())
        })
    }
}

fn doubtful(t: &Transaction<'_>, now: DateTime<Utc>) -> rusqlite::Result<Option<ClockDoubt>> {
    let Some(last_run) = get(t, LAST_RUN)? else { return Ok(None) };
    let newest: Option<i64> =
        t.query_row("SELECT max(start_ms) FROM segment WHERE state IN ('ready', 'processed')", [], |row| {
            row.get(0)
        })?;
    let newest = newest.map_or(last_run, time);
    let forward = now - last_run.max(newest) > FORWARD;
    let back = last_run - now > BACK;
    Ok((forward || back).then_some(ClockDoubt { before: last_run, now }))
}

fn standing_doubt(c: &Connection) -> rusqlite::Result<Option<ClockDoubt>> {
    let (before, now) = (get(c, DOUBTED_BEFORE)?, get(c, DOUBTED_AT)?);
    Ok(before.zip(now).map(|(before, now)| ClockDoubt { before, now }))
}

fn get(c: &Connection, name: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    c.query_row("SELECT value FROM note WHERE name = ?1", [name], |row| row.get(0).map(time)).optional()
}

fn set(t: &Transaction<'_>, name: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
    t.execute("INSERT OR REPLACE INTO note VALUES (?1, ?2)", (name, at.timestamp_millis())).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_jump_is_doubted_until_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let cases = [
            ("2026-11-22T12:00:00Z", false),
            ("2026-11-23T11:00:00Z", false),
            ("2026-11-23T10:30:00Z", false),
            ("2027-12-01T00:00:00Z", true),
            ("2027-12-01T00:01:00Z", true),
        ];
        for (now, doubted) in cases {
            assert_eq!(catalog.note_run(at(now)).unwrap().is_some(), doubted, "{now}");
        }
        catalog.confirm_clock().unwrap();
        assert_eq!(catalog.note_run(at("2027-12-01T00:02:00Z")).unwrap(), None);
        let back = catalog.note_run(at("2026-11-22T12:00:00Z")).unwrap().unwrap();
        assert_eq!(back.before, at("2027-12-01T00:02:00Z"));
    }

    #[test]
    fn small_steps_are_no_reason_to_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        catalog.note_clock_step(at("2026-11-22T12:00:00Z"), at("2026-11-22T12:59:00Z")).unwrap();
        assert_eq!(catalog.clock_doubt().unwrap(), None);
        catalog.note_clock_step(at("2026-11-22T12:00:00Z"), at("2026-11-22T10:00:00Z")).unwrap();
        assert!(catalog.clock_doubt().unwrap().is_some());
    }
}
