//! The media folder: the one module that moves and deletes footage.
//!
//! Both are done in two phases: the intent is written into the row, the files follow, the row says so. A start
//! carries out what was cut short by the same code, so that a kill at any step loses nothing. All of it happens
//! under one lock per catalogue: an intent that is found without its holder was cut short.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::params;

use crate::intent::{Carried, Intent, Move, Planned, is_idle, mark_deletion, mark_move};
use crate::lock::MediaLock;
use crate::paths::{free_name, in_folder, sidecar_of};
use crate::segment::{PathText, Word, by_id, by_path};
use crate::{Catalog, CatalogError, FileStat, MediaRoot, Segment, SegmentId, SegmentState, files};

#[derive(Clone, Debug)]
pub struct MediaFolder {
    catalog: Catalog,
    /// Absent where files were named on the command line: their paths are absolute.
    root: Option<MediaRoot>,
}

impl MediaFolder {
    pub fn new(catalog: Catalog, root: Option<MediaRoot>) -> Self {
        Self { catalog, root }
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns where the segment's file lies now.
    pub fn absolute(&self, segment: &Segment) -> PathBuf {
        self.resolve(&segment.path)
    }

    /// Moves a segment and its sidecar into `folder` (`PROCESSED`, `FAILED`) of its camera, or with `None` back
    /// to where it came from. A segment that is there already stays. Returns its new path as stored.
    pub fn move_into(&self, id: SegmentId, folder: Option<&str>) -> Result<PathBuf, CatalogError> {
        self.relocate(id, folder, None)
    }

    /// Sets a segment aside in `failed/` with the reason.
    pub fn quarantine(&self, id: SegmentId, reason: &str) -> Result<PathBuf, CatalogError> {
        self.relocate(id, Some(crate::FAILED), Some((SegmentState::Failed, Some(reason))))
    }

    /// Marks a segment as failed where it lies: files that were named on the command line are left alone.
    pub fn mark_failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.catalog.write("mark a segment as failed", |t| {
            t.execute("UPDATE segment SET state = 'failed', reason = ?2 WHERE id = ?1", params![id, reason])
        })?;
        Ok(())
    }

    /// Brings a failed segment back to where it came from, ready to be offered again.
    pub fn release(&self, id: SegmentId) -> Result<PathBuf, CatalogError> {
        self.relocate(id, None, Some((SegmentState::Ready, None)))
    }

    /// Deletes a segment's file and sidecar. Its row, and what was seen in it, are kept.
    pub fn delete(&self, id: SegmentId) -> Result<(), CatalogError> {
        let _turn = self.turn()?;
        self.catalog.write("mark a segment for deletion", |t| mark_deletion(t, id))?;
        self.carry_out(&self.catalog.segment(id)?, Intent::Delete)
    }

    /// Deletes a segment that is still as it was planned, and that nobody works on.
    pub fn delete_planned(&self, planned: Planned) -> Result<Carried, CatalogError> {
        let _turn = self.turn()?;
        let marked = self.catalog.write("mark a segment for deletion", |t| {
            Ok(is_idle(t, planned)? && mark_deletion(t, planned.id)? == 1)
        })?;
        if !marked {
            return Ok(Carried::LeftAlone);
        }
        self.carry_out(&self.catalog.segment(planned.id)?, Intent::Delete)?;
        Ok(Carried::Out)
    }

    /// Moves a segment that is still as it was planned, and that nobody works on, into `processed/`.
    pub fn move_planned(&self, planned: Planned) -> Result<Carried, CatalogError> {
        let _turn = self.turn()?;
        let segment = self.catalog.segment(planned.id)?;
        let intent = self.intend(&segment, Some(crate::PROCESSED), None);
        let marked = self.catalog.write("mark a segment for a move", |t| {
            Ok(is_idle(t, planned)? && mark_move(t, planned.id, &intent)? == 1)
        })?;
        if !marked {
            return Ok(Carried::LeftAlone);
        }
        self.carry_out(&segment, Intent::Move(intent))?;
        Ok(Carried::Out)
    }

    /// Carries out what an earlier run began. Returns how many there were; one that cannot be carried out stays
    /// for the next start and does not hold up the others.
    pub fn finish_intents(&self) -> Result<usize, CatalogError> {
        let _turn = self.turn()?;
        if let Some(root) = &self.root {
            root.check()?;
        }
        let begun = self.catalog.begun()?;
        for (id, intent) in &begun {
            if let Err(error) = self.carry_out(&self.catalog.segment(*id)?, intent.clone()) {
                tracing::error!(segment = %id, error = &error as &dyn std::error::Error,
                    "cannot finish what an earlier run began");
            }
        }
        Ok(begun.len())
    }

    /// Waits until no other thread or process moves or deletes.
    fn turn(&self) -> Result<MediaLock, CatalogError> {
        MediaLock::take(self.catalog.path().parent().unwrap_or(Path::new(".")))
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.path().join(path),
            None => path.to_owned(),
        }
    }

    fn relocate(
        &self,
        id: SegmentId,
        folder: Option<&str>,
        change: Option<(SegmentState, Option<&str>)>,
    ) -> Result<PathBuf, CatalogError> {
        let _turn = self.turn()?;
        let segment = self.catalog.segment(id)?;
        let intent = self.intend(&segment, folder, change);
        self.catalog.write("mark a segment for a move", |t| mark_move(t, id, &intent))?;
        self.carry_out(&segment, Intent::Move(intent))?;
        Ok(self.catalog.segment(id)?.path)
    }

    fn intend(
        &self,
        segment: &Segment,
        folder: Option<&str>,
        change: Option<(SegmentState, Option<&str>)>,
    ) -> Move {
        let wanted = self.target(&segment.path, folder);
        let to = match wanted == segment.path {
            true => wanted,
            false => free_name(&wanted, |p| self.is_taken(p)),
        };
        let (state, reason) = change.unzip();
        Move { to, state, reason: reason.flatten().map(str::to_owned) }
    }

    fn target(&self, path: &Path, folder: Option<&str>) -> PathBuf {
        match (&self.root, folder) {
            (Some(_), _) => in_folder(path, folder),
            (None, Some(folder)) => {
                let parent = path.parent().unwrap_or(Path::new("/"));
                if parent.ends_with(folder) {
                    return path.to_owned();
                }
                parent.join(folder).join(path.file_name().unwrap_or_default())
            }
            (None, None) => path.to_owned(),
        }
    }

    /// A name counts as taken when its file, its sidecar or a row is there.
    fn is_taken(&self, path: &Path) -> bool {
        let absolute = self.resolve(path);
        let on_disk = |p: &Path| p.symlink_metadata().is_ok();
        let known = self.catalog.segment_at(path).map(|s| s.is_some()).unwrap_or(true);
        on_disk(&absolute) || on_disk(&sidecar_of(&absolute)) || known
    }

    fn carry_out(&self, segment: &Segment, intent: Intent) -> Result<(), CatalogError> {
        if let Some(root) = &self.root {
            root.check()?;
        }
        match intent {
            Intent::Move(intent) => self.carry_out_move(segment, intent),
            Intent::Delete => self.carry_out_delete(segment),
        }
    }

    fn carry_out_move(&self, segment: &Segment, mut intent: Move) -> Result<(), CatalogError> {
        let from = self.resolve(&segment.path);
        if intent.to != segment.path {
            self.carry_over(segment, &from, &mut intent)?;
        }
        // Whoever removed the file by hand while it was moved: nothing is there to be ready or processed.
        let state = match self.resolve(&intent.to).exists() {
            true => intent.state,
            false => Some(SegmentState::Missing),
        };
        self.catalog.write("note a move", |t| {
            t.execute(
                "UPDATE segment SET path = ?2, state = ifnull(?3, state), intent = NULL, intent_path = NULL,
                    intent_state = NULL WHERE id = ?1",
                params![segment.id, PathText(intent.to), state.map(Word)],
            )
        })?;
        Ok(())
    }

    /// Brings file and sidecar over, whatever an earlier try has done of it already.
    fn carry_over(&self, segment: &Segment, from: &Path, intent: &mut Move) -> Result<(), CatalogError> {
        let mut to = self.resolve(&intent.to);
        if let Some(folder) = to.parent() {
            files::create_folder(folder)?;
        }
        // A file that came over already leaves alone what has taken its old name since.
        let arrived = looks_like(&to, segment) && !is_same_file(from, &to);
        while !arrived && from.exists() {
            match move_file(from, &to) {
                Err(CatalogError::NameTaken { .. }) => {}
                done => {
                    done?;
                    break;
                }
            }
            // Somebody took the name since it was chosen; a kill must find the one that is used instead.
            intent.to = free_name(&intent.to, |p| self.is_taken(p));
            to = self.resolve(&intent.to);
            self.catalog.write("mark a segment for a move", |t| mark_move(t, segment.id, intent))?;
        }
        let sidecar = sidecar_of(from);
        if sidecar.exists() {
            move_file(&sidecar, &sidecar_of(&to))?;
        }
        Ok(())
    }

    fn carry_out_delete(&self, segment: &Segment) -> Result<(), CatalogError> {
        let file = self.resolve(&segment.path);
        // A name that was used again in the meantime is another segment's, sidecar and all.
        if !file.exists() || is_content_of(&file, segment) {
            files::remove(&file)?;
            files::remove(&sidecar_of(&file))?;
        }
        if let Some(folder) = file.parent().filter(|f| f.exists()) {
            files::sync_folder(folder)?;
        }
        self.catalog.write("note a deletion", |t| {
            t.execute("UPDATE segment SET state = 'deleted', intent = NULL WHERE id = ?1", [segment.id])?;
            t.execute("DELETE FROM job WHERE segment_id = ?1", [segment.id])
        })?;
        Ok(())
    }
}

/// Renames, or ends a rename that was cut short between its hard link and its unlink.
fn move_file(from: &Path, to: &Path) -> Result<(), CatalogError> {
    if !is_same_file(from, to) {
        return files::rename(from, to);
    }
    files::remove(from)?;
    files::sync_folder(from.parent().unwrap_or(Path::new(".")))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| path.symlink_metadata().ok().map(|m| (m.dev(), m.ino()));
    identity(one).is_some_and(|found| identity(other) == Some(found))
}

/// The file itself, or a copy of it (a backup that was put back has other inodes).
fn looks_like(path: &Path, segment: &Segment) -> bool {
    stat_of(path).is_some_and(|found| found.inode == segment.stat.inode || found.same_content(&segment.stat))
}

/// Stricter: an inode alone is no proof, since file systems use the number of an unlinked file again.
fn is_content_of(path: &Path, segment: &Segment) -> bool {
    let known = &segment.stat;
    stat_of(path).is_some_and(|found| {
        found.size == known.size && (found.inode == known.inode || found.mtime_ns == known.mtime_ns)
    })
}

fn stat_of(path: &Path) -> Option<FileStat> {
    path.symlink_metadata().ok().filter(|m| m.is_file()).map(|m| FileStat::of(&m))
}

impl Catalog {
    /// Forgets a job for good: its file stays where it is.
    pub fn drop_job(&self, id: SegmentId) -> Result<(), CatalogError> {
        self.write("drop a job", |t| t.execute("DELETE FROM job WHERE segment_id = ?1", [id]))?;
        Ok(())
    }

    /// Finds a segment by what a person types: its id or its path as stored.
    pub fn find_segment(&self, typed: &str) -> Result<Option<Segment>, CatalogError> {
        self.read("find a segment", |c| match typed.parse() {
            Ok(id) => by_id(c, SegmentId(id)),
            Err(_) => by_path(c, Path::new(typed)),
        })
    }
}
