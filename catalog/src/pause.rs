//! The pause that a person asked for: nothing more is begun until it is taken back, by whichever process.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use crate::segment::time;
use crate::{Catalog, CatalogError};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    pub since: DateTime<Utc>,
    /// What the person said of it.
    pub reason: Option<String>,
}

impl Catalog {
    /// Begins a pause. One that is there keeps its beginning.
    pub fn pause(&self, reason: Option<&str>, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("pause", |t| {
            t.execute(
                "INSERT INTO pause VALUES (1, ?1, ?2)
                 ON CONFLICT DO UPDATE SET reason = coalesce(excluded.reason, reason)",
                params![now.timestamp_millis(), reason],
            )
            .map(drop)
        })
    }

    /// Ends the pause. Returns whether there was one.
    pub fn resume(&self) -> Result<bool, CatalogError> {
        self.write("end the pause", |t| Ok(t.execute("DELETE FROM pause", [])? > 0))
    }

    pub fn paused(&self) -> Result<Option<Pause>, CatalogError> {
        self.read("look for a pause", |c| {
            c.prepare_cached("SELECT since_ms, reason FROM pause")?
                .query_row([], |row| Ok(Pause { since: time(row.get(0)?), reason: row.get(1)? }))
                .optional()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn a_pause_outlives_the_process_and_keeps_its_beginning() {
        let store = Store::new();
        assert_eq!(store.catalog.paused().unwrap(), None);
        store.catalog.pause(Some("guests"), noon()).unwrap();
        store.catalog.pause(None, noon() + chrono::TimeDelta::hours(1)).unwrap();
        let pause = Pause { since: noon(), reason: Some("guests".to_owned()) };
        assert_eq!(store.catalog_elsewhere().paused().unwrap(), Some(pause));
        assert!(store.catalog_elsewhere().resume().unwrap());
        assert!(!store.catalog.resume().unwrap());
        assert_eq!(store.catalog.paused().unwrap(), None);
    }
}
