//! Marks: the events of a day, gathered so that a strip of all its hours can show them.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::params;

use crate::segment::time;
use crate::{Catalog, CatalogError, Span};

/// Events of one camera and label that began in one slot of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub camera: String,
    /// Absent where only captions tell of them.
    pub label: Option<String>,
    /// When the first of them began.
    pub start: DateTime<Utc>,
    pub events: u64,
}

impl Catalog {
    /// Gathers the events that begin within a span, by camera, label and slots of this length.
    pub fn marks(&self, within: Span, slot: TimeDelta) -> Result<Vec<Mark>, CatalogError> {
        let slot_ms = slot.num_milliseconds().max(1);
        self.read("gather events", |c| {
            c.prepare_cached(
                "SELECT camera, label, min(start_ms), count(*) FROM event
                 WHERE start_ms >= ?1 AND start_ms < ?2 AND camera IS NOT NULL AND view <> ''
                 GROUP BY camera, label, (start_ms - ?1) / ?3 ORDER BY camera, min(start_ms), label",
            )?
            .query_map(
                params![within.from.timestamp_millis(), within.to.timestamp_millis(), slot_ms],
                |row| {
                    Ok(Mark {
                        camera: row.get(0)?,
                        label: row.get(1)?,
                        start: time(row.get(2)?),
                        events: row.get(3)?,
                    })
                },
            )?
            .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn events_of_a_slot_are_one_mark() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let day = Span::new(noon() - TimeDelta::hours(12), noon() + TimeDelta::hours(12));
        let marks = store.catalog.marks(day, TimeDelta::minutes(5)).unwrap();
        let told: Vec<_> =
            marks.iter().map(|mark| (mark.camera.as_str(), mark.label.as_deref(), mark.events)).collect();
        assert_eq!(told, [("gate", Some("person"), 1), ("gate", Some("car"), 1)]);
        let before = Span::new(day.from - TimeDelta::days(1), day.from);
        assert_eq!(store.catalog.marks(before, TimeDelta::minutes(5)).unwrap(), []);
    }
}
