//! The queue embedded in the catalogue: a table.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::batch::Taking;
use crate::segment::time;
use crate::segments::{self, by_id};
use crate::{
    Blame, Catalog, CatalogError, DeadLetter, Finished, GiveBack, Lease, Queue, QueueStats, Results,
    SegmentId, batch, store,
};

const CRASHED: &str = "the worker died while it looked at this segment";

/// A queue over the catalogue's `job` table.
#[derive(Clone, Debug)]
pub struct SqliteQueue {
    catalog: Catalog,
    max_attempts: u32,
    /// Empty for the root's backlog; a run over named files sees only its own.
    scope: String,
}

/// The oldest of what waits and of what somebody let go of. Two queries, since each walks the index in order and
/// stops at its first row; one with an OR would sort the whole backlog for every lease.
const LEASE: &str = "
    UPDATE job SET state = 'leased', attempts = attempts + 1, token = ?3, lease_until_ms = ?4, owner = ?5
    WHERE segment_id = (
        SELECT segment_id FROM (
            SELECT * FROM (
                SELECT j.segment_id, j.start_ms FROM job j CROSS JOIN segment s ON s.id = j.segment_id
                WHERE j.state = 'queued' AND j.scope = ?1 AND j.available_ms <= ?2
                  AND s.state NOT IN ('missing', 'archived', 'deleted') AND s.intent IS NULL
                ORDER BY j.start_ms, j.segment_id LIMIT 1)
            UNION ALL SELECT * FROM (
                SELECT j.segment_id, j.start_ms FROM job j CROSS JOIN segment s ON s.id = j.segment_id
                WHERE j.state = 'leased' AND j.scope = ?1 AND j.lease_until_ms <= ?2
                  AND s.state NOT IN ('missing', 'archived', 'deleted') AND s.intent IS NULL
                ORDER BY j.start_ms, j.segment_id LIMIT 1))
        ORDER BY start_ms, segment_id LIMIT 1)
    RETURNING segment_id, attempts";

/// To whom and until when leases are given.
struct Grant<'a> {
    owner: &'a str,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl SqliteQueue {
    pub fn new(catalog: Catalog, max_attempts: u32) -> Self {
        Self { catalog, max_attempts, scope: String::new() }
    }

    /// Narrows the queue to the segments that are offered through it.
    pub fn scoped(self) -> Self {
        Self { scope: format!("{:016x}", fastrand::u64(..)), ..self }
    }

    /// Ends the leases of processes that died, so that nobody waits for them to run out.
    fn release_dead(&self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let owners: Vec<String> = self.catalog.read("list lease holders", |c| {
            let mut statement = c.prepare_cached(
                "SELECT DISTINCT owner FROM job
                 WHERE state = 'leased' AND lease_until_ms > ?1 AND owner IS NOT NULL",
            )?;
            statement.query_map([now.timestamp_millis()], |row| row.get(0))?.collect()
        })?;
        let dead: Vec<String> = owners.into_iter().filter(|o| self.catalog.alive().is_dead(o)).collect();
        if dead.is_empty() {
            return Ok(());
        }
        self.catalog.write("end the leases of a dead process", |t| {
            let mut end =
                t.prepare("UPDATE job SET lease_until_ms = ?1 WHERE state = 'leased' AND owner = ?2")?;
            dead.iter().try_for_each(|owner| end.execute(params![now.timestamp_millis(), owner]).map(|_| ()))
        })
    }

    /// What has used up its attempts, the last by a crash, is dead.
    fn bury_crashed(&self, t: &Transaction<'_>, now: DateTime<Utc>) -> rusqlite::Result<()> {
        t.prepare_cached(
            "UPDATE job SET state = 'dead', token = NULL, owner = NULL, lease_until_ms = NULL,
                reason = ?3 || ifnull('; before that: ' || reason, '')
             WHERE state = 'leased' AND lease_until_ms <= ?1 AND attempts >= ?2",
        )?
        .execute(params![now.timestamp_millis(), self.max_attempts, CRASHED])?;
        Ok(())
    }

    fn lease_one(&self, t: &Transaction<'_>, grant: &Grant<'_>) -> rusqlite::Result<Option<Lease>> {
        let token = format!("{:016x}", fastrand::u64(..));
        let leased: Option<(SegmentId, u32)> = t
            .prepare_cached(LEASE)?
            .query_row(
                params![
                    self.scope,
                    grant.now.timestamp_millis(),
                    token,
                    grant.until.timestamp_millis(),
                    grant.owner
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((id, attempt)) = leased else { return Ok(None) };
        let segment = by_id(t, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(Some(Lease { segment, attempt, until: grant.until, token }))
    }

    fn bury_in(&self, t: &Transaction<'_>, lease: &Lease, reason: &str) -> rusqlite::Result<()> {
        t.prepare_cached(
            "UPDATE job SET state = 'dead', token = NULL, owner = NULL, lease_until_ms = NULL, reason = ?3
             WHERE segment_id = ?1 AND token = ?2",
        )?
        .execute(params![lease.segment.id, lease.token, reason])?;
        Ok(())
    }
}

impl Queue for SqliteQueue {
    fn offer(&self, segments: &[SegmentId], now: DateTime<Utc>) -> Result<usize, CatalogError> {
        // What a killed run leased under another scope is free to be offered under this one.
        self.release_dead(now)?;
        self.catalog.write("offer segments", |t| {
            let mut offered = 0;
            let mut busy = t.prepare_cached(
                "SELECT 1 FROM job WHERE segment_id = ?1
                 AND ((state = 'queued' AND scope = ?2) OR (state = 'leased' AND lease_until_ms > ?3))",
            )?;
            for id in segments {
                if !busy.exists(params![id, self.scope, now.timestamp_millis()])? {
                    offered += usize::from(segments::queue(t, *id, &self.scope, now)?);
                }
            }
            Ok(offered)
        })
    }

    fn lease(&self, count: usize, ttl: Duration, now: DateTime<Utc>) -> Result<Vec<Lease>, CatalogError> {
        let grant = Grant { owner: self.catalog.alive().id()?, until: after(now, ttl), now };
        self.release_dead(now)?;
        self.catalog.write("lease segments", |t| {
            self.bury_crashed(t, now)?;
            let mut leases = Vec::new();
            while leases.len() < count {
                match self.lease_one(t, &grant)? {
                    Some(lease) => leases.push(lease),
                    None => break,
                }
            }
            Ok(leases)
        })
    }

    fn extend(&self, lease: &Lease, ttl: Duration, now: DateTime<Utc>) -> Result<bool, CatalogError> {
        let until = after(now, ttl);
        self.catalog.write("extend a lease", |t| {
            let held = t
                .prepare_cached("UPDATE job SET lease_until_ms = ?3 WHERE segment_id = ?1 AND token = ?2")?
                .execute(params![lease.segment.id, lease.token, until.timestamp_millis()])?;
            Ok(held == 1)
        })
    }

    fn finish(&self, lease: &Lease, results: &Results, now: DateTime<Utc>) -> Result<Finished, CatalogError> {
        let id = lease.segment.id;
        self.catalog.write("store results", |t| {
            let held = t
                .prepare_cached(
                    "UPDATE job SET state = 'done', token = NULL, owner = NULL, lease_until_ms = NULL, reason = NULL
                     WHERE segment_id = ?1 AND token = ?2",
                )?
                .execute(params![id, lease.token])?;
            if held == 0 {
                return Ok(Finished::LeaseLost);
            }
            store::insert(t, id, results, now)?;
            batch::forget(t, id)?;
            t.prepare_cached("UPDATE segment SET state = 'processed', reason = NULL WHERE id = ?1")?
                .execute([id])?;
            Ok(Finished::Stored)
        })
    }

    fn give_back(&self, lease: &Lease, back: &GiveBack, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let available = after(now, back.delay);
        let refund = u32::from(back.blame == Blame::Outside);
        self.catalog.write("give a segment back", |t| {
            if back.blame == Blame::Segment && lease.attempt >= self.max_attempts {
                return self.bury_in(t, lease, &back.reason);
            }
            t.prepare_cached(
                "UPDATE job SET state = 'queued', available_ms = ?3, attempts = attempts - ?4, token = NULL,
                    owner = NULL, lease_until_ms = NULL, reason = ?5
                 WHERE segment_id = ?1 AND token = ?2",
            )?
            .execute(params![
                lease.segment.id,
                lease.token,
                available.timestamp_millis(),
                refund,
                back.reason
            ])?;
            Ok(())
        })
    }

    fn park(&self, lease: &Lease, draft: &str, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.catalog.write("park a segment", |t| batch::park(t, lease, draft, now))
    }

    fn lease_answered(
        &self,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<(Lease, String)>, CatalogError> {
        // Most runs have none: they need not wait for the one writer.
        let none = self.catalog.read("look for submissions", |c| {
            Ok(!c.prepare_cached("SELECT 1 FROM submission")?.exists([])?)
        })?;
        if none {
            return Ok(None);
        }
        let taking = Taking { scope: &self.scope, owner: self.catalog.alive().id()?, until: after(now, ttl) };
        self.catalog.write("lease a segment that is answered", |t| batch::lease_answered(t, &taking))
    }

    fn bury(&self, lease: &Lease, reason: &str) -> Result<(), CatalogError> {
        self.catalog.write("bury a segment", |t| self.bury_in(t, lease, reason))
    }

    fn dead(&self) -> Result<Vec<DeadLetter>, CatalogError> {
        self.catalog.read("list dead letters", |c| {
            let mut statement = c.prepare_cached(
                "SELECT segment_id, attempts, ifnull(reason, '') FROM job
                 WHERE state = 'dead' AND scope = ?1 ORDER BY start_ms, segment_id",
            )?;
            let rows = statement
                .query_map([&self.scope], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<Vec<(SegmentId, u32, String)>>>()?;
            let letter = |(id, attempts, reason)| {
                let segment = by_id(c, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                Ok(DeadLetter { segment, attempts, reason })
            };
            rows.into_iter().map(letter).collect()
        })
    }

    fn stats(&self, now: DateTime<Utc>) -> Result<QueueStats, CatalogError> {
        self.catalog.read("count the queue", |c| {
            // What is gone, or on its way, waits for nobody.
            c.prepare_cached(
                "SELECT count(*) FILTER (WHERE j.state = 'queued' AND available_ms <= ?2),
                        count(*) FILTER (WHERE j.state = 'queued' AND available_ms > ?2),
                        count(*) FILTER (WHERE j.state = 'leased'),
                        count(*) FILTER (WHERE j.state = 'dead'),
                        min(CASE j.state WHEN 'queued' THEN available_ms WHEN 'leased' THEN lease_until_ms END)
                 FROM job j JOIN segment s ON s.id = j.segment_id
                 WHERE j.scope = ?1 AND j.state IN ('queued', 'leased', 'dead')
                   AND (j.state = 'dead' OR s.state NOT IN ('missing', 'archived', 'deleted') AND s.intent IS NULL)",
            )?
            .query_row(params![self.scope, now.timestamp_millis()], |row| {
                Ok(QueueStats {
                    queued: row.get(0)?,
                    delayed: row.get(1)?,
                    leased: row.get(2)?,
                    dead: row.get(3)?,
                    next_available: row.get::<_, Option<i64>>(4)?.map(time),
                })
            })
        })
    }
}

impl Catalog {
    /// Forgets a dead letter for good: its file stays where it is, and counts as failed.
    pub fn drop_job(&self, id: SegmentId) -> Result<(), CatalogError> {
        self.write("drop a dead letter", |t| {
            t.execute(
                "UPDATE segment SET state = 'failed', reason = (SELECT reason FROM job WHERE segment_id = ?1)
                 WHERE id = ?1 AND state = 'ready'
                   AND EXISTS (SELECT 1 FROM job WHERE segment_id = ?1 AND state = 'dead')",
                [id],
            )?;
            t.execute("DELETE FROM job WHERE segment_id = ?1 AND state = 'dead'", [id])
        })?;
        Ok(())
    }
}

/// Far delays end where times end.
fn after(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(delay).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
