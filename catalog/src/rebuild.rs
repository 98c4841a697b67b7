//! Rebuilding: a fresh catalogue from the media folder, beside the former one, which it replaces when it is whole.
//!
//! Files and sidecars tell of what is there. What they cannot tell (the ledger, paid answers, gaps, what was seen in
//! footage that is gone) comes from the former catalogue, as far as that can still be read.

use std::fs::TryLockError;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use config::Settings;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use crate::adopt::{Adopted, Orphan, Trust};
use crate::former::{self, Former};
use crate::lock::{MediaLock, OpeningLock};
use crate::segment::PathText;
use crate::walk::{Found, Reach, Walk};
use crate::{Catalog, CatalogError, MediaRoot, SegmentId, files, segments};

/// Below the state directory.
const FOLDER: &str = "rebuilding";

/// Files per transaction.
const BATCH: usize = 500;

/// What a rebuilding found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rebuilt {
    /// Files with results in their sidecars.
    pub processed: u64,
    pub queued: u64,
    pub failed: u64,
    /// Tables of the former catalogue that could not be read: what they held is lost to the new one.
    pub lost: Vec<String>,
    /// What could not be read or taken in the media folder, in words.
    pub troubles: Vec<String>,
    /// Where the former catalogue lies now; absent where there was none.
    pub former: Option<PathBuf>,
}

/// Makes the catalogue of `settings` anew. Refuses while another nightreel works with it. Killed at any step, it leaves
/// either the former catalogue or the whole new one in its place.
pub fn rebuild(settings: &Settings, now: DateTime<Utc>) -> Result<Rebuilt, CatalogError> {
    let state_dir = &settings.storage.state_dir;
    files::create_folder(state_dir)?;
    let current = state_dir.join(crate::catalog::FILE_NAME);
    // Brings its tables to today's, where it can be read.
    let readable = current.exists() && Catalog::open(state_dir).is_ok();
    let _opening = OpeningLock::take(state_dir)?;
    let _moving = MediaLock::take(state_dir)?;
    refuse_while_in_use(state_dir)?;
    let folder = state_dir.join(FOLDER);
    clear(&folder)?;
    let mut rebuilt = Rebuilt::default();
    fill(&folder, settings, (readable.then_some(current.as_path()), now), &mut rebuilt)?;
    if readable {
        former::close(&current)?;
    }
    let kept = former::place(state_dir, now);
    if current.exists() {
        for suffix in ["-wal", "-shm"] {
            files::set_aside(&suffixed(&current, suffix), &suffixed(&kept, suffix))?;
        }
        rebuilt.former = Some(kept.clone());
    }
    files::replace_keeping(&current, &folder.join(crate::catalog::FILE_NAME), &kept)?;
    clear(&folder)?;
    if !readable {
        // Pictures are named by rows that are others now.
        Catalog::open_locked(state_dir)?.thumbnails().tidy(0)?;
    }
    Ok(rebuilt)
}

fn fill(
    folder: &Path,
    settings: &Settings,
    (former, now): (Option<&Path>, DateTime<Utc>),
    rebuilt: &mut Rebuilt,
) -> Result<(), CatalogError> {
    let catalog = Catalog::open(folder)?;
    let root = MediaRoot::open(&catalog, &settings.storage.root)?;
    let former = former.map(|path| Former::attach(&catalog, path)).transpose()?;
    let walk = Walk::new(&root, settings);
    let mut found = Vec::new();
    for reach in [Reach::Incoming, Reach::SetAside] {
        walk.each(reach, |file| match file {
            Ok(file) => found.push(file),
            Err(trouble) => rebuilt.troubles.push(trouble),
        });
    }
    for batch in found.chunks(BATCH) {
        let look =
            |file: &Found| Orphan::look(root.path(), file, (settings.storage.name_timezone, Trust::ByTime));
        let orphans: Vec<Orphan> = batch.iter().map(look).collect();
        catalog.write("rebuild from files", |t| {
            orphans.iter().try_for_each(|orphan| rebuilt.count(take(t, orphan, (former.as_ref(), now))?))
        })?;
    }
    if let Some(former) = former {
        rebuilt.lost = former.carry_over(&catalog)?;
    }
    catalog.catch_up_events()?;
    root.check()?;
    catalog.settle_down()
}

impl Rebuilt {
    fn count(&mut self, adopted: Option<Adopted>) -> rusqlite::Result<()> {
        match adopted {
            Some(Adopted::Processed) => self.processed += 1,
            Some(Adopted::Queued) => self.queued += 1,
            Some(Adopted::Failed) => self.failed += 1,
            None => {}
        }
        Ok(())
    }
}

/// Writes the rows of a file. One that the former catalogue knew keeps its id, what was found out of its start, and why
/// it failed.
fn take(
    t: &Transaction<'_>,
    orphan: &Orphan,
    (former, now): (Option<&Former>, DateTime<Utc>),
) -> rusqlite::Result<Option<Adopted>> {
    let Some(id) = segments::insert(t, &orphan.new, "", now)? else { return Ok(None) };
    let Some(former) = former else { return orphan.settle(t, id).map(Some) };
    let known = known_before(t, orphan)?;
    let new_id = known.as_ref().map_or_else(|| former.fresh_id(), |known| known.id);
    t.execute("DELETE FROM job WHERE segment_id = ?1", [id])?;
    t.execute("UPDATE segment SET id = ?2 WHERE id = ?1", params![id, new_id])?;
    if let Some(known) = &known {
        t.prepare_cached(
            "UPDATE segment SET start_ms = ?2, start_source = ?3, duration_ms = ?4, added_ms = ?5,
                (archived_ms, restored_ms, moved_ms) =
                    (SELECT archived_ms, restored_ms, moved_ms FROM former.segment WHERE former.segment.id = ?1)
             WHERE id = ?1",
        )?
        .execute(params![
            new_id,
            known.start_ms,
            known.start_source,
            known.duration_ms,
            known.added_ms
        ])?;
    }
    segments::queue(t, new_id, "", DateTime::UNIX_EPOCH)?;
    let adopted = orphan.settle(t, new_id)?;
    if let Some(reason) = known.and_then(|known| known.reason).filter(|_| adopted == Adopted::Failed) {
        t.execute("UPDATE segment SET reason = ?2 WHERE id = ?1", params![new_id, reason])?;
        t.execute("UPDATE job SET reason = ?2 WHERE segment_id = ?1", params![new_id, reason])?;
    }
    Ok(Some(adopted))
}

/// What the former catalogue knew of a file.
struct Known {
    id: SegmentId,
    start_ms: i64,
    start_source: String,
    duration_ms: Option<i64>,
    added_ms: i64,
    reason: Option<String>,
}

fn known_before(c: &Connection, orphan: &Orphan) -> rusqlite::Result<Option<Known>> {
    let new = &orphan.new;
    c.prepare_cached(
        "SELECT id, start_ms, start_source, duration_ms, added_ms, reason FROM former.segment
         WHERE path = ?1 AND size = ?2 AND mtime_ns = ?3 AND state NOT IN ('archived', 'deleted')",
    )?
    .query_row(params![PathText(new.path.clone()), new.stat.size, new.stat.mtime_ns], |row| {
        Ok(Known {
            id: row.get(0)?,
            start_ms: row.get(1)?,
            start_source: row.get(2)?,
            duration_ms: row.get(3)?,
            added_ms: row.get(4)?,
            reason: row.get(5)?,
        })
    })
    .optional()
}

/// Every process that records, leases or pays holds a lock.
fn refuse_while_in_use(state_dir: &Path) -> Result<(), CatalogError> {
    let folder = state_dir.join("locks");
    let entries = std::fs::read_dir(&folder).map_err(CatalogError::file("look into", &folder))?;
    for entry in entries.flatten() {
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let Some(file) = std::fs::File::open(entry.path()).ok().filter(|_| !hidden) else { continue };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Err(CatalogError::InUse { path: state_dir.into() });
        }
    }
    Ok(())
}

fn clear(folder: &Path) -> Result<(), CatalogError> {
    let file = folder.join(crate::catalog::FILE_NAME);
    ["", "-wal", "-shm"].iter().try_for_each(|suffix| files::remove(&suffixed(&file, suffix)))
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    crate::paths::with_suffix(path, suffix)
}
