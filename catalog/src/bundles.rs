//! Bundles in rows: noted before they are sent, as stored when they were seen, and looked up to be brought back.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::bundle::BUNDLE_COLUMNS;
use crate::lock::ArchiveLock;
use crate::segment::{COLUMNS, Word};
use crate::{
    Archived, Bundle, BundleId, Catalog, CatalogError, HeldBundles, Member, NewBundle, Segment, SegmentId,
    Span,
};

/// No segment is longer: what began so long before a time cannot reach into it.
const LONGEST: TimeDelta = TimeDelta::days(1);

const MEMBER_COLUMNS: &str = "name, segment_id, kind, offset, length, sha256, plain_length, plain_sha256";

/// Why what was in the archive alone is deleted.
const LEFT: &str = "older than archive.max_age_days, and nowhere but in the archive";

impl Catalog {
    /// Notes what is about to be sent, so that a kill leaves a trace of it. The same bytes are the same bundle.
    pub fn begin_bundle(&self, new: &NewBundle, now: DateTime<Utc>) -> Result<BundleId, CatalogError> {
        self.write("note a bundle", |t| {
            let id = t
                .prepare_cached(
                    "INSERT INTO bundle (store, key, camera, hour_ms, sha256, size, class, recipients, state, begun_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'sending', ?9)
                     ON CONFLICT (store, key) DO UPDATE SET begun_ms = excluded.begun_ms
                     RETURNING id",
                )?
                .query_row(
                    params![
                        new.store,
                        new.key,
                        new.camera,
                        new.hour.timestamp_millis(),
                        new.sha256,
                        new.size,
                        new.class,
                        new.recipients_text(),
                        now.timestamp_millis()
                    ],
                    |row| row.get(0),
                )?;
            new.members.iter().try_for_each(|member| insert_member(t, id, member))?;
            Ok(id)
        })
    }

    /// Notes that the store was seen to hold it whole: from now on local copies may go. What went meanwhile by
    /// other rules is in the archive after all.
    pub fn finish_bundle(&self, id: BundleId, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note a stored bundle", |t| {
            t.execute(
                "UPDATE bundle SET state = 'stored', stored_ms = ifnull(stored_ms, ?2) WHERE id = ?1",
                params![id, now.timestamp_millis()],
            )?;
            t.execute(
                "UPDATE segment SET archived_ms = ifnull(archived_ms, ?2),
                    state = CASE WHEN state IN ('deleted', 'missing') THEN 'archived' ELSE state END
                 WHERE id IN (SELECT segment_id FROM bundle_member WHERE bundle_id = ?1)",
                params![id, now.timestamp_millis()],
            )
        })?;
        Ok(())
    }

    /// Lists the bundles of a store whose hour ended before then and that may be deleted there: no segment of theirs
    /// has a local copy, which would only be sent anew. Those whose deletion was cut short come with them.
    pub fn expired_bundles(&self, store: &str, before: DateTime<Utc>) -> Result<Vec<Bundle>, CatalogError> {
        self.read("list expired bundles", |c| {
            c.prepare_cached(&format!(
                "SELECT {BUNDLE_COLUMNS} FROM bundle b
                 WHERE b.store = ?1 AND (b.state = 'leaving' OR b.state = 'stored' AND b.hour_ms < ?2
                    AND NOT EXISTS (SELECT 1 FROM bundle_member m JOIN segment s ON s.id = m.segment_id
                                    WHERE m.bundle_id = b.id AND s.state <> 'archived'))
                 ORDER BY b.hour_ms, b.id"
            ))?
            .query_map(params![store, (before - TimeDelta::hours(1)).timestamp_millis()], Bundle::from_row)?
            .collect()
        })
    }

    /// Notes that a bundle is about to be deleted in the store: what no other holds is deleted with it.
    pub fn begin_leaving(&self, id: BundleId, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note that a bundle leaves", |t| {
            t.execute("UPDATE bundle SET state = 'leaving' WHERE id = ?1 AND state = 'stored'", [id])?;
            t.execute(
                "INSERT OR REPLACE INTO deletion SELECT id, ?2, ?3 FROM segment
                 WHERE state = 'archived' AND id IN (SELECT segment_id FROM bundle_member WHERE bundle_id = ?1)
                   AND NOT EXISTS (SELECT 1 FROM bundle_member m JOIN bundle b ON b.id = m.bundle_id
                                   WHERE m.segment_id = segment.id AND b.state = 'stored')",
                params![id, now.timestamp_millis(), LEFT],
            )?;
            t.execute(
                "UPDATE segment SET archived_ms = NULL, state = 'deleted'
                 WHERE state = 'archived' AND id IN (SELECT segment_id FROM bundle_member WHERE bundle_id = ?1)
                   AND NOT EXISTS (SELECT 1 FROM bundle_member m JOIN bundle b ON b.id = m.bundle_id
                                   WHERE m.segment_id = segment.id AND b.state = 'stored')",
                [id],
            )
        })?;
        Ok(())
    }

    /// Forgets a bundle that never reached the store, or that was deleted there.
    pub fn forget_bundle(&self, id: BundleId) -> Result<(), CatalogError> {
        self.write("forget a bundle", |t| {
            let is_gone =
                t.prepare_cached("SELECT 1 FROM bundle WHERE id = ?1 AND state <> 'stored'")?.exists([id])?;
            if is_gone {
                t.execute("DELETE FROM bundle_member WHERE bundle_id = ?1", [id])?;
                t.execute("DELETE FROM bundle WHERE id = ?1", [id])?;
            }
            Ok(())
        })
    }

    pub fn bundle(&self, id: BundleId) -> Result<Option<Bundle>, CatalogError> {
        self.read("look up a bundle", |c| {
            c.prepare_cached(&format!("SELECT {BUNDLE_COLUMNS} FROM bundle b WHERE b.id = ?1"))?
                .query_row([id], Bundle::from_row)
                .optional()
        })
    }

    /// Lists bundles whose hour begins in `span`, oldest first: of one camera, or of all.
    pub fn bundles(&self, camera: Option<&str>, span: Span) -> Result<Vec<Bundle>, CatalogError> {
        self.read("list bundles", |c| {
            c.prepare_cached(&format!(
                "SELECT {BUNDLE_COLUMNS} FROM bundle b
                 WHERE (?1 IS NULL OR b.camera = ?1) AND b.hour_ms >= ?2 AND b.hour_ms < ?3
                 ORDER BY b.hour_ms, b.camera, b.id"
            ))?
            .query_map(
                params![camera, span.from.timestamp_millis(), span.to.timestamp_millis()],
                Bundle::from_row,
            )?
            .collect()
        })
    }

    /// Lists what was begun and not seen to be stored.
    pub fn unfinished_bundles(&self) -> Result<Vec<Bundle>, CatalogError> {
        self.read("list unfinished bundles", |c| {
            c.prepare_cached(&format!(
                "SELECT {BUNDLE_COLUMNS} FROM bundle b WHERE b.state = 'sending' ORDER BY b.id"
            ))?
            .query_map([], Bundle::from_row)?
            .collect()
        })
    }

    /// Returns what this store was last seen to hold.
    pub fn newest_stored_bundle(&self, store: &str) -> Result<Option<Bundle>, CatalogError> {
        self.read("look up the newest bundle", |c| {
            c.prepare_cached(&format!(
                "SELECT {BUNDLE_COLUMNS} FROM bundle b WHERE b.store = ?1 AND b.state = 'stored'
                 ORDER BY b.id DESC LIMIT 1"
            ))?
            .query_row([store], Bundle::from_row)
            .optional()
        })
    }

    /// Sums up what the archive holds, by camera and class.
    pub fn held_bundles(&self) -> Result<Vec<HeldBundles>, CatalogError> {
        self.read("sum up the archive", |c| {
            c.prepare_cached(
                "SELECT camera, class, count(*), sum(size) FROM bundle WHERE state = 'stored'
                 GROUP BY camera, class ORDER BY camera, class",
            )?
            .query_map([], |row| {
                let (bundles, bytes) = (row.get(2)?, row.get(3)?);
                Ok(HeldBundles { camera: row.get(0)?, class: row.get(1)?, bundles, bytes })
            })?
            .collect()
        })
    }

    /// Takes the turn to send bundles. Nothing where another process has it.
    pub fn archive_turn(&self) -> Result<Option<ArchiveLock>, CatalogError> {
        ArchiveLock::take(self.state_dir())
    }

    /// Returns the index of a bundle, in the order of its bytes.
    pub fn bundle_members(&self, id: BundleId) -> Result<Vec<Member>, CatalogError> {
        self.read("list what a bundle holds", |c| members(c, id))
    }

    /// Lists the segments of a camera that reach into `span` and that a stored bundle holds, oldest first.
    pub fn archived_within(&self, camera: &str, span: Span) -> Result<Vec<Archived>, CatalogError> {
        self.read("list archived segments", |c| {
            let earliest = (span.from - LONGEST).timestamp_millis();
            // In two bundles, where it was restored and changed: the newest counts.
            let found = c
                .prepare_cached(&format!(
                    "SELECT {COLUMNS},
                        (SELECT max(m.bundle_id) FROM bundle_member m JOIN bundle b ON b.id = m.bundle_id
                         WHERE m.segment_id = segment.id AND b.state = 'stored') AS bundle
                     FROM segment WHERE camera = ?1 AND archived_ms IS NOT NULL AND start_ms >= ?2
                        AND start_ms < ?4 AND start_ms + max(ifnull(duration_ms, 0), 1) > ?3
                        AND bundle IS NOT NULL
                     ORDER BY start_ms, id"
                ))?
                .query_map(
                    params![camera, earliest, span.from.timestamp_millis(), span.to.timestamp_millis()],
                    |row| Ok((Segment::from_row(row)?, row.get::<_, BundleId>(11)?)),
                )?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let with_members = |(segment, bundle): (Segment, BundleId)| {
                let members = members_of(c, bundle, &segment)?;
                Ok(Archived { segment, bundle, members })
            };
            found.into_iter().map(with_members).collect()
        })
    }

    /// Tells whether a stored bundle holds a segment.
    pub fn is_archived(&self, id: SegmentId) -> Result<bool, CatalogError> {
        self.read("look for a segment in the archive", |c| {
            c.prepare_cached("SELECT 1 FROM segment WHERE id = ?1 AND archived_ms IS NOT NULL")?.exists([id])
        })
    }

    /// Tells whether footage of the hour that begins then still waits to be looked at.
    pub fn waits_within(&self, camera: &str, span: Span) -> Result<bool, CatalogError> {
        self.read("look for what waits", |c| {
            c.prepare_cached(
                "SELECT 1 FROM segment
                 WHERE state = 'ready' AND start_ms >= ?2 AND start_ms < ?3 AND camera = ?1",
            )?
            .exists(params![camera, span.from.timestamp_millis(), span.to.timestamp_millis()])
        })
    }

    /// Notes that a bundle was read and compared.
    pub fn note_bundle_read(&self, id: BundleId, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note a look at a bundle", |t| {
            t.execute("UPDATE bundle SET read_ms = ?2 WHERE id = ?1", params![id, now.timestamp_millis()])
        })?;
        Ok(())
    }

    /// Notes since when a bundle is being thawed, and until when it can be read.
    pub fn note_thaw(
        &self,
        id: BundleId,
        asked: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> Result<(), CatalogError> {
        let ms = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp_millis());
        self.write("note a thaw", |t| {
            t.execute(
                "UPDATE bundle SET thaw_asked_ms = ?2, thawed_until_ms = ?3 WHERE id = ?1",
                params![id, ms(asked), ms(until)],
            )
        })?;
        Ok(())
    }
}

pub(crate) fn insert_member(t: &Transaction<'_>, bundle: BundleId, member: &Member) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT OR REPLACE INTO bundle_member
            (bundle_id, name, segment_id, kind, offset, length, sha256, plain_length, plain_sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        bundle,
        member.name,
        member.segment,
        Word(member.kind),
        member.offset,
        member.length,
        member.sha256,
        member.plain.as_ref().map(|plain| plain.length),
        member.plain.as_ref().map(|plain| &plain.sha256)
    ])?;
    Ok(())
}

fn members(c: &Connection, bundle: BundleId) -> rusqlite::Result<Vec<Member>> {
    c.prepare_cached(&format!(
        "SELECT {MEMBER_COLUMNS} FROM bundle_member WHERE bundle_id = ?1 ORDER BY offset"
    ))?
    .query_map([bundle], Member::from_row)?
    .collect()
}

fn members_of(c: &Connection, bundle: BundleId, segment: &Segment) -> rusqlite::Result<Vec<Member>> {
    c.prepare_cached(&format!(
        "SELECT {MEMBER_COLUMNS} FROM bundle_member WHERE bundle_id = ?1 AND segment_id = ?2 ORDER BY offset"
    ))?
    .query_map(params![bundle, segment.id], Member::from_row)?
    .collect()
}

#[cfg(test)]
mod tests;
