//! The check that rows and files agree: each fault names one broken invariant of docs/storage.md.
//!
//! Others may work meanwhile. What looks wrong is looked at again while nobody moves or deletes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::Settings;
use serde::Serialize;

use crate::carry::stat_of;
use crate::intent::is_on_its_way;
use crate::paths::{sidecar_of, special_folder};
use crate::segments::by_path;
use crate::verify_beside::LEFT_OVER;
use crate::walk::{Reach, Walk};
use crate::{
    Catalog, CatalogError, FileStat, MediaFolder, MediaRoot, Results, Segment, SegmentId, SegmentState,
};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Of the file, or of the catalogue itself.
    pub path: PathBuf,
    pub what: String,
}

/// Compares every row with its file and every file with its row. Changes nothing.
#[derive(Debug)]
pub struct Verifier {
    pub(crate) catalog: Catalog,
    pub(crate) root: MediaRoot,
    pub(crate) walk: Walk,
    /// What changed within this time may not have been scanned yet.
    patience: Duration,
}

/// What looked wrong at the first look.
#[derive(Default)]
struct Suspects {
    segments: Vec<SegmentId>,
    unknown: Vec<PathBuf>,
    left_over: Vec<PathBuf>,
}

impl Verifier {
    pub fn new(catalog: Catalog, root: MediaRoot, settings: &Settings) -> Self {
        let patience = settings.storage.settle + settings.storage.scan_interval;
        Self { walk: Walk::new(&root, settings), catalog, root, patience }
    }

    pub fn verify(&self, now: DateTime<Utc>) -> Result<Vec<Fault>, CatalogError> {
        self.root.check()?;
        let mut faults = self.catalog.verify_rows()?;
        let suspects = self.suspects(&mut faults, now)?;
        let media = MediaFolder::new(self.catalog.clone(), Some(self.root.clone()));
        let _turn = media.turn()?;
        for (segment, _) in self.catalog.begun()? {
            faults.push(fault(
                &segment.path,
                "a move or deletion was begun and not finished; start nightreel to finish it",
            ));
        }
        for id in suspects.segments {
            let segment = self.catalog.segment(id)?;
            if let Some(what) = self.fault_of(&segment, now)? {
                faults.push(fault(&segment.path, what));
            }
        }
        for path in suspects.unknown {
            if self.is_unknown(&path, now)? {
                faults.push(fault(&path, unknown(&path)));
            }
        }
        for path in suspects.left_over {
            if self.is_left_over(&path)? {
                faults.push(fault(&path, LEFT_OVER));
            }
        }
        Ok(faults)
    }

    fn suspects(&self, faults: &mut Vec<Fault>, now: DateTime<Utc>) -> Result<Suspects, CatalogError> {
        let mut suspects = Suspects::default();
        let on_disk = [SegmentState::Ready, SegmentState::Processed, SegmentState::Failed];
        let mut looked = Ok(());
        self.catalog.each_segment(&on_disk, |segment| match self.fault_of(&segment, now) {
            Ok(None) => {}
            Ok(Some(_)) => suspects.segments.push(segment.id),
            Err(error) => looked = Err(error),
        })?;
        looked?;
        let (mut found, mut results) = (Vec::new(), Vec::new());
        for reach in [Reach::Incoming, Reach::SetAside] {
            self.walk.each_entry(reach, |entry| {
                results.extend(entry.as_ref().ok().and_then(|entry| self.results_at(entry)));
                match entry.map_or_else(|trouble| Some(Err(trouble)), |entry| self.walk.look_at(&entry)) {
                    Some(Ok(file)) => found.push(file.path),
                    Some(Err(trouble)) => faults.push(fault(self.root.path(), &trouble)),
                    None => {}
                }
            });
        }
        for path in found {
            if self.is_unknown(&path, now)? {
                suspects.unknown.push(path);
            }
        }
        for path in results {
            if self.is_left_over(&path)? {
                suspects.left_over.push(path);
            }
        }
        Ok(suspects)
    }

    /// Compares a row that names a file with what lies there.
    fn fault_of(&self, segment: &Segment, now: DateTime<Utc>) -> Result<Option<&'static str>, CatalogError> {
        // Named files are their owners' to move; of what is on its way, the intent tells.
        let on_its_way = self.catalog.read("look for what was begun", |c| is_on_its_way(c, &segment.path))?;
        let gone =
            matches!(segment.state, SegmentState::Missing | SegmentState::Archived | SegmentState::Deleted);
        if segment.path.is_absolute() || on_its_way || gone {
            return Ok(None);
        }
        let file = self.root.path().join(&segment.path);
        let stat = match stat_of(&file) {
            Ok(Some(stat)) => stat,
            Ok(None) => return Ok(Some("the catalogue names it, but the file is gone")),
            Err(_) => return Ok(Some("it cannot be looked at")),
        };
        if stat.size != segment.stat.size {
            let fault = Some("its size is not the one in the catalogue");
            return Ok(fault.filter(|_| !self.is_recent(&file, &stat, now)));
        }
        match segment.state {
            SegmentState::Processed => self.fault_of_sidecar(segment.id, &file),
            _ => Ok(None),
        }
    }

    fn fault_of_sidecar(&self, id: SegmentId, file: &Path) -> Result<Option<&'static str>, CatalogError> {
        let Ok(text) = std::fs::read(sidecar_of(file)) else {
            return Ok(Some("processed, but its sidecar is gone"));
        };
        let Ok(results) = serde_json::from_slice::<Results>(&text) else {
            return Ok(Some("its sidecar cannot be read"));
        };
        let ours = self.catalog.read("compare a sidecar", |c| {
            c.prepare_cached("SELECT 1 FROM result WHERE segment_id = ?1 AND sha256 = ?2")?
                .exists((id, results.segment.sha256))
        })?;
        Ok((!ours).then_some("its sidecar is about another content"))
    }

    pub(crate) fn is_unknown(&self, path: &Path, now: DateTime<Utc>) -> Result<bool, CatalogError> {
        let known = self.catalog.read("look up a path", |c| {
            let known = by_path(c, path)?.is_some_and(|s| s.state != SegmentState::Missing);
            Ok(known || is_on_its_way(c, path)?)
        })?;
        let file = self.root.path().join(path);
        let Ok(Some(stat)) = stat_of(&file) else { return Ok(false) };
        // Only nightreel itself moves into its folders, and it tells the catalogue first.
        let may_be_scanned_yet = special_folder(path).is_none() && self.is_recent(&file, &stat, now);
        Ok(!known && !may_be_scanned_yet)
    }

    /// Tells whether a file was written or renamed a moment ago.
    fn is_recent(&self, file: &Path, stat: &FileStat, now: DateTime<Utc>) -> bool {
        let changed = FileStat::changed(file).map_or(stat.modified(), |changed| changed.max(stat.modified()));
        now - changed < TimeDelta::from_std(self.patience).unwrap_or(TimeDelta::MAX)
    }
}

fn unknown(path: &Path) -> &'static str {
    match special_folder(path) {
        None => "footage that the catalogue does not know; start nightreel to take it up",
        Some(_) => {
            "footage that the catalogue does not know; move it into its camera's folder to have it taken up"
        }
    }
}

pub(crate) fn fault(path: &Path, what: &str) -> Fault {
    Fault { path: path.into(), what: what.to_owned() }
}

#[cfg(test)]
mod tests;
