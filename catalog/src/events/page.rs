//! Events by the page, newest first, and one by its id: what a person leafs through.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};

use crate::events::list::{EVENT, conditions, read_event};
use crate::{Catalog, CatalogError, Event, EventFilter};

/// Where a page ended: the start and the id of its last event. What comes meanwhile moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub start: DateTime<Utc>,
    pub id: i64,
}

impl Catalog {
    /// Lists the newest events that come before a place, newest first.
    pub fn events_before(
        &self,
        filter: &EventFilter,
        before: Option<Place>,
    ) -> Result<Vec<Event>, CatalogError> {
        let (mut conditions, mut values) = conditions(filter);
        if let Some(Place { start, id }) = before {
            values.extend([Value::from(start.timestamp_millis()), Value::from(id)]);
            let (start, id) = (values.len() - 1, values.len());
            conditions += &format!(" AND (e.start_ms, e.id) < (?{start}, ?{id})");
        }
        let limit = filter.limit.map_or(-1, i64::from);
        let mut events: Vec<Event> = self.read("list events", |c| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT {EVENT} FROM event e JOIN segment s ON s.id = e.segment_id
                 WHERE {conditions} ORDER BY e.start_ms DESC, e.id DESC LIMIT {limit}"
            ))?;
            statement.query_map(params_from_iter(values), read_event)?.collect()
        })?;
        self.add_thumbnails(events.iter_mut());
        Ok(events)
    }

    pub fn event(&self, id: i64) -> Result<Option<Event>, CatalogError> {
        let mut event = self.read("look up an event", |c| {
            c.prepare_cached(&format!(
                "SELECT {EVENT} FROM event e JOIN segment s ON s.id = e.segment_id
                 WHERE e.id = ?1 AND e.view <> ''"
            ))?
            .query_row([id], read_event)
            .optional()
        })?;
        self.add_thumbnails(event.iter_mut());
        Ok(event)
    }

    /// Lists the labels of which there are events.
    pub fn event_labels(&self) -> Result<Vec<String>, CatalogError> {
        self.read("list labels", |c| {
            c.prepare_cached("SELECT DISTINCT label FROM event WHERE label IS NOT NULL ORDER BY label")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }
}

impl Event {
    /// Returns the place of this event among all.
    pub fn place(&self) -> Option<Place> {
        Some(Place { start: self.what.start.parse().ok()?, id: self.id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Store;

    #[test]
    fn pages_have_every_event_once_newest_first() {
        let store = Store::new();
        for name in ["a", "b", "c"] {
            store.add_processed(&format!("gate/{name}.mp4"), name);
        }
        let all: Vec<i64> = store
            .catalog
            .events(&EventFilter::default())
            .unwrap()
            .iter()
            .rev()
            .map(|event| event.id)
            .collect();
        let filter = EventFilter { limit: Some(1), ..EventFilter::default() };
        let (mut leafed, mut place) = (Vec::new(), None);
        while let Some(event) = store.catalog.events_before(&filter, place).unwrap().pop() {
            place = event.place();
            assert_eq!(store.catalog.event(event.id).unwrap(), Some(event.clone()));
            leafed.push(event.id);
        }
        assert!(leafed.len() > 1);
        assert_eq!(leafed, all);
        assert_eq!(store.catalog.event(i64::MAX).unwrap(), None);
        assert_eq!(store.catalog.event_labels().unwrap(), ["car", "person"]);
    }
}
