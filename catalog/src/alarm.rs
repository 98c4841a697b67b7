//! Alarms: what retention cannot do by itself and a person should see, as its last run found it.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use crate::segment::{Word, time};
use crate::{Catalog, CatalogError};

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    strum::AsRefStr,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AlarmKind {
    /// The rules would delete a large share at once; somebody has to agree.
    Guard,
    /// The floor cannot be reached with what may be deleted.
    Floor,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    pub kind: AlarmKind,
    /// When the first of the runs saw it that have seen it since.
    pub since: DateTime<Utc>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Catalog {
    /// Raises an alarm, or brings its text up to date. Returns whether it was not there before.
    pub fn raise_alarm(&self, alarm: &Alarm) -> Result<bool, CatalogError> {
        self.write("raise an alarm", |t| {
            let stood =
                t.prepare_cached("SELECT 1 FROM alarm WHERE kind = ?1")?.exists([Word(alarm.kind)])?;
            t.prepare_cached(
                "INSERT INTO alarm VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET text = excluded.text",
            )?
            .execute(params![Word(alarm.kind), alarm.since.timestamp_millis(), alarm.text])?;
            Ok(!stood)
        })
    }

    pub fn end_alarm(&self, kind: AlarmKind) -> Result<(), CatalogError> {
        self.write("end an alarm", |t| t.execute("DELETE FROM alarm WHERE kind = ?1", [Word(kind)]).map(drop))
    }

    /// Returns when the oldest segment began that nobody has looked at and that was not given up.
    pub fn oldest_unprocessed(&self) -> Result<Option<DateTime<Utc>>, CatalogError> {
        self.read("look for the oldest that was not looked at", |c| {
            let oldest: Option<i64> =
                c.query_row("SELECT min(start_ms) FROM segment WHERE state = 'ready'", [], |row| row.get(0))?;
            Ok(oldest.map(time))
        })
    }

    pub fn alarms(&self) -> Result<Vec<Alarm>, CatalogError> {
        self.read("list alarms", |c| {
            let alarm = |row: &rusqlite::Row<'_>| {
                let kind = row.get::<_, Word<AlarmKind>>(0)?.0;
                Ok(Alarm { kind, since: time(row.get(1)?), text: row.get(2)? })
            };
            c.prepare_cached("SELECT kind, since_ms, text FROM alarm ORDER BY since_ms, kind")?
                .query_map([], alarm)?
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn an_alarm_keeps_its_beginning_until_it_ends() {
        let store = Store::new();
        let alarm = |hours, text: &str| {
            let since = noon() + chrono::TimeDelta::hours(hours);
            Alarm { kind: AlarmKind::Guard, since, text: text.to_owned() }
        };
        assert!(store.catalog.raise_alarm(&alarm(0, "much")).unwrap());
        assert!(!store.catalog.raise_alarm(&alarm(1, "more")).unwrap());
        assert_eq!(store.catalog_elsewhere().alarms().unwrap(), [alarm(0, "more")]);
        store.catalog.end_alarm(AlarmKind::Floor).unwrap();
        store.catalog.end_alarm(AlarmKind::Guard).unwrap();
        assert_eq!(store.catalog.alarms().unwrap(), []);
    }
}
