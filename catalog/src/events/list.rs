//! Listing events: by time, camera and label.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use crate::events::event::{BestView, Event, SegmentEvent};
use crate::segment::{Word, time};
use crate::store::{parse, rfc3339};
use crate::{Catalog, CatalogError};

/// Which events are wanted; everything that is not said is wanted.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Events that reach into it.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub cameras: Vec<String>,
    pub labels: Vec<String>,
    /// Those that the vision model calls notable.
    pub notable_only: bool,
    /// Files, or folders with all below them, by their absolute paths.
    pub paths: Vec<PathBuf>,
    /// The newest so many.
    pub limit: Option<u32>,
}

pub(crate) const EVENT: &str =
    "e.id, e.camera, e.view, e.label, e.start_ms, e.end_ms, e.still, e.peak, e.captions, e.frame,
    e.best_ms, e.score, e.area, s.path, s.state, e.segment_id, e.gist";

impl Catalog {
    /// Lists events in the order of their starts.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<Event>, CatalogError> {
        let (conditions, values) = conditions(filter);
        let limit = filter.limit.map_or(-1, i64::from);
        let mut events: Vec<Event> = self.read("list events", |c| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT * FROM (SELECT {EVENT} FROM event e JOIN segment s ON s.id = e.segment_id
                                WHERE {conditions} ORDER BY e.start_ms DESC, e.id DESC LIMIT {limit})
                 ORDER BY start_ms, id"
            ))?;
            statement.query_map(params_from_iter(values), read_event)?.collect()
        })?;
        self.add_thumbnails(events.iter_mut());
        Ok(events)
    }
}

impl Catalog {
    pub(crate) fn add_thumbnails<'e>(&self, events: impl Iterator<Item = &'e mut Event>) {
        let thumbnails = self.thumbnails();
        events.for_each(|event| event.thumbnail = thumbnails.of(event));
    }
}

/// Says in SQL that a segment `s` is one of the files, or below one of the folders, of a list given as JSON.
pub(crate) fn under(list: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM json_each({list}) AS named
                 WHERE s.path = named.value OR s.path LIKE '/%' AND named.value = '/'
                    OR substr(s.path, 1, length(named.value) + 1) = named.value || '/')"
    )
}

/// Paths of named files are UTF-8; another one has no rows.
pub(crate) fn as_json(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
    serde_json::json!(paths).to_string()
}

/// Says a filter in SQL, over an event `e`.
pub(crate) fn conditions(filter: &EventFilter) -> (String, Vec<Value>) {
    let mut conditions = vec!["e.view <> ''".to_owned()];
    conditions.extend(filter.notable_only.then(|| "e.notable".to_owned()));
    let mut values = Vec::new();
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(from) = filter.from {
        add("e.end_ms >= ?", from.timestamp_millis().into());
    }
    if let Some(to) = filter.to {
        add("e.start_ms < ?", to.timestamp_millis().into());
    }
    let list = |words: &[String]| Value::from(serde_json::Value::from(words).to_string());
    if !filter.cameras.is_empty() {
        add("e.camera IN (SELECT value FROM json_each(?))", list(&filter.cameras));
    }
    if !filter.labels.is_empty() {
        add("e.label IN (SELECT value FROM json_each(?))", list(&filter.labels));
    }
    if !filter.paths.is_empty() {
        let below = format!("e.segment_id IN (SELECT s.id FROM segment s WHERE {})", under("?"));
        add(&below, as_json(&filter.paths).into());
    }
    (conditions.join(" AND "), values)
}

pub(crate) fn read_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let area: Option<String> = row.get(12)?;
    let what = SegmentEvent {
        view: row.get(2)?,
        labels: row.get::<_, Option<String>>(3)?.into_iter().collect(),
        start: rfc3339(time(row.get(4)?)),
        end: rfc3339(time(row.get(5)?)),
        still: row.get(6)?,
        peak: row.get(7)?,
        captions: parse(&row.get::<_, String>(8)?)?,
        gist: row.get::<_, Option<String>>(16)?.map(|gist| parse(&gist)).transpose()?,
        best: BestView {
            frame: row.get(9)?,
            time: rfc3339(time(row.get(10)?)),
            score: row.get(11)?,
            area: area.map(|area| parse(&area)).transpose()?,
        },
    };
    let (id, camera, file) = (row.get(0)?, row.get(1)?, row.get(13)?);
    let file_state = row.get::<_, Word<_>>(14)?.0;
    Ok(Event { id, camera, what, file, file_state, thumbnail: None, segment: row.get(15)? })
}
