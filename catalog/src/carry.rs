//! Carrying out an intent: the files follow the row, and then the row says so. Every step may have been done
//! before by a process that was killed.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use crate::intent::{Move, mark_move};
use crate::paths::{free_name, sidecar_of};
use crate::segment::{PathText, Word};
use crate::segments::{self, overwritten};
use crate::{CatalogError, FileStat, MediaFolder, Segment, SegmentId, SegmentState, cues, files};

impl MediaFolder {
    pub(crate) fn carry_out_move(&self, segment: &Segment, mut intent: Move) -> Result<(), CatalogError> {
        let from = self.resolve(&segment.path);
        if intent.to != segment.path && !has_arrived(segment, &from, &self.resolve(&intent.to)) {
            if segment.state == SegmentState::Processed && is_another(&from, segment) {
                // Nobody has looked at what lies there now: the next scan takes it up.
                return self
                    .catalog()
                    .write("give up an overwritten segment", |t| overwritten(t, segment.id));
            }
            self.carry_over(segment, &from, &mut intent)?;
        }
        let to = self.resolve(&intent.to);
        if from != to {
            carry_sidecar(&from, &to)?;
        }
        let stat = stat_of(&to).map_err(CatalogError::file("look at", &to))?;
        // When it was renamed, also where that was done by a process that was killed.
        let moved = FileStat::changed(&to).filter(|_| from != to);
        self.catalog().write("note a move", |t| match &stat {
            Some(stat) => note_arrival(t, segment, &intent, (stat, moved)),
            None => note_loss(t, segment),
        })
    }

    /// Renames the file, under another name where somebody took the one that was chosen.
    fn carry_over(&self, segment: &Segment, from: &Path, intent: &mut Move) -> Result<(), CatalogError> {
        loop {
            let to = self.resolve(&intent.to);
            if let Some(folder) = to.parent() {
                files::create_folder(folder)?;
            }
            match move_file(from, &to) {
                Err(CatalogError::NameTaken { .. }) => {}
                // Whoever removed it by hand while it was moved.
                Err(CatalogError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    return Ok(());
                }
                moved => return moved,
            }
            intent.to = free_name(&intent.to, |p| self.is_taken(p))?;
            // A kill must find the name that is used.
            self.catalog().write("mark a segment for a move", |t| mark_move(t, segment.id, intent))?;
        }
    }

    pub(crate) fn carry_out_deletion(&self, segment: &Segment) -> Result<(), CatalogError> {
        let file = self.resolve(&segment.path);
        let found = stat_of(&file).map_err(CatalogError::file("look at", &file))?;
        // A name that was used again in the meantime is another segment's, sidecar and all.
        if found.map_or_else(|| is_gone(&file), |found| is_content_of(&found, segment)) {
            files::remove(&file)?;
            files::remove(&sidecar_of(&file))?;
            if cues::are_ours(&file) {
                files::remove(&cues::cues_of(&file))?;
            }
        }
        if let Some(folder) = file.parent().filter(|f| f.exists()) {
            files::sync_folder(folder)?;
        }
        self.catalog().write("note a deletion", |t| {
            t.execute(
                "UPDATE segment SET state = CASE WHEN archived_ms IS NULL THEN 'deleted' ELSE 'archived' END,
                    intent = NULL WHERE id = ?1",
                [segment.id],
            )?;
            crate::batch::forget(t, segment.id)?;
            t.execute("DELETE FROM job WHERE segment_id = ?1", [segment.id])
        })?;
        Ok(())
    }

    /// Brings the sidecar of a file that was renamed by hand after it.
    pub(crate) fn bring_sidecar(&self, from: &Path, to: &Path) -> Result<(), CatalogError> {
        let _turn = self.turn()?;
        let (from, to) = (self.resolve(from), self.resolve(to));
        // A name that was used again has a sidecar of its own.
        match is_gone(&from) {
            true => carry_sidecar(&from, &to),
            false => Ok(()),
        }
    }

    /// Writes the sidecar of a processed segment again, where it is gone, from the rows.
    pub(crate) fn restore_sidecar(&self, id: SegmentId) -> Result<(), CatalogError> {
        let (_turn, segment) = self.turn_for(id)?;
        let file = self.resolve(&segment.path);
        let bare = segment.state == SegmentState::Processed && file.exists() && is_gone(&sidecar_of(&file));
        let Some(profile) = self.catalog().latest_profile(id)?.filter(|_| bare) else { return Ok(()) };
        match self.catalog().results(id, &profile)? {
            Some(results) => {
                cues::write(&file, &results)?;
                files::write_atomically(&sidecar_of(&file), &results.to_json()?)
            }
            None => Ok(()),
        }
    }
}

fn note_arrival(
    t: &Transaction<'_>,
    segment: &Segment,
    intent: &Move,
    (stat, moved): (&FileStat, Option<DateTime<Utc>>),
) -> rusqlite::Result<()> {
    let state = intent.change.as_ref().map(|change| change.state);
    t.execute(
        "UPDATE segment SET path = ?2, state = ifnull(?3, state), intent = NULL, intent_path = NULL,
            intent_state = NULL, moved_ms = ifnull(?4, moved_ms) WHERE id = ?1",
        params![
            segment.id,
            PathText(intent.to.clone()),
            state.map(Word),
            moved.map(|at| at.timestamp_millis())
        ],
    )?;
    segments::set_stat(t, segment.id, stat)?;
    let waits = t
        .prepare_cached("SELECT 1 FROM job WHERE segment_id = ?1 AND state IN ('queued', 'leased')")?
        .exists([segment.id])?;
    if state == Some(SegmentState::Ready) && !waits {
        segments::queue(t, segment.id, "", DateTime::UNIX_EPOCH)?;
    }
    Ok(())
}

fn note_loss(t: &Transaction<'_>, segment: &Segment) -> rusqlite::Result<()> {
    t.execute(
        "UPDATE segment SET state = CASE WHEN archived_ms IS NULL THEN 'missing' ELSE 'archived' END,
            reason = 'the file is gone', intent = NULL, intent_path = NULL, intent_state = NULL WHERE id = ?1",
        [segment.id],
    )?;
    Ok(())
}

/// A segment's sidecar and cues follow it.
fn carry_sidecar(from: &Path, to: &Path) -> Result<(), CatalogError> {
    if cues::are_ours(from) {
        carry_along(&cues::cues_of(from), &cues::cues_of(to))?;
    }
    carry_along(&sidecar_of(from), &sidecar_of(to))
}

/// Where somebody put another beside it already, both stay.
fn carry_along(from: &Path, to: &Path) -> Result<(), CatalogError> {
    if !from.exists() {
        return Ok(());
    }
    match move_file(from, to) {
        Err(CatalogError::NameTaken { path }) => {
            tracing::warn!(path = %path.display(), "a sidecar was there already, the moved one stays behind");
            Ok(())
        }
        moved => moved,
    }
}

/// Renames, or ends a rename that was cut short between its hard link and its unlink.
fn move_file(from: &Path, to: &Path) -> Result<(), CatalogError> {
    if !is_linked_twice(from, to) {
        return files::rename(from, to);
    }
    files::remove(from)?;
    files::sync_folder(from.parent().unwrap_or(Path::new("")))
}

fn is_linked_twice(one: &Path, other: &Path) -> bool {
    let identity =
        |path: &Path| path.symlink_metadata().ok().filter(|m| m.nlink() > 1).map(|m| (m.dev(), m.ino()));
    identity(one).is_some_and(|found| identity(other) == Some(found))
}

/// Tells whether an earlier try brought the file over: then it leaves alone what has taken the old name since.
fn has_arrived(segment: &Segment, from: &Path, to: &Path) -> bool {
    looks_like(to, segment) && !looks_like(from, segment)
}

/// The file itself, or a copy of it (a backup that was put back has other inodes).
fn looks_like(path: &Path, segment: &Segment) -> bool {
    let known = &segment.stat;
    matches!(stat_of(path), Ok(Some(found)) if found.inode == known.inode || found.same_content(known))
}

/// Tells whether a file lies there that is not what the row knows.
fn is_another(path: &Path, segment: &Segment) -> bool {
    matches!(stat_of(path), Ok(Some(found)) if !is_content_of(&found, segment))
}

/// An inode alone is no proof, since file systems use the number of an unlinked file again.
fn is_content_of(found: &FileStat, segment: &Segment) -> bool {
    let known = &segment.stat;
    found.size == known.size && (found.inode == known.inode || found.mtime_ns == known.mtime_ns)
}

pub(crate) fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound)
}

/// Looks at a file. Nothing there, or something that is no file, is `None`.
pub(crate) fn stat_of(path: &Path) -> io::Result<Option<FileStat>> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(metadata.is_file().then(|| FileStat::of(&metadata))),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}
