//! The media folder: the one module that moves and deletes footage.
//!
//! Both are done in two phases: the intent is written into the row, the files follow, the row says so. A start
//! carries out what was cut short by the same code, so that a kill at any step loses nothing. All of it happens
//! under one lock per catalogue: an intent that is found without its holder was cut short.

use std::path::{Path, PathBuf};

use rusqlite::params;

use crate::inside::check_inside;
use crate::intent::{Carried, Change, Intent, Move, Planned, is_idle, mark_deletion, mark_move, note_why};
use crate::lock::MediaLock;
use crate::paths::{free_name, in_folder, sidecar_of};
use crate::{Catalog, CatalogError, MediaRoot, Segment, SegmentId, SegmentState};

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
        let change = Change { state: SegmentState::Failed, reason: Some(reason.to_owned()) };
        self.relocate(id, Some(crate::FAILED), Some(change))
    }

    /// Marks a segment as failed where it lies: files that were named on the command line are left alone.
    pub fn mark_failed(&self, id: SegmentId, reason: &str) -> Result<(), CatalogError> {
        self.catalog.write("mark a segment as failed", |t| {
            t.execute(
                "UPDATE segment SET state = 'failed', reason = ?2 WHERE id = ?1 AND state NOT IN ('archived', 'deleted')",
                params![id, reason],
            )
        })?;
        Ok(())
    }

    /// Brings a failed segment back to where it came from, and into the queue from the first attempt on.
    pub fn release(&self, id: SegmentId) -> Result<PathBuf, CatalogError> {
        self.relocate(id, None, Some(Change { state: SegmentState::Ready, reason: None }))
    }

    /// Deletes a segment's file and sidecar. Its row, and what was seen in it, are kept.
    pub fn delete(&self, id: SegmentId) -> Result<(), CatalogError> {
        let (_turn, segment) = self.turn_for(id)?;
        match self.catalog.write("mark a segment for deletion", |t| mark_deletion(t, id))? {
            0 => Ok(()),
            _ => self.carry_out(&segment, Intent::Delete),
        }
    }

    /// Deletes a segment that is still as it was planned, that nobody works on, and that is not on hold. `why` is kept
    /// for those who ask later.
    pub fn delete_planned(&self, planned: Planned, why: &str) -> Result<Carried, CatalogError> {
        let (_turn, segment) = self.turn_for(planned.id)?;
        let marked = self.catalog.write("mark a segment for deletion", |t| {
            let marked = is_idle(t, planned)? && mark_deletion(t, planned.id)? == 1;
            if marked {
                note_why(t, planned, why)?;
            }
            Ok(marked)
        })?;
        if !marked {
            return Ok(Carried::LeftAlone);
        }
        self.carry_out(&segment, Intent::Delete)?;
        Ok(Carried::Out)
    }

    /// Moves a segment that is still as it was planned, and that nobody works on, into `processed/`.
    pub fn move_planned(&self, planned: Planned) -> Result<Carried, CatalogError> {
        let (_turn, segment) = self.turn_for(planned.id)?;
        let intent = self.intend(&segment, Some(crate::PROCESSED), None)?;
        self.check_inside(&intent.to)?;
        let marked = self.catalog.write("mark a segment for a move", |t| {
            Ok(is_idle(t, planned)? && mark_move(t, planned.id, &intent)? == 1)
        })?;
        if !marked {
            return Ok(Carried::LeftAlone);
        }
        self.carry_out(&segment, Intent::Move(intent))?;
        Ok(Carried::Out)
    }

    /// Carries out what was begun and cut short. Returns how many there were; one that cannot be carried out
    /// stays for the next time and does not hold up the others.
    pub fn finish_intents(&self) -> Result<usize, CatalogError> {
        let _turn = self.turn()?;
        let mut begun = self.catalog.begun()?;
        // The paths of named files are absolute, those of the root's footage are not.
        begun.retain(|(segment, _)| segment.path.is_relative() == self.root.is_some());
        for (segment, intent) in &begun {
            if let Err(error) = self.carry_out(segment, intent.clone()) {
                tracing::error!(segment = %segment.id, error = &error as &dyn std::error::Error,
                    "cannot finish what an earlier run began");
            }
        }
        Ok(begun.len())
    }

    /// Waits until no other thread or process moves or deletes.
    pub(crate) fn turn(&self) -> Result<MediaLock, CatalogError> {
        let turn = MediaLock::take(self.catalog.state_dir())?;
        if let Some(root) = &self.root {
            root.check()?;
        }
        Ok(turn)
    }

    /// Waits for the turn, and finishes what was begun with the segment and cut short: a second intent would
    /// make the first forgotten, with the file already on its way.
    pub(crate) fn turn_for(&self, id: SegmentId) -> Result<(MediaLock, Segment), CatalogError> {
        let turn = self.turn()?;
        if let Some((segment, intent)) = self.catalog.begun_with(id)? {
            self.carry_out(&segment, intent)?;
        }
        let segment = self.catalog.segment(id)?;
        self.check_inside(&segment.path)?;
        Ok((turn, segment))
    }

    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.path().join(path),
            None => path.to_owned(),
        }
    }

    fn relocate(
        &self,
        id: SegmentId,
        folder: Option<&str>,
        change: Option<Change>,
    ) -> Result<PathBuf, CatalogError> {
        let (_turn, segment) = self.turn_for(id)?;
        let intent = self.intend(&segment, folder, change)?;
        self.check_inside(&intent.to)?;
        if self.catalog.write("mark a segment for a move", |t| mark_move(t, id, &intent))? == 0 {
            return Err(CatalogError::SegmentDeleted { id: id.0 });
        }
        self.carry_out(&segment, Intent::Move(intent))?;
        Ok(self.catalog.segment(id)?.path)
    }

    fn intend(
        &self,
        segment: &Segment,
        folder: Option<&str>,
        change: Option<Change>,
    ) -> Result<Move, CatalogError> {
        let wanted = target(&segment.path, folder);
        let to = match wanted == segment.path {
            true => wanted,
            false => free_name(&wanted, |p| self.is_taken(p))?,
        };
        Ok(Move { to, change })
    }

    /// A name counts as taken when its file, its sidecar or a row is there.
    pub(crate) fn is_taken(&self, path: &Path) -> Result<bool, CatalogError> {
        let absolute = self.resolve(path);
        let on_disk = |p: &Path| p.symlink_metadata().is_ok();
        let taken = on_disk(&absolute) || on_disk(&sidecar_of(&absolute));
        Ok(taken || self.catalog.segment_at(path)?.is_some())
    }

    fn check_inside(&self, path: &Path) -> Result<(), CatalogError> {
        self.root.as_ref().map_or(Ok(()), |root| check_inside(root.path(), path))
    }

    pub(crate) fn carry_out(&self, segment: &Segment, intent: Intent) -> Result<(), CatalogError> {
        self.check_inside(&segment.path)?;
        match intent {
            Intent::Move(intent) => {
                self.check_inside(&intent.to)?;
                self.carry_out_move(segment, intent)
            }
            Intent::Delete => self.carry_out_deletion(segment),
        }
    }
}

fn target(path: &Path, folder: Option<&str>) -> PathBuf {
    match folder {
        _ if path.is_relative() => in_folder(path, folder),
        Some(folder) => {
            let parent = path.parent().unwrap_or(Path::new("/"));
            match parent.ends_with(folder) {
                true => path.to_owned(),
                false => parent.join(folder).join(path.file_name().unwrap_or_default()),
            }
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
