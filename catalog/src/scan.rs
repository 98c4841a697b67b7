//! The scan: a walk over the media folder that is compared with the catalogue. Files without a row get one, rows
//! without a file are told.
//!
//! Events of the watcher only wake it, or let it look at single files for once. The walk is the truth.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use config::Settings;
use rusqlite::{Connection, Transaction};

use crate::index::{Index, Indexed};
use crate::segments::by_path;
use crate::walk::{Found, Reach, Walk};
use crate::{Catalog, CatalogError, FileStat, Hints, MediaFolder, MediaRoot, SegmentState};

/// Time between two looks at the files that were set aside: there may be a million of them, and only people
/// take them away.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Files per transaction: a first scan must not keep other processes from writing for minutes.
const BATCH: usize = 500;

/// Finds footage in the camera folders and brings the catalogue up to it.
#[derive(Debug)]
pub struct Scanner {
    media: MediaFolder,
    root: MediaRoot,
    walk: Walk,
    zone: Tz,
    settle: Duration,
    interval: Duration,
    /// Files that may still be written to, and since when they have looked as they look.
    unsettled: HashMap<PathBuf, (FileStat, Instant)>,
    walked: Option<Instant>,
    reconciled: Option<Instant>,
    /// The troubles of the last walk.
    told: HashSet<String>,
}

#[derive(Clone, Debug, Default)]
pub struct ScanReport {
    pub added: usize,
    /// Files that may still be written to: look again after the settle time.
    pub unsettled: usize,
    pub missing: usize,
    /// What could not be read or cannot be taken, in words; each is told once, and again when it comes back.
    pub troubles: Vec<String>,
}

impl Scanner {
    pub fn new(catalog: Catalog, root: MediaRoot, settings: &Settings) -> Self {
        Self {
            walk: Walk::new(&root, settings),
            media: MediaFolder::new(catalog, Some(root.clone())),
            root,
            zone: settings.storage.name_timezone,
            settle: settings.storage.settle,
            interval: settings.storage.scan_interval,
            unsettled: HashMap::new(),
            walked: None,
            reconciled: None,
            told: HashSet::new(),
        }
    }

    /// Walks once, or only looks at the files that `hints` name as finished, if that is all that happened since
    /// the last walk and its time is not over.
    pub fn scan(&mut self, hints: &Hints, now: DateTime<Utc>) -> Result<ScanReport, CatalogError> {
        self.check_root()?;
        let mut report = ScanReport::default();
        let fresh = self.walked.is_some_and(|at| at.elapsed() < self.interval) && self.unsettled.is_empty();
        match hints.only_files() {
            Some(files) if fresh => {
                let found = files.iter().filter_map(|file| self.walk.find(file)).collect();
                self.index_all(&self.news(found)?, &mut report, now)?;
            }
            _ => self.scan_all(hints, &mut report, now)?,
        }
        Ok(report)
    }

    fn scan_all(
        &mut self,
        hints: &Hints,
        report: &mut ScanReport,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        self.media.finish_intents()?;
        let mut found = Vec::new();
        self.walk.each(Reach::Incoming, |file| match file {
            Ok(file) => found.push(file),
            Err(trouble) => report.troubles.push(trouble),
        });
        self.tell_once(&mut report.troubles);
        let ready = self.settled(self.news(found)?, hints, now);
        report.unsettled = self.unsettled.len();
        self.index_all(&ready, report, now)?;
        self.walked = Some(Instant::now());
        if self.reconciled.is_some_and(|at| at.elapsed() < RECONCILE_INTERVAL) {
            return self.reconcile(&[SegmentState::Ready], report, now);
        }
        let on_disk =
            [SegmentState::Ready, SegmentState::Processed, SegmentState::Failed, SegmentState::Missing];
        self.reconcile(&on_disk, report, now)?;
        self.reconciled = Some(Instant::now());
        Ok(())
    }

    /// Leaves out what the last walk told already.
    fn tell_once(&mut self, troubles: &mut Vec<String>) {
        let standing = troubles.iter().cloned().collect();
        let told = std::mem::replace(&mut self.told, standing);
        troubles.retain(|trouble| !told.contains(trouble));
    }

    /// Keeps what can be taken now: closed, renamed into place, or standing still for the settle time.
    fn settled(&mut self, mut found: Vec<Found>, hints: &Hints, now: DateTime<Utc>) -> Vec<Found> {
        let mut unsettled = HashMap::new();
        let settle = TimeDelta::from_std(self.settle).unwrap_or(TimeDelta::MAX);
        found.retain(|file| {
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
        });
        self.unsettled = unsettled;
        found
    }

    /// Leaves out what is as its row says: most of it, and told without a writer's turn.
    fn news(&self, mut found: Vec<Found>) -> Result<Vec<Found>, CatalogError> {
        let mut news = Vec::new();
        while !found.is_empty() {
            let batch = found.split_off(found.len().saturating_sub(BATCH));
            news.extend(self.catalog().read("compare footage", |c| {
                let keep = |file: Found| is_news(c, &file).map(|news| news.then_some(file)).transpose();
                batch.into_iter().filter_map(keep).collect::<rusqlite::Result<Vec<_>>>()
            })?);
        }
        Ok(news)
    }

    /// Brings the rows of these files up to date.
    pub(crate) fn index_all(
        &self,
        files: &[Found],
        report: &mut ScanReport,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        for batch in files.chunks(BATCH) {
            let indexed = self.catalog().write("index footage", |t| {
                let index = self.index(t, now);
                batch.iter().map(|file| Ok((file.path.clone(), index.take(file)?))).collect()
            })?;
            self.after_indexing(indexed, report)?;
        }
        Ok(())
    }

    pub(crate) fn index<'a>(&'a self, t: &'a Transaction<'a>, now: DateTime<Utc>) -> Index<'a> {
        Index { t, root: self.root.path(), zone: self.zone, now }
    }

    /// Counts what is to be done, and brings the sidecars of what was renamed by hand to where the files lie.
    pub(crate) fn after_indexing(
        &self,
        indexed: Vec<(PathBuf, Indexed)>,
        report: &mut ScanReport,
    ) -> Result<(), CatalogError> {
        for (path, indexed) in indexed {
            report.added += usize::from(indexed.is_work());
            if let Indexed::Followed { from, .. } = indexed {
                self.media.bring_sidecar(&from, &path)?;
            }
        }
        Ok(())
    }

    pub(crate) fn zone(&self) -> Tz {
        self.zone
    }

    pub(crate) fn check_root(&self) -> Result<(), CatalogError> {
        self.root.check()
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn media(&self) -> &MediaFolder {
        &self.media
    }

    pub(crate) fn walk(&self) -> &Walk {
        &self.walk
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        self.media.catalog()
    }
}

fn is_news(c: &Connection, file: &Found) -> rusqlite::Result<bool> {
    let known = by_path(c, &file.path)?;
    Ok(known.is_none_or(|known| known.stat != file.stat || known.state == SegmentState::Missing))
}

#[cfg(test)]
mod tests;
