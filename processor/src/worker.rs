//! A worker: takes one lease at a time to its end, whatever that is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::{
    Blame, CatalogError, Clock, FileStat, Finished, GiveBack, Lease, Queue, Results, SegmentState,
    StartSource, WAITS_FOR_CAP, cues, files,
};
use chrono::{DateTime, Utc};

use crate::draft::Draft;
use crate::error::{ProcessorError, chain};
use crate::event::{Event, Tell};
use crate::examiner::{Examiner, Subject, Tools};
use crate::pace::PaceKeeper;
use crate::places::Place;
use crate::shift::Shift;
use crate::unfinished::Unfinished;

/// How long a lease holds without a sign of progress. Long, since one answer of the vision model may take
/// minutes; a process that dies is noticed at once all the same.
pub(crate) const LEASE: Duration = Duration::from_secs(20 * 60);

/// A lease is prolonged when this much of it is gone.
const PROLONG_AFTER: Duration = Duration::from_secs(60);

/// Delay before a segment that failed is tried again, times the number of the attempt.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// Delay for a file that somebody writes to: longer than a run waits before it counts as drained.
const GROWING_DELAY: Duration = Duration::from_secs(90);

/// For how long at least nothing more is begun when the vision model fails: the work keeps.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// How often a catalogue is asked that another process keeps busy; SQLite waits 5 s each time.
const TRIES: usize = 12;

/// What the workers of one run share.
pub(crate) struct Work<'a> {
    pub(crate) queue: &'a dyn Queue,
    pub(crate) place: &'a dyn Place,
    pub(crate) examiner: &'a Examiner,
    pub(crate) pace: &'a PaceKeeper,
    pub(crate) shift: &'a Shift,
    pub(crate) clock: &'a Clock,
    pub(crate) tell: Tell<'a>,
    /// Held by the one worker that sets dead segments aside.
    pub(crate) aside: Mutex<()>,
}

impl Work<'_> {
    /// Leases the oldest segment that waits and takes it to its end. Returns whether there was one; only what
    /// stops the whole run is an error.
    pub(crate) fn take_next(&self, tools: &mut Option<Tools>) -> Result<bool, ProcessorError> {
        let Some(lease) = insist(|| self.queue.lease(1, LEASE, self.clock.now()))?.pop() else {
            return Ok(false);
        };
        if let Some(until) = self.pace.capped_until(lease.segment.camera.as_deref(), self.clock.now()) {
            self.put_off(&lease, WAITS_FOR_CAP, until)?;
            return Ok(true);
        }
        match catch_unwind(AssertUnwindSafe(|| self.examine(&lease, tools))) {
            Ok(Ok(results)) => self.store(&lease, &results)?,
            Ok(Err(unfinished)) => self.put_back(&lease, unfinished)?,
            Err(_) => {
                // Whatever the panic left half done in them.
                *tools = None;
                self.put_back(&lease, Unfinished::Retry("nightreel panicked on this file".to_owned()))?;
            }
        }
        Ok(true)
    }

    fn examine(&self, lease: &Lease, tools: &mut Option<Tools>) -> Result<Results, Unfinished> {
        let tools = match tools {
            Some(tools) => tools,
            None => tools.insert(self.examiner.tools()?),
        };
        let mut progress = self.progress(lease);
        let file = self.place.file(lease);
        let subject = Subject { segment: &lease.segment, file: &file };
        self.examiner.examine(subject, tools, &mut progress)
    }

    /// Returns what is called between the steps of work on a lease.
    pub(crate) fn progress<'l>(&'l self, lease: &'l Lease) -> impl FnMut() -> Result<(), Unfinished> + 'l {
        let mut prolonged = Instant::now();
        move || {
            if self.shift.is_over() {
                return Err(Unfinished::Ending);
            }
            if prolonged.elapsed() < PROLONG_AFTER {
                return Ok(());
            }
            prolonged = Instant::now();
            self.prolong(lease)
        }
    }

    fn prolong(&self, lease: &Lease) -> Result<(), Unfinished> {
        match self.queue.extend(lease, LEASE, self.clock.now()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Unfinished::LeaseLost),
            Err(error) => {
                // Most of it is left; the next try is a minute away.
                tracing::warn!(segment = %lease.segment.id, error = chain(&error), "cannot prolong a lease");
                Ok(())
            }
        }
    }

    /// Sidecar first, then rows and the end of the lease together, then the move: a kill in between repeats
    /// work, never loses it.
    pub(crate) fn store(&self, lease: &Lease, results: &Results) -> Result<(), ProcessorError> {
        if let Err(error) = self.write_sidecar(lease, results) {
            return self.put_back(lease, self.place.unwritable(error));
        }
        let file = lease.segment.path.clone();
        match insist(|| self.queue.finish(lease, results, self.clock.now()))? {
            Finished::LeaseLost => {
                tracing::warn!(segment = %lease.segment.id, "lease lost before its end");
            }
            Finished::Stored => match self.place.processed(lease.segment.id) {
                Ok(()) => (self.tell)(&Event::Processed { file, results }),
                Err(error) => {
                    let reason = format!("it was looked at, but cannot be moved: {}", chain(&error));
                    (self.tell)(&Event::Failed { file, reason });
                }
            },
        }
        Ok(())
    }

    fn write_sidecar(&self, lease: &Lease, results: &Results) -> Result<(), CatalogError> {
        let sidecar = self.place.sidecar(lease);
        if let Some(folder) = sidecar.parent() {
            files::create_folder(folder)?;
        }
        files::write_atomically(&sidecar, &results.to_json()?)?;
        // The sidecar's name is the file's and `.json`.
        cues::write(&sidecar.with_extension(""), results)
    }

    pub(crate) fn put_back(&self, lease: &Lease, unfinished: Unfinished) -> Result<(), ProcessorError> {
        if let Err(error) = self.place.check() {
            // The disk went away: no segment is to blame for what happens then.
            self.give_back(lease, &error.to_string(), (Duration::ZERO, Blame::Outside))?;
            return Err(error.into());
        }
        let now = self.clock.now();
        let reason = unfinished.to_string();
        let terms = match unfinished {
            Unfinished::LeaseLost => {
                tracing::warn!(segment = %lease.segment.id, "lease lost, another worker has the segment");
                return Ok(());
            }
            Unfinished::Fatal(error) => {
                self.give_back(lease, &reason, (Duration::ZERO, Blame::Outside))?;
                return Err(error);
            }
            Unfinished::Unreadable(_) => match self.grace_left(lease) {
                Some(left) => (left, Blame::Outside),
                None => return self.give_up(lease, &reason),
            },
            Unfinished::Retry(_) => (RETRY_DELAY * lease.attempt, Blame::Segment),
            Unfinished::Changed => (GROWING_DELAY, Blame::Outside),
            Unfinished::Ending | Unfinished::NotAnswered => (Duration::ZERO, Blame::Outside),
            Unfinished::Gathered(draft) => return self.park(lease, (&draft, reason)),
            // This run pauses as a whole. The segment does not, so that a run that is begun when the server is
            // up again, or the cap raised, takes it at once.
            Unfinished::Later { after, .. } => {
                self.pace.vision_unavailable(now + after.max(PAUSE));
                (Duration::ZERO, Blame::Outside)
            }
            Unfinished::CapReached { camera: None, .. } => {
                self.pace.cap_reached(now);
                (Duration::ZERO, Blame::Outside)
            }
            Unfinished::CapReached { camera: Some(camera), .. } => {
                let until = self.pace.camera_cap_reached(camera, now);
                return self.put_off(lease, &format!("{WAITS_FOR_CAP}: {reason}"), until);
            }
        };
        self.give_back(lease, &reason, terms)?;
        (self.tell)(&Event::GivenBack { file: lease.segment.path.clone(), reason });
        self.set_dead_aside()
    }

    /// Keeps what was seen until the answers come. The others go on.
    fn park(&self, lease: &Lease, (draft, reason): (&Draft, String)) -> Result<(), ProcessorError> {
        let text = serde_json::to_string(draft).expect("results and looks always become JSON");
        insist(|| self.queue.park(lease, &text, self.clock.now()))?;
        (self.tell)(&Event::GivenBack { file: lease.segment.path.clone(), reason });
        Ok(())
    }

    /// Gives a segment back until its camera may spend again. The others go on.
    fn put_off(&self, lease: &Lease, reason: &str, until: DateTime<Utc>) -> Result<(), ProcessorError> {
        let delay = (until - self.clock.now()).to_std().unwrap_or_default();
        self.give_back(lease, reason, (delay, Blame::Outside))?;
        (self.tell)(&Event::GivenBack { file: lease.segment.path.clone(), reason: reason.to_owned() });
        Ok(())
    }

    fn give_back(
        &self,
        lease: &Lease,
        reason: &str,
        (delay, blame): (Duration, Blame),
    ) -> Result<(), ProcessorError> {
        let back = GiveBack { reason: reason.to_owned(), delay, blame };
        Ok(insist(|| self.queue.give_back(lease, &back, self.clock.now()))?)
    }

    fn give_up(&self, lease: &Lease, reason: &str) -> Result<(), ProcessorError> {
        insist(|| self.queue.bury(lease, reason))?;
        self.set_dead_aside()
    }

    /// Sets aside what the queue gave up: after its last attempt, or because a worker died with it.
    pub(crate) fn set_dead_aside(&self) -> Result<(), ProcessorError> {
        let _turn = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        for letter in self.queue.dead()? {
            if !matches!(letter.segment.state, SegmentState::Ready | SegmentState::Processed) {
                continue;
            }
            let (id, reason) = (letter.segment.id, letter.reason);
            if let Err(error) = self.place.failed(id, &reason) {
                self.place.check()?;
                tracing::error!(segment = %id, error = chain(&error), "cannot set a segment aside");
                self.place.mark_failed(id, &reason)?;
            }
            (self.tell)(&Event::Failed { file: letter.segment.path, reason });
        }
        Ok(())
    }

    /// A file that another recorder may still be writing gets time to become whole.
    fn grace_left(&self, lease: &Lease) -> Option<Duration> {
        if lease.segment.start_source == StartSource::Recorder {
            return None;
        }
        let metadata = self.place.file(lease).metadata().ok()?;
        let age = (self.clock.now() - FileStat::of(&metadata).modified()).to_std().ok()?;
        self.place.grace().checked_sub(age).filter(|left| !left.is_zero())
    }
}

/// Asks again while another process holds the catalogue for longer than SQLite waits: what was looked at, and
/// paid for, is worth a minute.
pub(crate) fn insist<T>(step: impl Fn() -> Result<T, CatalogError>) -> Result<T, CatalogError> {
    for _ in 1..TRIES {
        match step() {
            Err(error) if error.is_retryable() => {
                tracing::warn!(error = chain(&error), "the catalogue is busy");
            }
            done => return done,
        }
    }
    step()
}
