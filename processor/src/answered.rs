//! What was looked at before and is answered by now: batches are followed beside the workers, also while the window
//! is closed, and each segment that has its answers is finished.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::{Lease, Results};

use crate::draft::Draft;
use crate::error::{ProcessorError, chain};
use crate::event::WaitReason;
use crate::examiner::Subject;
use crate::pace::Pace;
use crate::unfinished::Unfinished;
use crate::vision::{Idle, Keeper};
use crate::worker::{LEASE, Work, insist};

/// Between two looks at what is gathered and answered: each is a query.
const TICK: Duration = Duration::from_secs(1);

/// Follows the batches of one run.
pub(crate) struct Answering<'w, 'a> {
    work: &'w Work<'a>,
    keeper: Mutex<Keeper>,
    /// The workers have ended.
    is_over: AtomicBool,
}

impl<'w, 'a> Answering<'w, 'a> {
    pub(crate) fn new(work: &'w Work<'a>, keeper: Keeper) -> Self {
        Self { work, keeper: Mutex::new(keeper), is_over: AtomicBool::new(false) }
    }

    /// Takes up what earlier runs left, before anything is asked.
    pub(crate) fn begin(&self) -> Result<(), ProcessorError> {
        self.round(Idle::No)
    }

    /// Goes on until [`end`](Self::end) or the end of the shift.
    pub(crate) fn go_on(&self) -> Result<(), ProcessorError> {
        while !self.is_over.load(Ordering::SeqCst) && !self.work.shift.is_over() {
            let heard = self.work.shift.heard();
            let ended = catch_unwind(AssertUnwindSafe(|| self.round(self.idle()?)))
                .unwrap_or(Err(ProcessorError::Panicked));
            if ended.is_err() {
                self.work.shift.end();
                return ended;
            }
            self.work.shift.sleep(heard, TICK);
        }
        Ok(())
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.work.shift.ring();
    }

    /// Sends what the workers gathered last, unless the program is to end: it is on the disk, and the next run sends it.
    pub(crate) fn last(&self) -> Result<(), ProcessorError> {
        if self.work.shift.is_over() {
            return Ok(());
        }
        self.keeper().poll_now();
        self.round(match self.idle()? {
            Idle::Paused => Idle::Paused,
            _ => Idle::Yes,
        })
    }

    fn round(&self, idle: Idle) -> Result<(), ProcessorError> {
        let round = self.keeper().round(idle).map_err(ProcessorError::Vision)?;
        let now = self.work.clock.now();
        for reached in round.reached {
            tracing::info!(reason = %reached, "questions wait");
            match reached.camera {
                Some(camera) => drop(self.work.pace.camera_cap_reached(camera, now)),
                None => self.work.pace.cap_reached(now),
            }
        }
        self.work.finish_answered()
    }

    /// Tells whether more questions are to be expected. While the window is open they are: footage comes by the minute,
    /// and would go out in as many batches.
    fn idle(&self) -> Result<Idle, ProcessorError> {
        let now = self.work.clock.now();
        let pace = self.work.pace.at(now);
        if matches!(pace, Pace::Wait { reason: WaitReason::Paused, .. }) {
            return Ok(Idle::Paused);
        }
        let is_closed = matches!(pace, Pace::Wait { .. });
        Ok(if is_closed && self.work.queue.stats(now)?.leased == 0 { Idle::Yes } else { Idle::No })
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work<'_> {
    /// Finishes every segment that has its answers.
    pub(crate) fn finish_answered(&self) -> Result<(), ProcessorError> {
        while !self.shift.is_over() {
            let leased = insist(|| self.queue.lease_answered(LEASE, self.clock.now()))?;
            let Some((lease, draft)) = leased else { break };
            match self.complete(&lease, &draft) {
                Ok(results) => self.store(&lease, &results)?,
                Err(unfinished) => self.put_back(&lease, unfinished)?,
            }
            self.shift.ring();
        }
        Ok(())
    }

    fn complete(&self, lease: &Lease, draft: &str) -> Result<Results, Unfinished> {
        let draft: Draft = serde_json::from_str(draft).map_err(|error| {
            // One of another version.
            tracing::debug!(error = chain(&error), "a draft cannot be read, the footage is looked at again");
            Unfinished::NotAnswered
        })?;
        let mut progress = self.progress(lease);
        let file = self.place.file(lease);
        self.examiner.complete(Subject { segment: &lease.segment, file: &file }, draft, &mut progress)
    }
}
