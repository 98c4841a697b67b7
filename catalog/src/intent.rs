//! Intents: what is about to be done to a file, as its row tells before it is done.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use crate::segment::{PathText, Word};
use crate::{Catalog, CatalogError, SegmentId, SegmentState};

/// What a plan saw of a segment. When it is no longer so, what was planned is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub id: SegmentId,
    pub state: SegmentState,
    /// Leases that end after it are alive.
    pub now: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    Out,
    /// It was leased, queued again or changed since the plan was made.
    LeftAlone,
}

#[derive(Clone, Debug)]
pub(crate) enum Intent {
    Move(Move),
    Delete,
}

#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) to: PathBuf,
    /// The state it comes with, where it changes.
    pub(crate) state: Option<SegmentState>,
    pub(crate) reason: Option<String>,
}

impl Catalog {
    /// Lists what was begun and not finished.
    pub(crate) fn begun(&self) -> Result<Vec<(SegmentId, Intent)>, CatalogError> {
        self.read("list what was begun", |c| {
            let mut statement = c.prepare(
                "SELECT id, intent_path, intent_state, reason FROM segment WHERE intent IS NOT NULL",
            )?;
            let rows = statement.query_map([], |row| {
                let state = row.get::<_, Option<Word<SegmentState>>>(2)?.map(|w| w.0);
                let reason = row.get(3)?;
                let to: Option<PathText> = row.get(1)?;
                let intent = to.map_or(Intent::Delete, |to| Intent::Move(Move { to: to.0, state, reason }));
                Ok((row.get(0)?, intent))
            })?;
            rows.collect()
        })
    }
}

pub(crate) fn mark_deletion(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<usize> {
    t.execute(
        "UPDATE segment SET intent = 'delete', intent_path = NULL, intent_state = NULL WHERE id = ?1",
        [id],
    )
}

pub(crate) fn mark_move(t: &Transaction<'_>, id: SegmentId, intent: &Move) -> rusqlite::Result<usize> {
    t.execute(
        "UPDATE segment SET intent = 'move', intent_path = ?2, intent_state = ?3, reason = ?4 WHERE id = ?1",
        params![id, PathText(intent.to.clone()), intent.state.map(Word), intent.reason],
    )
}

/// A processed segment that was queued again is looked at first; one that was never processed may go while it
/// waits, if the plan says so.
pub(crate) fn is_idle(t: &Transaction<'_>, planned: Planned) -> rusqlite::Result<bool> {
    t.prepare_cached(
        "SELECT 1 FROM segment s LEFT JOIN job j ON j.segment_id = s.id
         WHERE s.id = ?1 AND s.state = ?2
           AND NOT (ifnull(j.state, '') = 'leased' AND j.lease_until_ms > ?3)
           AND NOT (s.state = 'processed' AND ifnull(j.state, '') IN ('queued', 'leased'))",
    )?
    .exists(params![planned.id, Word(planned.state), planned.now.timestamp_millis()])
}
