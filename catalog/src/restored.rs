//! Taking footage back in that came out of the archive: the file first, under a hidden name, then by the steps of
//! every move.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::params;

use crate::carry::stat_of;
use crate::intent::{Change, Intent, Move};
use crate::paths::{free_name, in_folder};
use crate::segment::{PathText, Word};
use crate::{CatalogError, MediaFolder, SegmentId, SegmentState, files};

impl MediaFolder {
    /// Returns where the file of an archived segment is to be written before it is taken back. The name is always
    /// the same, so that what a kill leaves there is overwritten by the next try, and it is hidden from every scan.
    pub fn restoring_path(&self, id: SegmentId) -> Result<PathBuf, CatalogError> {
        let staged = self.resolve(&staged_of(&self.catalog().segment(id)?.path));
        if let Some(folder) = staged.parent() {
            files::create_folder(folder)?;
        }
        Ok(staged)
    }

    /// Takes back a segment whose file was written, whole and synced, to its [`restoring_path`](Self::restoring_path):
    /// into `processed/`, with its sidecar. One that is not in the archive alone is left as it is, and is `None`.
    pub fn take_back(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Option<PathBuf>, CatalogError> {
        let (turn, segment) = self.turn_for(id)?;
        let staged = staged_of(&segment.path);
        let absolute = self.resolve(&staged);
        let stat = stat_of(&absolute).map_err(CatalogError::file("look at", &absolute))?;
        let (SegmentState::Archived, Some(stat)) = (segment.state, stat) else { return Ok(None) };
        let wanted = in_folder(&segment.path, Some(crate::PROCESSED));
        let to = free_name(&wanted, |p| self.is_taken(p))?;
        self.catalog().write("note a return from the archive", |t| {
            t.execute(
                "UPDATE segment SET path = ?2, size = ?3, mtime_ns = ?4, inode = ?5, restored_ms = ?6,
                    reason = NULL, intent = 'move', intent_path = ?7, intent_state = ?8 WHERE id = ?1",
                params![
                    id,
                    PathText(staged.clone()),
                    stat.size,
                    stat.mtime_ns,
                    stat.inode as i64,
                    now.timestamp_millis(),
                    PathText(to.clone()),
                    Word(SegmentState::Processed)
                ],
            )?;
            t.execute("DELETE FROM deletion WHERE segment_id = ?1", [id])
        })?;
        let change = Change { state: SegmentState::Processed, reason: None };
        let begun = self.catalog().segment(id)?;
        self.carry_out(&begun, Intent::Move(Move { to, change: Some(change) }))?;
        drop(turn);
        self.restore_sidecar(id)?;
        Ok(Some(self.catalog().segment(id)?.path))
    }
}

/// Hidden, in the folder it will lie in.
fn staged_of(path: &Path) -> PathBuf {
    let wanted = in_folder(path, Some(crate::PROCESSED));
    let mut name = std::ffi::OsString::from(".");
    name.push(wanted.file_name().unwrap_or_default());
    name.push(".restoring");
    wanted.with_file_name(name)
}
