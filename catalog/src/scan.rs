//! The walk over the media folder: files without a row get one, rows without a file are told.
//!
//! Events of the watcher only wake it. What it sees, compared with the catalogue, is the truth.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use config::{CameraId, Settings};
use rusqlite::{Transaction, params};
use walkdir::{DirEntry, WalkDir};

use crate::paths::special_folder;
use crate::segment::{self, NewSegment, by_path};
use crate::{
    Catalog, CatalogError, FileStat, Hints, MediaRoot, Segment, SegmentId, SegmentState, StartSource,
    is_media, start_from_name,
};

/// Finds footage in the camera folders and brings the catalogue up to it.
#[derive(Debug)]
pub struct Scanner {
    catalog: Catalog,
    root: MediaRoot,
    /// Empty: every folder is a camera's.
    cameras: Vec<CameraId>,
    zone: Tz,
    settle: Duration,
    /// Files that may still be written to, and since when they have looked as they look.
    unsettled: HashMap<PathBuf, (FileStat, Instant)>,
}

#[derive(Clone, Debug, Default)]
pub struct ScanReport {
    pub added: usize,
    /// Files that may still be written to: look again after the settle time.
    pub unsettled: usize,
    pub missing: usize,
    /// What could not be read or cannot be taken, in words.
    pub troubles: Vec<String>,
}

struct Found {
    path: PathBuf,
    stat: FileStat,
}

impl Scanner {
    pub fn new(catalog: Catalog, root: MediaRoot, settings: &Settings) -> Self {
        Self {
            catalog,
            root,
            cameras: settings.cameras.iter().map(|c| c.id.clone()).collect(),
            zone: settings.storage.name_timezone,
            settle: settings.storage.settle,
            unsettled: HashMap::new(),
        }
    }

    /// Walks once. `hints` name files that were seen to be finished.
    pub fn scan(&mut self, hints: &Hints, now: DateTime<Utc>) -> Result<ScanReport, CatalogError> {
        self.root.check()?;
        let mut report = ScanReport::default();
        let found = self.walk(&mut report);
        let ready = self.settled(&found, hints, now);
        report.unsettled = self.unsettled.len();
        self.catalog.write("index footage", |t| {
            for file in &ready {
                report.added += usize::from(self.index(t, file, now)?);
            }
            Ok(())
        })?;
        report.missing = self.mark_missing()?;
        Ok(report)
    }

    fn walk(&self, report: &mut ScanReport) -> Vec<Found> {
        let root = self.root.path();
        let mut found = Vec::new();
        for folder in self.camera_folders(report) {
            let walk = WalkDir::new(&folder).follow_root_links(false).same_file_system(true).into_iter();
            for entry in walk.filter_entry(|e| is_wanted(root, e)) {
                let looked = entry.map_err(|e| e.to_string()).and_then(|e| look_at(root, &e));
                match looked {
                    Ok(Some(file)) => found.push(file),
                    Ok(None) => {}
                    Err(trouble) => report.troubles.push(trouble),
                }
            }
        }
        found
    }

    fn camera_folders(&self, report: &mut ScanReport) -> Vec<PathBuf> {
        let root = self.root.path();
        if !self.cameras.is_empty() {
            let folders = self.cameras.iter().map(|c| root.join(c.as_str()));
            return folders.filter(|f| f.symlink_metadata().is_ok_and(|m| m.is_dir())).collect();
        }
        let names = WalkDir::new(root).min_depth(1).max_depth(1).sort_by_file_name();
        let mut folders = Vec::new();
        for entry in names {
            match entry {
                Ok(e) if e.file_type().is_dir() && names_a_camera(&e) => folders.push(e.into_path()),
                Ok(_) => {}
                Err(e) => report.troubles.push(e.to_string()),
            }
        }
        folders
    }

    /// Keeps what can be taken now: closed, renamed into place, or standing still for the settle time.
    fn settled<'f>(&mut self, found: &'f [Found], hints: &Hints, now: DateTime<Utc>) -> Vec<&'f Found> {
        let mut unsettled = HashMap::new();
        let settle = TimeDelta::from_std(self.settle).unwrap_or(TimeDelta::MAX);
        let ready = found
            .iter()
            .filter(|file| {
                let age = now - file.stat.modified();
                let seen = match self.unsettled.get(&file.path) {
                    Some((stat, since)) if *stat == file.stat => *since,
                    _ => Instant::now(),
                };
                let still = age >= settle || seen.elapsed() >= self.settle;
                let ready = still || hints.finished(&self.root.path().join(&file.path));
                if !ready {
                    unsettled.insert(file.path.clone(), (file.stat, seen));
                }
                ready
            })
            .collect();
        self.unsettled = unsettled;
        ready
    }

    /// Brings the row of one file up to date. Returns whether it is new work.
    fn index(&self, t: &Transaction<'_>, file: &Found, now: DateTime<Utc>) -> rusqlite::Result<bool> {
        match by_path(t, &file.path)? {
            None => self.insert(t, file, now),
            Some(known) if known.state == SegmentState::Missing => reappear(t, &known, file, now),
            Some(known) if known.stat == file.stat => Ok(false),
            Some(known) if known.state == SegmentState::Ready => {
                t.prepare_cached("UPDATE segment SET size = ?2, mtime_ns = ?3, inode = ?4 WHERE id = ?1")?
                    .execute(params![known.id, file.stat.size, file.stat.mtime_ns, file.stat.inode as i64])?;
                Ok(false)
            }
            Some(known) if content_changed(&known, file) => {
                // Another recorder used the name again: the old row keeps what was seen in the old content.
                t.prepare_cached(
                    "UPDATE segment SET state = 'deleted', reason = 'overwritten' WHERE id = ?1",
                )?
                .execute([known.id])?;
                t.prepare_cached("DELETE FROM job WHERE segment_id = ?1")?.execute([known.id])?;
                self.insert(t, file, now)
            }
            Some(_) => Ok(false),
        }
    }

    fn insert(&self, t: &Transaction<'_>, file: &Found, now: DateTime<Utc>) -> rusqlite::Result<bool> {
        let (start, start_source) = match start_from_name(&file.path, self.zone) {
            Some(start) => (start, StartSource::Name),
            None => (file.stat.modified(), StartSource::Mtime),
        };
        let new = NewSegment {
            path: file.path.clone(),
            camera: crate::paths::camera_of(&file.path).map(str::to_owned),
            start,
            start_source,
            duration: None,
            stat: file.stat,
        };
        Ok(segment::insert(t, &new, "", now)?.is_some())
    }

    /// Rows whose file is gone become `missing`; what was seen in them is kept.
    fn mark_missing(&self) -> Result<usize, CatalogError> {
        let mut gone: Vec<SegmentId> = Vec::new();
        let states = [SegmentState::Ready, SegmentState::Processed, SegmentState::Failed];
        self.catalog.each_segment(&states, |segment| {
            if is_gone(&self.root.path().join(&segment.path)) {
                gone.push(segment.id);
            }
        })?;
        if gone.is_empty() {
            return Ok(0);
        }
        // The disk may have gone away in the middle of the walk.
        self.root.check()?;
        self.catalog.write("mark missing segments", |t| {
            let mut mark = t.prepare_cached(
                "UPDATE segment SET state = 'missing', reason = 'the file is gone'
                 WHERE id = ?1 AND intent IS NULL",
            )?;
            gone.iter().map(|id| mark.execute([id])).sum()
        })
    }
}

fn reappear(
    t: &Transaction<'_>,
    known: &Segment,
    file: &Found,
    now: DateTime<Utc>,
) -> rusqlite::Result<bool> {
    let looked_at = t.prepare_cached("SELECT 1 FROM result WHERE segment_id = ?1")?.exists([known.id])?;
    let finished = looked_at && !content_changed(known, file);
    let state = if finished { "processed" } else { "ready" };
    t.prepare_cached(
        "UPDATE segment SET state = ?2, reason = NULL, size = ?3, mtime_ns = ?4, inode = ?5 WHERE id = ?1",
    )?
    .execute(params![known.id, state, file.stat.size, file.stat.mtime_ns, file.stat.inode as i64])?;
    if !finished {
        segment::queue(t, known.id, "", now)?;
    }
    Ok(!finished)
}

fn content_changed(known: &Segment, file: &Found) -> bool {
    !known.stat.same_content(&file.stat)
}

fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}

fn names_a_camera(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|n| n.parse::<CameraId>().is_ok() && n != "lost+found")
}

fn is_wanted(root: &Path, entry: &DirEntry) -> bool {
    let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    !hidden && special_folder(relative).is_none()
}

fn look_at(root: &Path, entry: &DirEntry) -> Result<Option<Found>, String> {
    if !entry.file_type().is_file() || !is_media(entry.path()) {
        return Ok(None);
    }
    let metadata = entry.metadata().map_err(|e| e.to_string())?;
    let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
    if relative.to_str().is_none() {
        return Err(format!("`{}` has a name that is not UTF-8; rename it", entry.path().display()));
    }
    Ok(Some(Found { path: relative.into(), stat: FileStat::of(&metadata) }))
}

/// Adds or refreshes the row of a file that was named on the command line, by its absolute path.
impl Catalog {
    pub fn index_named_file(
        &self,
        path: &Path,
        stat: FileStat,
        now: DateTime<Utc>,
    ) -> Result<Segment, CatalogError> {
        let (start, start_source) = match start_from_name(path, Tz::UTC) {
            Some(start) => (start, StartSource::Name),
            None => (stat.modified(), StartSource::Mtime),
        };
        let new = NewSegment { path: path.into(), camera: None, start, start_source, duration: None, stat };
        self.write("index a file", |t| {
            if let Some(known) = by_path(t, path)? {
                if known.stat == stat {
                    return Ok(known);
                }
                t.execute(
                    "UPDATE segment SET state = 'deleted', reason = 'overwritten' WHERE id = ?1",
                    [known.id],
                )?;
                t.execute("DELETE FROM job WHERE segment_id = ?1", [known.id])?;
            }
            segment::insert(t, &new, "named", now)?;
            by_path(t, path)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }
}

#[cfg(test)]
mod tests;
