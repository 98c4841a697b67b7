//! Segments in rows: looked up, listed, brought in and given up.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::segment::{COLUMNS, Learnt, NewSegment, PathText, Word, millis};
use crate::{Catalog, CatalogError, FileStat, Segment, SegmentId, SegmentState, batch};

/// Rows read at a time; between two pages other threads get the connection.
const PAGE: u32 = 4096;

impl Catalog {
    pub fn segment(&self, id: SegmentId) -> Result<Segment, CatalogError> {
        self.read("look up a segment", |c| by_id(c, id))?.ok_or(CatalogError::UnknownSegment { id: id.0 })
    }

    /// Finds the segment that now lies at `path` (as stored: relative to the root, or absolute).
    pub fn segment_at(&self, path: &Path) -> Result<Option<Segment>, CatalogError> {
        self.read("look up a path", |c| by_path(c, path))
    }

    /// Finds a segment by what a person types: its id or its path as stored.
    pub fn find_segment(&self, typed: &str) -> Result<Option<Segment>, CatalogError> {
        self.read("find a segment", |c| match typed.parse() {
            Ok(id) => by_id(c, SegmentId(id)),
            Err(_) => by_path(c, Path::new(typed)),
        })
    }

    /// Calls `each` for every segment in one of `states`, oldest first. It may call the catalogue: one page of
    /// rows is held in memory, and none is being read meanwhile.
    pub fn each_segment(
        &self,
        states: &[SegmentState],
        mut each: impl FnMut(Segment),
    ) -> Result<(), CatalogError> {
        for state in states {
            let mut after = (i64::MIN, i64::MIN);
            loop {
                let page = self.read("list segments", |c| page(c, *state, after))?;
                let Some(last) = page.last() else { break };
                after = (last.start.timestamp_millis(), last.id.0);
                page.into_iter().for_each(&mut each);
            }
        }
        Ok(())
    }

    /// Notes what was learnt when the file was opened.
    pub fn refine_segment(&self, id: SegmentId, learnt: &Learnt) -> Result<(), CatalogError> {
        self.write("refine a segment", |t| refine(t, id, learnt))
    }
}

fn page(c: &Connection, state: SegmentState, after: (i64, i64)) -> rusqlite::Result<Vec<Segment>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM segment WHERE state = ?1 AND (start_ms, id) > (?2, ?3)
         ORDER BY start_ms, id LIMIT ?4"
    ))?
    .query_map(params![Word(state), after.0, after.1, PAGE], Segment::from_row)?
    .collect()
}

pub(crate) fn by_id(connection: &Connection, id: SegmentId) -> rusqlite::Result<Option<Segment>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM segment WHERE id = ?1"))?
        .query_row([id], Segment::from_row)
        .optional()
}

pub(crate) fn by_path(connection: &Connection, path: &Path) -> rusqlite::Result<Option<Segment>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM segment WHERE path = ?1 AND state NOT IN ('archived', 'deleted')"
        ))?
        .query_row([PathText(path.into())], Segment::from_row)
        .optional()
}

/// Finds the segments in the root whose file this is, under whatever name it was seen last. A hard link is the
/// same file, so there may be more than one.
pub(crate) fn by_file(connection: &Connection, stat: &FileStat) -> rusqlite::Result<Vec<Segment>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM segment
             WHERE inode = ?1 AND size = ?2 AND mtime_ns = ?3 AND state NOT IN ('archived', 'deleted') AND path NOT LIKE '/%'"
        ))?
        .query_map(params![stat.inode as i64, stat.size, stat.mtime_ns], Segment::from_row)?
        .collect()
}

pub(crate) fn refine(t: &Transaction<'_>, id: SegmentId, learnt: &Learnt) -> rusqlite::Result<()> {
    let start_ms = learnt.start.timestamp_millis();
    t.prepare_cached(
        "UPDATE segment SET start_ms = ?2, start_source = ?3, duration_ms = ifnull(?4, duration_ms)
         WHERE id = ?1",
    )?
    .execute(params![id, start_ms, Word(learnt.start_source), learnt.duration.map(millis)])?;
    t.prepare_cached("UPDATE job SET start_ms = ?2 WHERE segment_id = ?1")?.execute(params![id, start_ms])?;
    Ok(())
}

/// Notes what the file looks like now.
pub(crate) fn set_stat(t: &Transaction<'_>, id: SegmentId, stat: &FileStat) -> rusqlite::Result<()> {
    t.prepare_cached("UPDATE segment SET size = ?2, mtime_ns = ?3, inode = ?4 WHERE id = ?1")?
        .execute(params![id, stat.size, stat.mtime_ns, stat.inode as i64])?;
    Ok(())
}

pub(crate) fn has_results(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<bool> {
    t.prepare_cached("SELECT 1 FROM result WHERE segment_id = ?1")?.exists([id])
}

/// Inserts a segment and its job. A path that is there already keeps its row.
pub(crate) fn insert(
    transaction: &Transaction<'_>,
    new: &NewSegment,
    scope: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<SegmentId>> {
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO segment (path, camera, state, start_ms, start_source, duration_ms, size, mtime_ns,
                                  inode, added_ms)
             VALUES (?1, ?2, 'ready', ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            PathText(new.path.clone()),
            new.camera,
            new.start.timestamp_millis(),
            Word(new.start_source),
            new.duration.map(millis),
            new.stat.size,
            new.stat.mtime_ns,
            new.stat.inode as i64,
            now.timestamp_millis(),
        ])?;
    if inserted == 0 {
        return Ok(None);
    }
    let id = SegmentId(transaction.last_insert_rowid());
    queue(transaction, id, scope, now)?;
    Ok(Some(id))
}

/// Puts a segment into the queue, from the first attempt on. Returns `false` where it was deleted.
pub(crate) fn queue(
    transaction: &Transaction<'_>,
    id: SegmentId,
    scope: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<bool> {
    batch::forget(transaction, id)?;
    let queued = transaction
        .prepare_cached(
            "INSERT INTO job (segment_id, state, scope, start_ms, available_ms)
             SELECT id, 'queued', ?2, start_ms, ?3 FROM segment WHERE id = ?1 AND state NOT IN ('archived', 'deleted')
             ON CONFLICT (segment_id) DO UPDATE SET state = 'queued', scope = ?2, start_ms = excluded.start_ms,
                available_ms = ?3, attempts = 0, token = NULL, owner = NULL, lease_until_ms = NULL, reason = NULL",
        )?
        .execute(params![id, scope, now.timestamp_millis()])?;
    Ok(queued == 1)
}

/// Gives up a row whose name another content has taken. What was seen in the old content is kept.
pub(crate) fn overwritten(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE segment SET state = CASE WHEN archived_ms IS NULL THEN 'deleted' ELSE 'archived' END,
            reason = 'overwritten', intent = NULL, intent_path = NULL, intent_state = NULL WHERE id = ?1",
    )?
    .execute([id])?;
    t.prepare_cached("DELETE FROM job WHERE segment_id = ?1")?.execute([id])?;
    batch::forget(t, id)
}
