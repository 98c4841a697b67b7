//! Adopting a bundle that was found in the store: what its index tells becomes rows, as if it had been sent from here.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::bundles::insert_member;
use crate::paths::in_folder;
use crate::segment::{PathText, Word, millis};
use crate::segments::has_results;
use crate::{
    BundleId, BundleState, Catalog, CatalogError, Member, MemberKind, NewBundle, Plain, Results, SegmentId,
    StartSource, store,
};

/// A bundle as the store and its index tell of it. Its members are those of its segments.
#[derive(Clone, Debug)]
pub struct FoundBundle {
    pub bundle: NewBundle,
    /// When the store got it.
    pub stored: DateTime<Utc>,
    pub segments: Vec<FoundSegment>,
}

/// A segment that a bundle holds, before it has a row.
#[derive(Clone, Debug)]
pub struct FoundSegment {
    /// Where it lay in the media folder.
    pub path: PathBuf,
    pub start: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    /// Of the video.
    pub size: u64,
    pub members: Vec<FoundMember>,
    /// Out of its sidecar, and when that was written.
    pub results: Option<(Results, DateTime<Utc>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMember {
    pub name: String,
    pub kind: MemberKind,
    pub offset: u64,
    pub length: u64,
    pub sha256: String,
    pub plain: Option<Plain>,
}

/// How much a bundle added to the catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdoptedBundle {
    pub segments: u64,
    pub results: u64,
}

impl Catalog {
    /// Tells whether a bundle has its rows, and each of its sidecars was read. One that is being sent or deleted has.
    pub fn knows_bundle(&self, store: &str, key: &str) -> Result<bool, CatalogError> {
        self.read("look for a bundle", |c| {
            c.prepare_cached(
                "SELECT 1 FROM bundle b WHERE b.store = ?1 AND b.key = ?2 AND (b.state <> 'stored' OR NOT EXISTS
                    (SELECT 1 FROM bundle_member m WHERE m.bundle_id = b.id AND m.kind = 'sidecar'
                     AND m.segment_id NOT IN (SELECT segment_id FROM result)))",
            )?
            .exists([store, key])
        })
    }

    /// Writes the rows of a bundle that the store holds, in one transaction: again is as well.
    pub fn adopt_bundle(&self, found: &FoundBundle) -> Result<AdoptedBundle, CatalogError> {
        self.write("adopt a bundle", |t| {
            let Some(id) = row_of(t, found)? else { return Ok(AdoptedBundle::default()) };
            let mut adopted = AdoptedBundle::default();
            for segment in &found.segments {
                let row = segment_of(t, (found, id), segment)?;
                for member in &segment.members {
                    insert_member(t, id, &member.of(row))?;
                }
                adopted.segments += 1;
                if let Some((results, written)) = &segment.results
                    && !has_results(t, row)?
                {
                    store::insert(t, row, results, *written)?;
                    refine(t, row, results)?;
                    adopted.results += 1;
                }
            }
            Ok(adopted)
        })
    }
}

/// Nothing where it is being sent or deleted: whoever does that finishes it.
fn row_of(t: &Transaction<'_>, found: &FoundBundle) -> rusqlite::Result<Option<BundleId>> {
    let new = &found.bundle;
    let stored_ms = found.stored.timestamp_millis();
    t.prepare_cached(
        "INSERT INTO bundle (store, key, camera, hour_ms, sha256, size, class, recipients, state, begun_ms, stored_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'stored', ?9, ?9) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        new.store,
        new.key,
        new.camera,
        new.hour.timestamp_millis(),
        new.sha256,
        new.size,
        new.class,
        new.recipients_text(),
        stored_ms
    ])?;
    t.prepare_cached("SELECT id FROM bundle WHERE store = ?1 AND key = ?2 AND state = ?3")?
        .query_row(params![new.store, new.key, Word(BundleState::Stored)], |row| row.get(0))
        .optional()
}

/// Finds the row of a segment, which may have its file here, or makes it.
fn segment_of(
    t: &Transaction<'_>,
    (found, bundle): (&FoundBundle, BundleId),
    segment: &FoundSegment,
) -> rusqlite::Result<SegmentId> {
    let stored_ms = found.stored.timestamp_millis();
    let known = match member_of(t, bundle, segment)? {
        Some(id) => Some(id),
        None => twin_of(t, segment)?,
    };
    if let Some(id) = known {
        t.prepare_cached(
            "UPDATE segment SET archived_ms = ifnull(archived_ms, ?2),
                state = CASE WHEN state IN ('deleted', 'missing') THEN 'archived' ELSE state END WHERE id = ?1",
        )?
        .execute(params![id, stored_ms])?;
        return Ok(id);
    }
    t.prepare_cached(
        "INSERT INTO segment (path, camera, state, start_ms, start_source, size, mtime_ns, inode, added_ms, archived_ms)
         VALUES (?1, ?2, 'archived', ?3, ?4, ?5, ?6, 0, ?7, ?7)",
    )?
    .execute(params![
        PathText(segment.path.clone()),
        found.bundle.camera,
        segment.start.timestamp_millis(),
        Word(StartSource::Name),
        segment.size,
        segment.modified.timestamp_nanos_opt().unwrap_or_default(),
        stored_ms
    ])?;
    Ok(SegmentId(t.last_insert_rowid()))
}

/// Returns the row that this bundle's member points to already.
fn member_of(
    t: &Transaction<'_>,
    bundle: BundleId,
    segment: &FoundSegment,
) -> rusqlite::Result<Option<SegmentId>> {
    let Some(video) = segment.members.first() else { return Ok(None) };
    t.prepare_cached("SELECT segment_id FROM bundle_member WHERE bundle_id = ?1 AND name = ?2")?
        .query_row(params![bundle, video.name], |row| row.get(0))
        .optional()
}

/// Returns the row of the same footage: it has the same size and start, at its path or where it is moved to.
fn twin_of(t: &Transaction<'_>, segment: &FoundSegment) -> rusqlite::Result<Option<SegmentId>> {
    let places = [None, Some(crate::PROCESSED)].map(|folder| PathText(in_folder(&segment.path, folder)));
    let [incoming, processed] = &places;
    t.prepare_cached(
        "SELECT id FROM segment WHERE path IN (?1, ?2) AND size = ?3
            AND (start_ms = ?4 OR state NOT IN ('archived', 'deleted'))
         ORDER BY state IN ('archived', 'deleted'), id LIMIT 1",
    )?
    .query_row(params![incoming, processed, segment.size, segment.start.timestamp_millis()], |row| row.get(0))
    .optional()
}

/// Takes over what the sidecar knows of the file, where it is not here.
fn refine(t: &Transaction<'_>, id: SegmentId, results: &Results) -> rusqlite::Result<()> {
    let duration = std::time::Duration::try_from_secs_f64(results.segment.duration_s).ok();
    let start: Option<DateTime<Utc>> = results.segment.start.parse().ok();
    t.prepare_cached(
        "UPDATE segment SET start_ms = ifnull(?2, start_ms), start_source = ?3, duration_ms = ifnull(?4, duration_ms)
         WHERE id = ?1 AND state = 'archived'",
    )?
    .execute(params![
        id,
        start.map(|start| start.timestamp_millis()),
        Word(results.segment.start_source),
        duration.map(millis)
    ])?;
    Ok(())
}

impl FoundSegment {
    pub fn sidecar(&self) -> Option<&FoundMember> {
        self.members.iter().find(|member| member.kind == MemberKind::Sidecar)
    }
}

impl FoundMember {
    fn of(&self, segment: SegmentId) -> Member {
        let Self { name, kind, offset, length, sha256, plain } = self.clone();
        Member { name, segment, kind, offset, length, sha256, plain }
    }
}

#[cfg(test)]
mod tests;
