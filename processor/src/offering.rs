//! The offering: named files compared with what is known of them; what is not done goes into the queue.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use catalog::{
    CatalogError, Clock, FileStat, MediaFolder, PROCESSED, Queue, Results, Segment, SegmentState, cues, files,
};

use tokio_util::sync::CancellationToken;

use crate::error::{ProcessorError, chain};
use crate::event::{Event, Tell, WaitReason};
use crate::named::{AfterNamed, NamedFiles};

pub(crate) struct Offering<'a> {
    pub(crate) media: &'a MediaFolder,
    pub(crate) queue: &'a dyn Queue,
    pub(crate) clock: &'a Clock,
    /// The id of the profile under which the files are looked at.
    pub(crate) profile: &'a str,
    pub(crate) tell: Tell<'a>,
    pub(crate) ending: &'a CancellationToken,
}

impl Offering<'_> {
    /// Offers what is not done under its profile, and writes missing sidecars of what is. Returns the paths of
    /// what was offered.
    pub(crate) fn make(&self, files: &NamedFiles) -> Result<BTreeSet<PathBuf>, ProcessorError> {
        for (file, reason) in files.faults() {
            self.fail(file, reason);
        }
        let mut offered = BTreeSet::new();
        for (file, sidecar) in files.each().take_while(|_| !self.ending.is_cancelled()) {
            let stat = match file.metadata() {
                Ok(metadata) if metadata.is_file() => FileStat::of(&metadata),
                Ok(_) => {
                    self.fail(file, "it is not a file");
                    continue;
                }
                Err(error) => {
                    self.fail(file, &error.to_string());
                    continue;
                }
            };
            let segment = self.media.catalog().index_named_file(file, stat, self.clock.now())?;
            match self.media.catalog().results(segment.id, self.profile)? {
                Some(results) => self.skip(&segment, (sidecar, files.after()), &results),
                None if self.offer(&segment)? => drop(offered.insert(segment.path)),
                None => {
                    let reason = "another nightreel is looking at it now".to_owned();
                    (self.tell)(&Event::GivenBack { file: segment.path, reason });
                }
            }
        }
        Ok(offered)
    }

    /// Puts a file into the queue; one that failed in an earlier run gets another chance.
    fn offer(&self, segment: &Segment) -> Result<bool, CatalogError> {
        if segment.state == SegmentState::Failed {
            self.media.release(segment.id)?;
        }
        Ok(self.queue.offer(&[segment.id], self.clock.now())? == 1)
    }

    fn skip(&self, segment: &Segment, (sidecar, after): (&Path, AfterNamed), results: &Results) {
        match self.make_good(segment, (sidecar, after), results) {
            Ok(()) => (self.tell)(&Event::Skipped { file: segment.path.clone() }),
            Err(error) => self.fail(&segment.path, &chain(&error)),
        }
    }

    /// Brings about what a first run would have left: a sidecar, and the file in `processed/` if that is asked for.
    fn make_good(
        &self,
        segment: &Segment,
        (sidecar, after): (&Path, AfterNamed),
        results: &Results,
    ) -> Result<(), CatalogError> {
        if !tells_of(sidecar, &results.profile.id) {
            if let Some(folder) = sidecar.parent() {
                files::create_folder(folder)?;
            }
            files::write_atomically(sidecar, &results.to_json()?)?;
            cues::write(&sidecar.with_extension(""), results)?;
        }
        match after {
            AfterNamed::Leave => Ok(()),
            AfterNamed::Move => self.media.move_into(segment.id, Some(PROCESSED)).map(drop),
        }
    }

    fn fail(&self, file: &Path, reason: &str) {
        (self.tell)(&Event::Failed { file: file.to_owned(), reason: reason.to_owned() });
    }
}

/// Tells whether a sidecar is there, and of this profile: another one's was written by a run in between.
fn tells_of(sidecar: &Path, profile: &str) -> bool {
    let text = std::fs::read(sidecar).unwrap_or_default();
    serde_json::from_slice::<Results>(&text).is_ok_and(|results| results.profile.id == profile)
}

/// Knows of which offered files nothing was told yet: whoever named them wants to hear of each.
pub(crate) struct Untold {
    files: Mutex<BTreeSet<PathBuf>>,
    waited_for: Mutex<Option<WaitReason>>,
}

impl Untold {
    pub(crate) fn new(files: BTreeSet<PathBuf>) -> Self {
        Self { files: Mutex::new(files), waited_for: Mutex::new(None) }
    }

    pub(crate) fn hear(&self, event: &Event<'_>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Processed { file, .. } | Event::Failed { file, .. } | Event::GivenBack { file, .. } => {
                files.remove(file);
            }
            Event::Waiting { reason, .. } => {
                *self.waited_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(*reason);
            }
            Event::Backlog(_) | Event::Skipped { .. } | Event::Urgent(_) => {}
        }
    }

    /// Tells of the rest that it was not begun, and why.
    pub(crate) fn tell_rest(self, tell: Tell<'_>) {
        let waited_for = self.waited_for.into_inner().unwrap_or_else(PoisonError::into_inner);
        let reason = match waited_for {
            Some(WaitReason::CapReached) => {
                "not begun: a cap of the day is reached; see `vision.max_calls_per_day` and its kin"
            }
            Some(WaitReason::VisionUnavailable) => "not begun: the vision model cannot be reached",
            Some(WaitReason::Paused) => "not begun: processing is paused",
            Some(WaitReason::WindowClosed) => "not begun: the window is closed",
            None => "not begun: the run ended before its turn",
        };
        for file in self.files.into_inner().unwrap_or_else(PoisonError::into_inner) {
            tell(&Event::GivenBack { file, reason: reason.to_owned() });
        }
    }
}
