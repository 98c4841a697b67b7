//! The file watcher: its events are hints that wake a scan, never the truth.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode};

use crate::{CatalogError, is_media};

/// Many events come together (a folder copied in): one scan serves them all.
const GATHER: Duration = Duration::from_millis(200);

/// More finished files than this between two scans are left to the walk: hints must not grow without bound.
const MAX_HINTS: usize = 10_000;

/// What was heard since the last time.
#[derive(Debug, Default)]
pub struct Hints {
    finished: HashSet<PathBuf>,
    woken: bool,
    /// Something happened that does not tell which files are new.
    walk: bool,
}

impl Hints {
    /// Tells whether the file was closed after writing, or renamed into place.
    pub fn finished(&self, path: &Path) -> bool {
        self.finished.contains(path)
    }

    /// Returns the finished files, if they are all that happened.
    pub(crate) fn only_files(&self) -> Option<&HashSet<PathBuf>> {
        (!self.walk && !self.finished.is_empty()).then_some(&self.finished)
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[&Path]) -> Self {
        Self { finished: files.iter().map(|&f| f.into()).collect(), woken: true, walk: false }
    }
}

#[derive(Debug, Default)]
struct Heard {
    hints: Mutex<Hints>,
    changed: Condvar,
}

/// Watches the media folder until dropped.
#[derive(Debug)]
pub struct Watcher {
    heard: Arc<Heard>,
    _watcher: Option<RecommendedWatcher>,
}

impl Watcher {
    pub fn start(root: &Path) -> Result<Self, CatalogError> {
        let heard = Arc::new(Heard::default());
        let listener = Arc::clone(&heard);
        let watch = || -> notify::Result<RecommendedWatcher> {
            // The walk does not follow links either.
            let links = Config::default().with_follow_symlinks(false);
            let mut watcher: RecommendedWatcher =
                notify::Watcher::new(move |event| listener.hear(event), links)?;
            notify::Watcher::watch(&mut watcher, root, RecursiveMode::Recursive)?;
            Ok(watcher)
        };
        let watcher = watch().map_err(|source| CatalogError::Watch { path: root.into(), source })?;
        Ok(Self { heard, _watcher: Some(watcher) })
    }

    /// Returns one that hears nothing, for where watching is not to be had: the periodic walk remains.
    pub fn deaf() -> Self {
        Self { heard: Arc::default(), _watcher: None }
    }

    /// Blocks until something happened, somebody called `wake`, or the time is over.
    pub fn wait(&self, timeout: Duration) -> Hints {
        let deadline = Instant::now() + timeout;
        let mut hints = self.heard.lock();
        while !hints.woken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return std::mem::take(&mut hints);
            }
            hints = self.heard.wait(hints, left);
        }
        let gathered = Instant::now() + GATHER;
        while let Some(left) = gathered.checked_duration_since(Instant::now()).filter(|l| !l.is_zero()) {
            hints = self.heard.wait(hints, left);
        }
        std::mem::take(&mut hints)
    }

    pub fn wake(&self) {
        self.heard.wake(None);
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Hints> {
        self.hints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, hints: MutexGuard<'g, Hints>, timeout: Duration) -> MutexGuard<'g, Hints> {
        self.changed.wait_timeout(hints, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    fn wake(&self, finished: Option<PathBuf>) {
        let mut hints = self.lock();
        hints.woken = true;
        match finished {
            Some(file) if hints.finished.len() < MAX_HINTS => {
                hints.finished.insert(file);
            }
            _ => hints.walk = true,
        }
        self.changed.notify_all();
    }

    fn hear(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.wake(None) };
        if event.need_rescan() {
            return self.wake(None);
        }
        let finished = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => event.paths.into_iter().next(),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => event.paths.into_iter().nth(1),
            // Files in a folder that is new give no event: walk.
            EventKind::Create(CreateKind::Folder) => return self.wake(None),
            _ => return,
        };
        match finished {
            Some(path) if is_media(&path) => self.wake(Some(path)),
            // A folder was moved here, with all that is in it.
            Some(path) if path.is_dir() => self.wake(None),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_file_and_a_renamed_file_are_finished() {
        let folder = tempfile::tempdir().unwrap();
        let watcher = Watcher::start(folder.path()).unwrap();
        let (written, staged) = (folder.path().join("a.mp4"), folder.path().join("b.mp4.partial"));
        std::fs::write(&written, "x").unwrap();
        assert!(watcher.wait(Duration::from_secs(10)).finished(&written));
        std::fs::write(&staged, "x").unwrap();
        let renamed = folder.path().join("b.mp4");
        crate::files::rename(&staged, &renamed).unwrap();
        assert!(watcher.wait(Duration::from_secs(10)).finished(&renamed));
    }

    #[test]
    fn waking_ends_the_wait() {
        let watcher = Watcher::deaf();
        watcher.wake();
        let began = Instant::now();
        watcher.wait(Duration::from_secs(60));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_finished_file_asks_for_no_walk_and_a_folder_does() {
        let elsewhere = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let watcher = Watcher::start(folder.path()).unwrap();
        std::fs::write(folder.path().join("a.mp4"), "x").unwrap();
        assert_eq!(watcher.wait(Duration::from_secs(10)).only_files().map(HashSet::len), Some(1));
        std::fs::create_dir(folder.path().join("made")).unwrap();
        assert_eq!(watcher.wait(Duration::from_secs(10)).only_files(), None);
        let moved = elsewhere.path().join("moved");
        std::fs::create_dir(&moved).unwrap();
        std::fs::write(moved.join("b.mp4"), "x").unwrap();
        crate::files::rename(&moved, &folder.path().join("moved")).unwrap();
        let hints = watcher.wait(Duration::from_secs(10));
        assert!(hints.woken && hints.only_files().is_none(), "{hints:?}");
    }

    #[test]
    fn more_files_than_can_be_remembered_ask_for_a_walk() {
        let watcher = Watcher::deaf();
        (0..=MAX_HINTS).for_each(|number| watcher.heard.wake(Some(format!("{number}.mp4").into())));
        let hints = watcher.wait(Duration::ZERO);
        assert_eq!((hints.finished.len(), hints.only_files()), (MAX_HINTS, None));
    }

    #[test]
    fn sidecars_and_partials_wake_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let watcher = Watcher::start(folder.path()).unwrap();
        crate::files::write_atomically(&folder.path().join("a.mp4.json"), b"{}").unwrap();
        std::fs::write(folder.path().join("a.mp4.partial"), "x").unwrap();
        // Events come in order: the first that wakes is of the last file.
        std::fs::write(folder.path().join("b.mp4"), "x").unwrap();
        let hints = watcher.wait(Duration::from_secs(10));
        assert_eq!(hints.only_files(), Some(&HashSet::from([folder.path().join("b.mp4")])));
    }
}
