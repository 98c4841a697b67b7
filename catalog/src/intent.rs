//! Intents: what is about to be done to a file, as its row tells before it is done.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::hold::is_on_hold;
use crate::segment::{COLUMNS, PathText, Word};
use crate::{Catalog, CatalogError, Segment, SegmentId, SegmentState};

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
    pub(crate) change: Option<Change>,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) state: SegmentState,
    pub(crate) reason: Option<String>,
}

impl Catalog {
    /// Lists what was begun and not finished.
    pub(crate) fn begun(&self) -> Result<Vec<(Segment, Intent)>, CatalogError> {
        self.read("list what was begun", |c| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT {COLUMNS}, intent_path, intent_state FROM segment WHERE intent IS NOT NULL"
            ))?;
            statement.query_map([], from_row)?.collect()
        })
    }

    /// Tells what was begun with one segment and not finished.
    pub(crate) fn begun_with(&self, id: SegmentId) -> Result<Option<(Segment, Intent)>, CatalogError> {
        self.read("look for what was begun", |c| {
            c.prepare_cached(&format!("SELECT {COLUMNS}, intent_path, intent_state FROM segment WHERE id = ?1 AND intent IS NOT NULL"))?
                .query_row([id], from_row)
                .optional()
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(Segment, Intent)> {
    let segment = Segment::from_row(row)?;
    let to: Option<PathText> = row.get(11)?;
    let state: Option<Word<SegmentState>> = row.get(12)?;
    let change = state.map(|state| Change { state: state.0, reason: segment.reason.clone() });
    let intent = to.map_or(Intent::Delete, |to| Intent::Move(Move { to: to.0, change }));
    Ok((segment, intent))
}

/// Returns how many rows were marked: none where the segment was deleted.
pub(crate) fn mark_deletion(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<usize> {
    t.execute(
        "UPDATE segment SET intent = 'delete', intent_path = NULL, intent_state = NULL
         WHERE id = ?1 AND state NOT IN ('archived', 'deleted')",
        [id],
    )
}

/// Writes down why a segment is about to be deleted.
pub(crate) fn note_why(t: &Transaction<'_>, planned: Planned, why: &str) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR REPLACE INTO deletion VALUES (?1, ?2, ?3)")?
        .execute(params![planned.id, planned.now.timestamp_millis(), why])
        .map(drop)
}

/// As `mark_deletion`, for a move.
pub(crate) fn mark_move(t: &Transaction<'_>, id: SegmentId, intent: &Move) -> rusqlite::Result<usize> {
    let (state, reason) = intent.change.as_ref().map(|c| (Word(c.state), c.reason.as_deref())).unzip();
    t.execute(
        "UPDATE segment SET intent = 'move', intent_path = ?2, intent_state = ?3,
            reason = CASE WHEN ?3 IS NULL THEN reason ELSE ?4 END
         WHERE id = ?1 AND state NOT IN ('archived', 'deleted')",
        params![id, PathText(intent.to.clone()), state, reason.flatten()],
    )
}

/// Tells whether a path is being left or arrived at: whoever holds the media lock decides what becomes of it.
pub(crate) fn is_on_its_way(c: &Connection, path: &Path) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM segment WHERE intent IS NOT NULL AND (path = ?1 OR intent_path = ?1)")?
        .exists([PathText(path.into())])
}

/// A processed segment that was queued again is looked at first; one that was never processed may go while it
/// waits, if the plan says so.
///
/// What is on hold stays, also what was put on hold after the plan was made.
pub(crate) fn is_idle(t: &Transaction<'_>, planned: Planned) -> rusqlite::Result<bool> {
    if is_on_hold(t, planned.id, planned.now)? {
        return Ok(false);
    }
    t.prepare_cached(
        "SELECT 1 FROM segment s LEFT JOIN job j ON j.segment_id = s.id
         WHERE s.id = ?1 AND s.state = ?2 AND s.intent IS NULL
           AND NOT (ifnull(j.state, '') = 'leased' AND j.lease_until_ms > ?3)
           AND NOT (s.state = 'processed' AND ifnull(j.state, '') IN ('queued', 'leased'))",
    )?
    .exists(params![planned.id, Word(planned.state), planned.now.timestamp_millis()])
}
