//! A home for one test: a root, a catalogue, settings, a clock that stands still, and what a run told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use catalog::{
    Catalog, Clock, MediaFolder, MediaRoot, PROCESSED, Queue, QueueStats, Segment, SegmentId, SqliteQueue,
};
use chrono::{DateTime, Utc};
use config::{Environment, Settings};
use nightreel_processor::{
    AfterNamed, BacklogRun, DecoderProgram, Event, NamedFiles, Patience, Processing, ProcessorError,
    Surroundings, Tally, WaitReason, WindowRule,
};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::clips;

pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    pub(crate) ending: CancellationToken,
    pub(crate) decoder: DecoderProgram,
    runtime: Runtime,
}

/// What a run told, in words and in sums.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) told: Vec<Told>,
    pub(crate) tally: Tally,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Processed(PathBuf),
    Skipped(PathBuf),
    Failed(PathBuf, String),
    GivenBack(PathBuf, String),
    Waiting(WaitReason),
}

/// Settings without a detector, for what does not depend on it: loading it takes half a second.
pub(crate) const BLIND: &str = "[detect]\nenabled = false";

/// Four seconds of pedestrians: frames 0 and 30 are looked at.
pub(crate) fn clip() -> PathBuf {
    clips::make("four-seconds.mp4", &["-t", "4", "-i", clips::PEDESTRIANS, "-c:v", "libx264", "-g", "20"])
}

impl Home {
    pub(crate) fn new(sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        std::fs::create_dir(&root).unwrap();
        let file = folder.path().join("nightreel.toml");
        std::fs::write(&file, format!("[storage]\nroot = {root:?}\n\n{sections}\n")).unwrap();
        let environment = Environment::new(folder.path(), BTreeMap::new()).unwrap();
        let settings = config::load(Some(&file), &environment).unwrap().settings;
        Self {
            catalog: Catalog::open(&settings.storage.state_dir).unwrap(),
            settings,
            clock: Clock::standing(now()),
            ending: CancellationToken::new(),
            decoder: DecoderProgram::new(env!("CARGO_BIN_EXE_decode-worker"), &[]),
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
            folder,
        }
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(relative)
    }

    pub(crate) fn media(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.path("media").join(relative)
    }

    /// Puts a file there that was written an hour ago.
    pub(crate) fn put(&self, relative: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        set_age(&path, Duration::from_secs(3600));
        path
    }

    pub(crate) fn put_clip(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.put(relative, &std::fs::read(clip()).unwrap())
    }

    pub(crate) fn root(&self) -> MediaRoot {
        MediaRoot::open(&self.catalog, &self.settings.storage.root).unwrap()
    }

    pub(crate) fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(self.catalog.clone(), self.settings.process.max_attempts)
    }

    pub(crate) fn stats(&self) -> QueueStats {
        self.queue().stats(self.clock.now()).unwrap()
    }

    pub(crate) fn processing(&self) -> Processing {
        let _context = self.runtime.enter();
        let around = Surroundings {
            catalog: &self.catalog,
            clock: &self.clock,
            decoder: &self.decoder,
            ending: &self.ending,
        };
        Processing::new(&self.settings, around).unwrap()
    }

    /// Drains the backlog in the window, and moves what was processed, as the program does.
    pub(crate) fn drain(&self) -> Heard {
        self.try_drain(WindowRule::Keep, |_| {}).unwrap()
    }

    /// Drains the backlog, and lets `meanwhile` hear of each event.
    pub(crate) fn try_drain(
        &self,
        windows: WindowRule,
        meanwhile: impl Fn(&Told) + Sync,
    ) -> Result<Heard, ProcessorError> {
        let run = BacklogRun { patience: Patience::UntilDrained, windows };
        let media = MediaFolder::new(self.catalog.clone(), Some(self.root()));
        let after = |id: SegmentId| drop(media.move_into(id, Some(PROCESSED)).unwrap());
        listen(meanwhile, |tell| self.processing().run_backlog(&self.root(), run, &after, tell))
    }

    pub(crate) fn process_named(&self, named: &[&Path], after: AfterNamed) -> Heard {
        self.process_named_to(named, None, after)
    }

    pub(crate) fn process_named_to(&self, named: &[&Path], out: Option<&Path>, after: AfterNamed) -> Heard {
        let named: Vec<PathBuf> = named.iter().map(|&path| path.to_owned()).collect();
        let files = NamedFiles::find(&named, out, after);
        listen(|_| {}, |tell| self.processing().run_named(&files, tell)).unwrap()
    }

    pub(crate) fn segment(&self, path: impl AsRef<Path>) -> Segment {
        let path = path.as_ref();
        self.catalog.segment_at(path).unwrap().unwrap_or_else(|| panic!("{} has no row", path.display()))
    }
}

/// Runs something that tells, and gathers what it told.
pub(crate) fn listen(
    meanwhile: impl Fn(&Told) + Sync,
    run: impl FnOnce(&(dyn Fn(&Event<'_>) + Sync)) -> Result<(), ProcessorError>,
) -> Result<Heard, ProcessorError> {
    let heard = Mutex::new(Heard::default());
    run(&|event| {
        let told = told(event);
        let mut heard = heard.lock().unwrap();
        heard.tally.add(event);
        if let Some(told) = told {
            meanwhile(&told);
            heard.told.push(told);
        }
    })?;
    Ok(heard.into_inner().unwrap())
}

fn told(event: &Event<'_>) -> Option<Told> {
    Some(match event {
        Event::Backlog(_) | Event::Urgent(_) => return None,
        Event::Processed { file, .. } => Told::Processed(file.clone()),
        Event::Skipped { file } => Told::Skipped(file.clone()),
        Event::Failed { file, reason } => Told::Failed(file.clone(), reason.clone()),
        Event::GivenBack { file, reason } => Told::GivenBack(file.clone(), reason.clone()),
        Event::Waiting { reason, .. } => Told::Waiting(*reason),
    })
}

/// The time at which the clock stands first.
pub(crate) fn now() -> DateTime<Utc> {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    DateTime::from_timestamp(i64::try_from(seconds).unwrap(), 0).unwrap()
}

pub(crate) fn set_age(path: &Path, age: Duration) {
    let written = SystemTime::from(now()) - age;
    std::fs::File::options().append(true).open(path).unwrap().set_modified(written).unwrap();
}

pub(crate) fn sidecar(media: &Path) -> PathBuf {
    catalog::sidecar_of(media)
}

pub(crate) fn read_json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}
