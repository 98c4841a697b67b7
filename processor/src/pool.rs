//! The workers of a run: a thread per segment that is looked at, until the work or the time is over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use crate::error::ProcessorError;
use crate::event::{Event, WaitReason};
use crate::pace::Pace;
use crate::worker::Work;

/// A sleeping worker looks around at least this often: a lease of another process may have run out.
const LOOK_AROUND: Duration = Duration::from_secs(30);

/// While paused, how often it is looked whether somebody said `nightreel resume`.
const LOOK_FOR_RESUME: Duration = Duration::from_secs(2);

/// A run that drains the backlog waits for what becomes available within this time, such as a second attempt.
const HORIZON: TimeDelta = TimeDelta::seconds(60);

/// When a run ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// When nothing is left to do now, or the window closes.
    UntilDrained,
    /// Never: it waits for windows and new footage.
    Endless,
}

pub(crate) struct Pool<'w, 'a> {
    work: &'w Work<'a>,
    patience: Patience,
    busy: AtomicUsize,
    told: Mutex<Option<Pace>>,
}

impl<'w, 'a> Pool<'w, 'a> {
    pub(crate) fn new(work: &'w Work<'a>, patience: Patience) -> Self {
        Self { work, patience, busy: AtomicUsize::new(0), told: Mutex::new(None) }
    }

    /// Runs `workers` threads to their end, `beside` on this one, and returns the first error.
    pub(crate) fn run(&self, workers: usize, beside: impl FnOnce()) -> Result<(), ProcessorError> {
        self.work.set_dead_aside()?;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| self.worker())).collect();
            beside();
            let ends = threads.into_iter().map(|t| t.join().unwrap_or(Err(ProcessorError::Panicked)));
            ends.fold(Ok(()), Result::and)
        })
    }

    fn worker(&self) -> Result<(), ProcessorError> {
        // What befalls a segment is caught before; a panic elsewhere must not leave the others waiting.
        let ended =
            catch_unwind(AssertUnwindSafe(|| self.work_on())).unwrap_or(Err(ProcessorError::Panicked));
        if ended.is_err() {
            self.work.shift.end();
        }
        ended
    }

    fn work_on(&self) -> Result<(), ProcessorError> {
        let mut tools = None;
        loop {
            let heard = self.work.shift.heard();
            if self.work.shift.is_over() {
                return Ok(());
            }
            let now = self.work.clock.now();
            let pace = self.work.pace.at(now);
            self.tell(pace);
            if let Pace::Wait { until, reason } = pace {
                if self.patience == Patience::UntilDrained {
                    return Ok(());
                }
                self.work
                    .shift
                    .sleep(heard, (until - now).to_std().unwrap_or_default().min(look_again(reason)));
                continue;
            }
            // Counted before the lease, so that no other worker takes the pause in between for the end.
            self.busy.fetch_add(1, Ordering::SeqCst);
            let worked = self.work.take_next(&mut tools);
            self.busy.fetch_sub(1, Ordering::SeqCst);
            match worked {
                Ok(true) => self.work.shift.ring(),
                Ok(false) if self.is_drained()? => return Ok(()),
                Ok(false) => self.work.shift.sleep(heard, self.nap()),
                Err(error) => return Err(error),
            }
        }
    }

    fn is_drained(&self) -> Result<bool, ProcessorError> {
        self.work.set_dead_aside()?;
        let now = self.work.clock.now();
        let stats = self.work.queue.stats(now)?;
        let soon = stats.next_available.is_some_and(|at| at - now < HORIZON);
        let idle = self.busy.load(Ordering::SeqCst) == 0;
        Ok(self.patience == Patience::UntilDrained && idle && stats.queued == 0 && !soon)
    }

    fn nap(&self) -> Duration {
        match self.patience {
            Patience::UntilDrained => Duration::from_millis(500),
            Patience::Endless => LOOK_AROUND,
        }
    }

    /// Says once why nothing is begun, or why something is while the window is closed.
    fn tell(&self, pace: Pace) {
        let event = match pace {
            Pace::Go => return,
            Pace::Urgent(urgency) => Event::Urgent(urgency),
            Pace::Wait { until, reason } => Event::Waiting { until, reason },
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.replace(pace) != Some(pace) {
            (self.work.tell)(&event);
        }
    }
}

fn look_again(reason: WaitReason) -> Duration {
    match reason {
        WaitReason::Paused => LOOK_FOR_RESUME,
        _ => LOOK_AROUND,
    }
}
