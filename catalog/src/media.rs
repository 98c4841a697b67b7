//! The media folder: the one module that moves and deletes footage.
//!
//! Both are done in two phases: the intent is written into the row, the files follow, the row says so. A start
//! carries out what was cut short by the same code, so that a kill at any step loses nothing.

use std::path::{Path, PathBuf};

use rusqlite::params;

use crate::paths::{free_name, in_folder, sidecar_of};
use crate::segment::{PathText, Word, by_id, by_path};
use crate::{Catalog, CatalogError, FileStat, MediaRoot, Segment, SegmentId, SegmentState, files};

#[derive(Clone, Debug)]
pub struct MediaFolder {
    catalog: Catalog,
    /// Absent where files were named on the command line: their paths are absolute.
    root: Option<MediaRoot>,
}

#[derive(Clone, Debug)]
enum Intent {
    Move { to: PathBuf, state: Option<SegmentState> },
    Delete,
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
        let segment = self.catalog.segment(id)?;
        self.relocate(&segment, folder, None, None)
    }

    /// Sets a segment aside in `failed/` with the reason.
    pub fn quarantine(&self, id: SegmentId, reason: &str) -> Result<PathBuf, CatalogError> {
        let segment = self.catalog.segment(id)?;
        self.relocate(&segment, Some(crate::FAILED), Some(SegmentState::Failed), Some(reason))
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
        let segment = self.catalog.segment(id)?;
        self.relocate(&segment, None, Some(SegmentState::Ready), None)
    }

    /// Deletes a segment's file and sidecar. Its row, and what was seen in it, are kept.
    pub fn delete(&self, id: SegmentId) -> Result<(), CatalogError> {
        self.catalog.write("mark a segment for deletion", |t| {
            t.execute("UPDATE segment SET intent = 'delete' WHERE id = ?1", [id])
        })?;
        self.carry_out(&self.catalog.segment(id)?, Intent::Delete)
    }

    /// Carries out what an earlier run began. Returns how many there were.
    pub fn finish_intents(&self) -> Result<usize, CatalogError> {
        let begun = self.catalog.read("list what was begun", |c| {
            let mut statement = c.prepare(
                "SELECT id, intent, intent_path, intent_state FROM segment WHERE intent IS NOT NULL",
            )?;
            let rows = statement.query_map([], |row| {
                let to: Option<PathText> = row.get(2)?;
                let state = row.get::<_, Option<Word<SegmentState>>>(3)?.map(|w| w.0);
                let id: SegmentId = row.get(0)?;
                Ok((id, to.map_or(Intent::Delete, |to| Intent::Move { to: to.0, state })))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        for (id, intent) in &begun {
            self.carry_out(&self.catalog.segment(*id)?, intent.clone())?;
        }
        Ok(begun.len())
    }

    fn resolve(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.path().join(path),
            None => path.to_owned(),
        }
    }

    fn relocate(
        &self,
        segment: &Segment,
        folder: Option<&str>,
        state: Option<SegmentState>,
        reason: Option<&str>,
    ) -> Result<PathBuf, CatalogError> {
        let wanted = self.target(&segment.path, folder);
        let to = match wanted == segment.path {
            true => wanted,
            false => free_name(&wanted, |p| self.is_taken(p)),
        };
        self.catalog.write("mark a segment for a move", |t| {
            t.execute(
                "UPDATE segment SET intent = 'move', intent_path = ?2, intent_state = ?3, reason = ?4 WHERE id = ?1",
                params![segment.id, PathText(to.clone()), state.map(Word), reason],
            )
        })?;
        self.carry_out(segment, Intent::Move { to, state })?;
        Ok(self.catalog.segment(segment.id)?.path)
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
            Intent::Move { to, state } => self.carry_out_move(segment, to, state),
            Intent::Delete => self.carry_out_delete(segment),
        }
    }

    fn carry_out_move(
        &self,
        segment: &Segment,
        mut to: PathBuf,
        state: Option<SegmentState>,
    ) -> Result<(), CatalogError> {
        let from = self.resolve(&segment.path);
        if to != segment.path && !is_file_of(&self.resolve(&to), segment) && from.exists() {
            if let Some(folder) = self.resolve(&to).parent() {
                files::create_folder(folder)?;
            }
            while let Err(error) = files::rename(&from, &self.resolve(&to)) {
                // Somebody took the name since it was chosen.
                let CatalogError::NameTaken { .. } = error else { return Err(error) };
                to = free_name(&to, |p| self.is_taken(p));
            }
        }
        let (sidecar, its_place) = (sidecar_of(&from), sidecar_of(&self.resolve(&to)));
        if sidecar != its_place && sidecar.exists() {
            files::rename(&sidecar, &its_place)?;
        }
        let found = self.resolve(&to).exists();
        let state = if found { state } else { Some(SegmentState::Missing) };
        self.catalog.write("note a move", |t| {
            t.execute(
                "UPDATE segment SET path = ?2, state = ifnull(?3, state), intent = NULL, intent_path = NULL,
                    intent_state = NULL WHERE id = ?1",
                params![segment.id, PathText(to), state.map(Word)],
            )
        })?;
        Ok(())
    }

    fn carry_out_delete(&self, segment: &Segment) -> Result<(), CatalogError> {
        let file = self.resolve(&segment.path);
        // A name that was used again in the meantime is another segment's.
        if is_file_of(&file, segment) {
            files::remove(&file)?;
        }
        files::remove(&sidecar_of(&file))?;
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

fn is_file_of(path: &Path, segment: &Segment) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_file() && FileStat::of(&m).inode == segment.stat.inode)
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
