//! A submission: a segment that was looked at, and waits for answers that come with a batch.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::segment::time;
use crate::segments::by_id;
use crate::{Catalog, CatalogError, Lease, SegmentId};

/// When a segment that waits for answers may be leased by a worker: never, which is the last second of the year 9999.
const PARKED_UNTIL: i64 = 253_402_300_799_000;

const PARKED: &str = "waits for answers that come with a batch";

/// Who leases, and until when.
pub(crate) struct Taking<'a> {
    pub(crate) scope: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) until: DateTime<Utc>,
}

/// Ends a lease and keeps what was seen.
pub(crate) fn park(
    t: &Transaction<'_>,
    lease: &Lease,
    draft: &str,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let held = t
        .prepare_cached(
            "UPDATE job SET state = 'queued', available_ms = ?3, attempts = attempts - 1, token = NULL,
                owner = NULL, lease_until_ms = NULL, reason = ?4
             WHERE segment_id = ?1 AND token = ?2",
        )?
        .execute(params![lease.segment.id, lease.token, PARKED_UNTIL, PARKED])?;
    if held == 1 {
        t.prepare_cached("INSERT OR REPLACE INTO submission VALUES (?1, ?2, ?3)")?.execute(params![
            lease.segment.id,
            now.timestamp_millis(),
            draft
        ])?;
    }
    Ok(())
}

/// Leases the oldest segment that waited for answers and has them all, and returns what was seen of it.
pub(crate) fn lease_answered(
    t: &Transaction<'_>,
    taking: &Taking<'_>,
) -> rusqlite::Result<Option<(Lease, String)>> {
    let found: Option<(SegmentId, String)> = t
        .prepare_cached(
            "SELECT w.segment_id, w.draft FROM submission w
             JOIN job j ON j.segment_id = w.segment_id JOIN segment s ON s.id = w.segment_id
             WHERE j.state = 'queued' AND j.scope = ?1 AND j.available_ms >= ?2
               AND s.state NOT IN ('missing', 'archived', 'deleted') AND s.intent IS NULL
               AND NOT EXISTS (SELECT 1 FROM awaited a JOIN question q ON q.key = a.key
                               WHERE a.segment_id = w.segment_id AND q.state <> 'refused')
             ORDER BY j.start_ms, j.segment_id LIMIT 1",
        )?
        .query_row(params![taking.scope, PARKED_UNTIL], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, draft)) = found else { return Ok(None) };
    let token = format!("{:016x}", fastrand::u64(..));
    let attempt: u32 = t
        .prepare_cached(
            "UPDATE job SET state = 'leased', attempts = attempts + 1, token = ?2, lease_until_ms = ?3, owner = ?4
             WHERE segment_id = ?1 RETURNING attempts",
        )?
        .query_row(params![id, token, taking.until.timestamp_millis(), taking.owner], |row| row.get(0))?;
    let segment = by_id(t, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(Some((Lease { segment, attempt, until: taking.until, token }, draft)))
}

impl Catalog {
    /// Counts the segments that wait for answers, and tells since when the first of them does.
    pub(super) fn submissions(&self) -> Result<(u64, Option<DateTime<Utc>>), CatalogError> {
        self.read("count what waits for answers", |c| {
            c.query_row("SELECT count(*), min(since_ms) FROM submission", [], |row| {
                Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(time)))
            })
        })
    }
}

/// Forgets what a segment waited for: it is finished, or begun anew.
pub(crate) fn forget(t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM submission WHERE segment_id = ?1")?.execute([id])?;
    t.prepare_cached(
        "DELETE FROM question WHERE state = 'refused' AND key IN (SELECT key FROM awaited WHERE segment_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM awaited a WHERE a.key = question.key AND a.segment_id <> ?1)",
    )?
    .execute([id])?;
    t.prepare_cached("DELETE FROM awaited WHERE segment_id = ?1")?.execute([id])?;
    Ok(())
}

/// Lets a segment be leased again though not all of its answers are there.
pub(super) fn release(t: &Transaction<'_>, id: SegmentId, now: DateTime<Utc>) -> rusqlite::Result<()> {
    forget(t, id)?;
    t.prepare_cached(
        "UPDATE job SET available_ms = ?2, reason = NULL
         WHERE segment_id = ?1 AND state = 'queued' AND available_ms >= ?3",
    )?
    .execute(params![id, now.timestamp_millis(), PARKED_UNTIL])?;
    Ok(())
}
