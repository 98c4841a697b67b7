//! Holds: footage that no rule may move or delete, one segment or a camera's between two times.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

use crate::segment::time;
use crate::{Catalog, CatalogError, Holding, Segment, SegmentId, Span};

/// Taken for the length of a segment that nobody has opened yet: rather too much is held than too little.
const UNKNOWN_LENGTH: Duration = Duration::from_secs(3600);

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnHold {
    Segment(SegmentId),
    /// All of a camera's footage that reaches into it.
    Footage {
        camera: String,
        span: Span,
    },
}

/// From when to when something is held, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub since: DateTime<Utc>,
    /// Absent: until it is taken back.
    pub until: Option<DateTime<Utc>>,
    pub reason: Option<String>,
}

/// All holds that count at a time.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    segments: HashMap<SegmentId, Hold>,
    cameras: BTreeMap<String, Vec<(Span, Hold)>>,
}

impl Holds {
    /// Returns what holds a segment; of several, what lasts longest.
    pub fn of(&self, segment: &Segment) -> Option<&Hold> {
        let Segment { id, start, duration, .. } = *segment;
        self.over(id, segment.camera.as_deref().unwrap_or_default(), (start, duration))
    }

    /// The same for what is listed.
    pub fn of_holding(&self, holding: &Holding) -> Option<&Hold> {
        self.over(holding.id, &holding.camera, (holding.start, holding.duration))
    }

    fn over(
        &self,
        id: SegmentId,
        camera: &str,
        (start, duration): (DateTime<Utc>, Option<Duration>),
    ) -> Option<&Hold> {
        if self.segments.is_empty() && self.cameras.is_empty() {
            return None;
        }
        let end = start + duration.unwrap_or(UNKNOWN_LENGTH);
        let spans = self.cameras.get(camera);
        let reaching = spans.into_iter().flatten().filter(|(span, _)| span.from < end && span.to > start);
        let all = reaching.map(|(_, hold)| hold).chain(self.segments.get(&id));
        all.max_by_key(|hold| hold.until.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

impl Catalog {
    /// Puts on hold; what holds it already, holds on beside.
    pub fn hold(&self, what: &OnHold, hold: &Hold) -> Result<(), CatalogError> {
        self.write("put on hold", |t| insert(t, what, hold))
    }

    /// Takes holds back: of the segment itself, or of a camera between two times, where longer holds keep what
    /// lies before and after. Returns how many there were.
    pub fn release_hold(&self, what: &OnHold) -> Result<usize, CatalogError> {
        self.write("take a hold back", |t| match what {
            OnHold::Segment(id) => t.execute("DELETE FROM hold WHERE segment_id = ?1", [id]),
            OnHold::Footage { camera, span } => cut_out(t, camera, *span),
        })
    }

    /// Lists what is held at `now`. While the clock is in doubt no hold has come to its end.
    pub fn holds(&self, now: DateTime<Utc>) -> Result<Holds, CatalogError> {
        let now = if self.clock_doubt()?.is_some() { DateTime::<Utc>::MIN_UTC } else { now };
        let mut holds = Holds::default();
        for (what, hold) in self.read("list holds", list)? {
            if hold.until.is_some_and(|until| until <= now) {
                continue;
            }
            match what {
                OnHold::Segment(id) => {
                    let known = holds.segments.entry(id).or_insert_with(|| hold.clone());
                    if known.until.is_some_and(|until| hold.until.is_none_or(|other| other > until)) {
                        *known = hold;
                    }
                }
                OnHold::Footage { camera, span } => {
                    holds.cameras.entry(camera).or_default().push((span, hold));
                }
            }
        }
        Ok(holds)
    }

    /// Lists all holds, also those that are over, oldest first.
    pub fn all_holds(&self) -> Result<Vec<(OnHold, Hold)>, CatalogError> {
        self.read("list holds", list)
    }
}

fn insert(t: &Transaction<'_>, what: &OnHold, hold: &Hold) -> rusqlite::Result<()> {
    let (segment, footage) = match what {
        OnHold::Segment(id) => (Some(id), None),
        OnHold::Footage { camera, span } => (None, Some((camera, span))),
    };
    t.prepare_cached(
        "INSERT INTO hold (segment_id, camera, from_ms, to_ms, until_ms, reason, since_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        segment,
        footage.map(|(camera, _)| camera),
        footage.map(|(_, span)| span.from.timestamp_millis()),
        footage.map(|(_, span)| span.to.timestamp_millis()),
        hold.until.map(|until| until.timestamp_millis()),
        hold.reason,
        hold.since.timestamp_millis(),
    ])
    .map(drop)
}

fn cut_out(t: &Transaction<'_>, camera: &str, gone: Span) -> rusqlite::Result<usize> {
    let reaching: Vec<_> = list_with_ids(t)?
        .into_iter()
        .filter_map(|(id, what, hold)| match what {
            OnHold::Footage { camera: of, span }
                if of == camera && span.from < gone.to && span.to > gone.from =>
            {
                Some((id, span, hold))
            }
            _ => None,
        })
        .collect();
    for (id, span, hold) in &reaching {
        t.execute("DELETE FROM hold WHERE id = ?1", [id])?;
        for (from, to) in [(span.from, gone.from), (gone.to, span.to)] {
            if from < to {
                let rest = OnHold::Footage { camera: camera.to_owned(), span: Span { from, to } };
                insert(t, &rest, hold)?;
            }
        }
    }
    Ok(reaching.len())
}

fn list(c: &Connection) -> rusqlite::Result<Vec<(OnHold, Hold)>> {
    Ok(list_with_ids(c)?.into_iter().map(|(_, what, hold)| (what, hold)).collect())
}

fn list_with_ids(c: &Connection) -> rusqlite::Result<Vec<(i64, OnHold, Hold)>> {
    let mut statement = c.prepare_cached(
        "SELECT id, segment_id, camera, from_ms, to_ms, until_ms, reason, since_ms FROM hold ORDER BY id",
    )?;
    let hold = |row: &rusqlite::Row<'_>| {
        let what = match row.get::<_, Option<SegmentId>>(1)? {
            Some(id) => OnHold::Segment(id),
            None => OnHold::Footage {
                camera: row.get(2)?,
                span: Span { from: time(row.get(3)?), to: time(row.get(4)?) },
            },
        };
        let until = row.get::<_, Option<i64>>(5)?.map(time);
        Ok((row.get(0)?, what, Hold { since: time(row.get(7)?), until, reason: row.get(6)? }))
    };
    statement.query_map([], hold)?.collect()
}

/// Tells whether a segment is held; the clock's doubt counts as in [`Catalog::holds`].
pub(crate) fn is_on_hold(t: &Transaction<'_>, id: SegmentId, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    t.prepare_cached(
        "SELECT 1 FROM segment s JOIN hold h ON h.segment_id = s.id
            OR (h.camera = s.camera AND h.to_ms > s.start_ms AND h.from_ms < s.start_ms + ifnull(s.duration_ms, ?3))
         WHERE s.id = ?1 AND (h.until_ms IS NULL OR h.until_ms > ?2
            OR EXISTS (SELECT 1 FROM note WHERE name = 'clock_doubted_at'))",
    )?
    .exists(params![id, now.timestamp_millis(), UNKNOWN_LENGTH.as_millis() as i64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Carried, Planned, SegmentState};

    fn hours(hours: i64) -> DateTime<Utc> {
        noon() + chrono::TimeDelta::hours(hours)
    }

    fn of_gate(from: i64, to: i64) -> OnHold {
        OnHold::Footage { camera: "gate".to_owned(), span: Span { from: hours(from), to: hours(to) } }
    }

    fn until(until: Option<DateTime<Utc>>) -> Hold {
        Hold { since: noon(), until, reason: None }
    }

    fn is_held(store: &Store, id: SegmentId, now: DateTime<Utc>) -> bool {
        let held = store.catalog.holds(now).unwrap().of(&store.segment(id)).is_some();
        let held_by_rows = store.catalog.write("ask", |t| is_on_hold(t, id, now)).unwrap();
        assert_eq!(held, held_by_rows);
        held
    }

    #[test]
    fn a_span_holds_what_reaches_into_it_until_it_is_over() {
        let store = Store::new();
        let id = store.footage("gate", noon(), 60);
        let other = store.footage("yard", noon(), 60);
        for (from, to, held) in [(-2, 0, false), (-2, 1, true), (0, 1, true), (1, 2, false)] {
            store.catalog.hold(&of_gate(from, to), &until(Some(hours(5)))).unwrap();
            assert_eq!(is_held(&store, id, noon()), held, "{from} to {to}");
            assert!(!is_held(&store, id, hours(5)) && !is_held(&store, other, noon()));
            store.catalog.release_hold(&of_gate(from, to)).unwrap();
        }
    }

    #[test]
    fn taking_back_the_middle_leaves_what_is_around() {
        let store = Store::new();
        let ids = [0, 1, 2].map(|hour| store.footage("gate", hours(hour), 60));
        store.catalog.hold(&of_gate(0, 3), &until(None)).unwrap();
        assert_eq!(store.catalog.release_hold(&of_gate(1, 2)).unwrap(), 1);
        assert_eq!(ids.map(|id| is_held(&store, id, noon())), [true, false, true]);
        store.catalog.release_hold(&of_gate(-9, 9)).unwrap();
        assert_eq!(store.catalog.all_holds().unwrap(), []);
    }

    #[test]
    fn no_hold_ends_while_the_clock_is_in_doubt() {
        let store = Store::new();
        let id = store.footage("gate", noon(), 60);
        store.catalog.hold(&OnHold::Segment(id), &until(Some(hours(1)))).unwrap();
        assert!(!is_held(&store, id, hours(2)));
        store.catalog.note_clock_step(noon(), hours(9)).unwrap();
        assert!(is_held(&store, id, hours(9)));
    }

    #[test]
    fn what_was_put_on_hold_since_the_plan_stays() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let planned = Planned { id, state: SegmentState::Processed, now: noon() };
        store.catalog.hold(&OnHold::Segment(id), &until(None)).unwrap();
        assert_eq!(store.media().delete_planned(planned, "old").unwrap(), Carried::LeftAlone);
        assert_eq!(store.media().move_planned(planned).unwrap(), Carried::LeftAlone);
        assert_eq!(store.catalog.release_hold(&OnHold::Segment(id)).unwrap(), 1);
        assert_eq!(store.media().delete_planned(planned, "old").unwrap(), Carried::Out);
    }
}
