//! A run of processing, wired: over the root's backlog, or over files that were named.

use std::sync::{Arc, Mutex};

use catalog::{
    Catalog, CatalogError, Clock, Hints, MediaFolder, MediaRoot, PROCESSED, Profile, Queue, ScanReport,
    Scanner, Segment, SegmentId, SegmentState, SqliteQueue, Watcher,
};
use chrono::{DateTime, Utc};
use config::Settings;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::answered::Answering;
use crate::decoding::DecoderProgram;
use crate::digesting::{Digesting, Nights};
use crate::error::{ProcessorError, chain};
use crate::event::{Event, Tell};
use crate::examiner::Examiner;
use crate::looks::Asker;
use crate::named::NamedFiles;
use crate::offering::{Offering, Untold};
use crate::pace::{Backlog, Pace, PaceKeeper};
use crate::places::{NamedPlace, Place, RootPlace};
use crate::pool::{Patience, Pool};
use crate::shift::Shift;
use crate::vision::Idle;
use crate::worker::Work;

/// Rounds of waiting for files that are being written, before a run over the backlog begins without them.
const SETTLE_ROUNDS: usize = 6;

/// Everything a run needs. Its calls block: they are for a thread of their own.
#[derive(Debug)]
pub struct Processing {
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    examiner: Examiner,
    asker: Option<Asker>,
    ending: CancellationToken,
    runtime: Handle,
}

/// What a run works with besides its settings.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    pub catalog: &'a Catalog,
    pub clock: &'a Clock,
    pub decoder: &'a DecoderProgram,
    /// Cancelled: what is under way comes to an end, nothing more is begun.
    pub ending: &'a CancellationToken,
}

/// How a run over the backlog goes.
#[derive(Clone, Copy, Debug)]
pub struct BacklogRun {
    pub patience: Patience,
    pub windows: WindowRule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowRule {
    Keep,
    /// `--now`.
    Ignore,
}

/// What the workers of one run work on.
struct Order<'a> {
    queue: &'a dyn Queue,
    place: &'a dyn Place,
    pace: &'a PaceKeeper,
    patience: Patience,
    tell: Tell<'a>,
}

impl Processing {
    /// Call it inside the runtime, which the vision client uses.
    pub fn new(settings: &Settings, around: Surroundings<'_>) -> Result<Self, ProcessorError> {
        let Surroundings { catalog, clock, decoder, ending } = around;
        let asker = Asker::new(settings, catalog, clock, ending)?;
        Ok(Self {
            examiner: Examiner::new(settings, catalog, asker.clone(), decoder)?,
            settings: settings.clone(),
            catalog: catalog.clone(),
            clock: clock.clone(),
            asker,
            ending: ending.clone(),
            runtime: Handle::current(),
        })
    }

    /// Works on the root's backlog. `after` is called with each segment whose results are stored, also with
    /// those that an earlier run left where they were.
    #[expect(clippy::too_many_arguments, reason = "who hears of it is apart from what is done")]
    pub fn run_backlog(
        &self,
        root: &MediaRoot,
        run: BacklogRun,
        after: &(dyn Fn(SegmentId) + Sync),
        tell: Tell<'_>,
    ) -> Result<(), ProcessorError> {
        let media = MediaFolder::new(self.catalog.clone(), Some(root.clone()));
        media.finish_intents()?;
        let (catalog, process) = (self.catalog.clone(), &self.settings.process);
        let backlog = Backlog { catalog, root: root.path().to_owned(), urgent: process.urgent };
        let pace = PaceKeeper::new(process.windows.clone(), run.windows == WindowRule::Ignore).over(backlog);
        let mut scanner = Scanner::new(self.catalog.clone(), root.clone(), &self.settings);
        let is_begun_now =
            run.patience == Patience::UntilDrained && !matches!(pace.at(self.clock.now()), Pace::Wait { .. });
        self.scan_first(&mut scanner, if is_begun_now { SETTLE_ROUNDS } else { 1 })?;
        let place = &RootPlace { root, media: &media, after };
        let order = Order { queue: &self.queue(), place, pace: &pace, patience: run.patience, tell };
        self.catalog.take_up_deferrals(self.clock.now())?;
        let begun = self.clock.now();
        self.work(&order, |shift| {
            self.catch_up(after, shift);
            if run.patience == Patience::Endless {
                self.watch(root, &mut scanner, shift);
            }
        })?;
        if run.patience == Patience::UntilDrained && !self.ending.is_cancelled() {
            self.digest_of(begun);
        }
        Ok(())
    }

    /// Tells of what a run that began at `begun` has seen.
    fn digest_of(&self, begun: DateTime<Utc>) {
        let now = self.clock.now();
        if let Some(digesting) = self.digesting() {
            let mut nights = [begun, now].map(|at| self.settings.process.windows.cap_day(at)).to_vec();
            nights.dedup();
            digesting.make(&nights, now);
        }
    }

    /// Absent where no digests are wanted.
    fn digesting(&self) -> Option<Digesting<'_>> {
        self.settings.vision.as_ref().filter(|vision| vision.digest)?;
        let (asker, windows) = (self.asker.as_ref()?, &self.settings.process.windows);
        Some(Digesting { asker, catalog: &self.catalog, windows })
    }

    /// Tells of the night that ended last, when nothing of it is under way any more.
    fn digest_night(&self, nights: &mut Nights) {
        let (Some(digesting), now) = (self.digesting(), self.clock.now()) else { return };
        match self.is_under_way(now) {
            Ok(is_busy) => digesting.make_when_over(nights, (is_busy, now)),
            Err(error) => tracing::warn!(error = chain(&error), "cannot look at the queue"),
        }
    }

    /// Tells whether captions of what was begun are still to come, with a batch perhaps.
    fn is_under_way(&self, now: DateTime<Utc>) -> Result<bool, CatalogError> {
        Ok(self.queue().stats(now)?.leased > 0 || self.catalog.batch_tally()?.segments > 0)
    }

    /// Works on files that were named, leaving them where they are unless told otherwise.
    pub fn run_named(&self, files: &NamedFiles, tell: Tell<'_>) -> Result<(), ProcessorError> {
        let media = MediaFolder::new(self.catalog.clone(), None);
        media.finish_intents()?;
        let queue = self.queue().scoped();
        let profile = &self.examiner.profile(None).id;
        let (clock, ending) = (&self.clock, &self.ending);
        let offering = Offering { media: &media, queue: &queue, clock, profile, tell, ending };
        let untold = Untold::new(offering.make(files)?);
        let hear = |event: &Event<'_>| {
            untold.hear(event);
            tell(event);
        };
        let pace = PaceKeeper::new(self.settings.process.windows.clone(), true);
        let place = &NamedPlace { media: &media, files };
        let patience = Patience::UntilDrained;
        self.work(&Order { queue: &queue, place, pace: &pace, patience, tell: &hear }, |_| {})?;
        untold.tell_rest(tell);
        Ok(())
    }

    /// Looks once at the batches under way, such as one that is to be cancelled, and sends nothing new.
    pub fn follow_batches(&self) -> Result<(), ProcessorError> {
        let Some(asker) = &self.asker else { return Ok(()) };
        let mut keeper = asker.keeper().map_err(ProcessorError::Vision)?;
        keeper.round(Idle::Paused).map_err(ProcessorError::Vision).map(drop)
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns the profile under which a camera's segments are looked at today.
    pub(crate) fn profile(&self, camera: &str) -> Profile {
        self.examiner.profile(Some(camera))
    }

    pub(crate) fn queue(&self) -> SqliteQueue {
        SqliteQueue::new(self.catalog.clone(), self.settings.process.max_attempts)
    }

    /// Lets the workers work, with `beside` on this thread.
    fn work(&self, order: &Order<'_>, beside: impl FnOnce(&Shift)) -> Result<(), ProcessorError> {
        let Order { queue, place, pace, patience, tell } = *order;
        self.catalog.settle_calls(self.clock.now())?;
        self.catalog.catch_up_events()?;
        tell(&Event::Backlog(queue.stats(self.clock.now())?.backlog()));
        let shift = Shift::new(&self.ending, self.runtime.clone());
        let (examiner, clock) = (&self.examiner, &self.clock);
        let work = Work { queue, place, examiner, pace, shift: &shift, clock, tell, aside: Mutex::default() };
        let ended = match &self.asker {
            Some(asker) if place.has_batches() => {
                let answering = Answering::new(&work, asker.keeper().map_err(ProcessorError::Vision)?);
                self.work_beside(&answering, &Pool::new(&work, patience), || beside(&shift))
            }
            _ => Pool::new(&work, patience).run(self.settings.process.workers, || beside(&shift)),
        };
        if let Some(asker) = &self.asker {
            asker.finish();
        }
        ended
    }

    /// Lets the workers work while batches are followed, and sends what they gathered last.
    fn work_beside(
        &self,
        answering: &Answering<'_, '_>,
        pool: &Pool<'_, '_>,
        beside: impl FnOnce(),
    ) -> Result<(), ProcessorError> {
        answering.begin()?;
        std::thread::scope(|scope| {
            let following = scope.spawn(|| answering.go_on());
            let ended = pool.run(self.settings.process.workers, beside);
            answering.end();
            ended.and(following.join().unwrap_or(Err(ProcessorError::Panicked)))
        })?;
        answering.last()
    }

    /// Walks the root, again after the settle time while there are files that are being written.
    fn scan_first(&self, scanner: &mut Scanner, rounds: usize) -> Result<(), ProcessorError> {
        for round in 1..=rounds {
            let report = scanner.scan(&Hints::default(), self.clock.now())?;
            log(&report);
            if report.unsettled == 0 || round == rounds || self.ending.is_cancelled() {
                break;
            }
            let settle = self.settings.storage.settle;
            self.runtime.block_on(async {
                self.ending.run_until_cancelled(tokio::time::sleep(settle)).await;
            });
        }
        Ok(())
    }

    /// Calls `after` for what was looked at by a run that was killed before it could.
    fn catch_up(&self, after: &(dyn Fn(SegmentId) + Sync), shift: &Shift) {
        let listed = self.catalog.each_segment(&[SegmentState::Processed], |segment| {
            if !shift.is_over() && is_left_in_place(&segment) {
                after(segment.id);
            }
        });
        if let Err(error) = listed {
            tracing::warn!(error = chain(&error), "cannot list what was processed before");
        }
    }

    /// Scans when the watcher hears something, and at every interval all the same.
    fn watch(&self, root: &MediaRoot, scanner: &mut Scanner, shift: &Shift) {
        let watcher = Arc::new(Watcher::start(root.path()).unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "cannot watch for new footage, walking only");
            Watcher::deaf()
        }));
        let waker = Arc::clone(&watcher);
        shift.on_stop(move || waker.wake());
        let storage = &self.settings.storage;
        let (mut pause, mut nights) = (storage.settle, Nights::default());
        while !shift.is_over() {
            let hints = watcher.wait(pause);
            pause = storage.scan_interval;
            match scanner.scan(&hints, self.clock.now()) {
                Ok(report) => {
                    log(&report);
                    // Also for what the scan did not add: a recorder queues its segments itself.
                    shift.ring();
                    if report.unsettled > 0 {
                        pause = pause.min(storage.settle);
                    }
                }
                Err(error) => tracing::error!(error = chain(&error), "cannot look for new footage"),
            }
            self.digest_night(&mut nights);
        }
    }
}

/// Files that were named belong to nobody's rules.
fn is_left_in_place(segment: &Segment) -> bool {
    segment.path.is_relative() && segment.path.iter().nth(1).is_none_or(|folder| folder != PROCESSED)
}

fn log(report: &ScanReport) {
    for trouble in &report.troubles {
        tracing::warn!(trouble, "footage passed over");
    }
    if report.added > 0 || report.missing > 0 {
        tracing::debug!(added = report.added, missing = report.missing, "scanned");
    }
}
