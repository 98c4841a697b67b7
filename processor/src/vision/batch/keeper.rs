//! The keeper: takes each batch from its intent to its end, one step at a time, whatever died in between.
//!
//! Intent, upload, creation: each is written down when it is done. Only between creation and its note nobody knows
//! whether the provider has the batch; then its own list is looked through for our id before anything is sent again.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Instant;

use catalog::{BatchLimits, BatchLock, BatchState, CallMode, CapReached, Catalog, DayCaps};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::super::client::VisionClient;
use super::super::error::VisionError;
use super::super::failure::Failure;
use super::super::retry::{Situation, Verdict};
use super::due::{Idle, is_due};
use super::provider::{Provider, has_none};

/// How long nothing is sent when a camera's cap is reached.
const CAMERA_CAP_REST: TimeDelta = TimeDelta::minutes(10);

/// Talks with the provider about batches. Its calls block: they are for a thread of their own.
pub(crate) struct Keeper {
    pub(super) client: VisionClient,
    pub(super) provider: Provider,
    runtime: Handle,
    pub(super) ending: CancellationToken,
    /// Batches of which it is certain that the provider has none, though their file is there.
    pub(super) uncreated: HashSet<String>,
    next_poll: Option<Instant>,
    /// Nothing is sent before, since a cap is reached.
    capped_until: Option<DateTime<Utc>>,
    is_checked: bool,
    /// What went wrong and was said, since all went well last.
    said: HashSet<&'static str>,
}

/// What a round found.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Caps that keep questions from going out today.
    pub(crate) reached: Vec<CapReached>,
}

/// Whether a step was made, or waits for a better time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Made,
    /// This batch waits.
    Later,
    /// The provider is out of reach.
    Down,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Keeper {
    pub(crate) fn new(
        client: &VisionClient,
        runtime: &Handle,
        ending: &CancellationToken,
    ) -> Result<Self, VisionError> {
        Ok(Self {
            provider: Provider::new(&client.shared.settings)?,
            client: client.clone(),
            runtime: runtime.clone(),
            ending: ending.clone(),
            uncreated: HashSet::new(),
            next_poll: None,
            capped_until: None,
            is_checked: false,
            said: HashSet::new(),
        })
    }

    /// Sends what is due, and looks what has become of the rest when it is time to. Does nothing where another process
    /// does it. A provider that is out of reach is no error: it is asked again later.
    pub(crate) fn round(&mut self, idle: Idle) -> Result<Round, VisionError> {
        let Some(_lock) = BatchLock::try_take(self.catalog())? else { return Ok(Round::default()) };
        if self.next_poll.is_none_or(|at| at <= Instant::now()) {
            self.next_poll = Some(Instant::now() + self.client.shared.settings.batches.poll);
            self.check()?;
            self.resume()?;
            self.catalog().tidy_spool(self.now())?;
        }
        let model = self.client.asks_by_batch().then(|| self.client.shared.settings.model.clone());
        let released = self.catalog().release_gathered(model.as_deref(), self.now())?;
        if released > 0 {
            tracing::info!(questions = released, "what was gathered for another way of asking is let go");
        }
        if model.is_some() { self.send(idle) } else { Ok(Round::default()) }
    }

    /// Makes the next round look at all batches, whenever they were looked at last.
    pub(crate) fn poll_now(&mut self) {
        self.next_poll = None;
    }

    /// Finds out once whether the server has batches at all.
    fn check(&mut self) -> Result<(), VisionError> {
        if self.is_checked || !self.client.asks_by_batch() {
            return Ok(());
        }
        match self.block_on(self.provider.list(|_| true)) {
            Err(failure) if has_none(&failure) => self.do_without(&failure),
            Err(failure) => return self.trouble("the batches cannot be listed", &failure).map(drop),
            Ok(()) => self.is_checked = true,
        }
        Ok(())
    }

    pub(super) fn do_without(&mut self, failure: &Failure) {
        self.is_checked = true;
        self.client.shared.no_batches.store(true, Ordering::Relaxed);
        tracing::warn!(%failure, "the vision server has no batches: what it is asked, it is asked at once, at its full price");
    }

    /// Takes every batch that is under way one step further. One that cannot be does not keep the others from it.
    fn resume(&mut self) -> Result<(), VisionError> {
        let mut all_well = true;
        for batch in self.catalog().batches_under_way()? {
            if self.ending.is_cancelled() {
                break;
            }
            let step = match batch.state {
                BatchState::Submitted => self.follow(&batch)?,
                _ => self.submit(batch)?,
            };
            all_well &= step == Step::Made;
            if step == Step::Down {
                break;
            }
        }
        if all_well {
            self.said.clear();
        }
        Ok(())
    }

    /// Makes batches of what is gathered, as long as there is enough of it.
    fn send(&mut self, idle: Idle) -> Result<Round, VisionError> {
        let shared = self.client.shared.clone();
        let (limits, mut round) = (shared.settings.batches, Round::default());
        while !self.ending.is_cancelled() {
            let now = self.now();
            if self.capped_until.is_some_and(|until| until > now) {
                break;
            }
            let begun = self.catalog().batches_since(now - TimeDelta::hours(1))?;
            if !is_due(&self.catalog().gathered(now)?, &limits, (idle, begun), now) {
                break;
            }
            let caps = |camera: Option<&str>| -> DayCaps { shared.caps((camera, CallMode::Batch), now) };
            let limits = BatchLimits {
                model: shared.settings.model.clone(),
                max_lines: limits.max_lines,
                max_bytes: limits.max_bytes,
                cap_day: shared.windows.cap_day(now),
            };
            let intended = self.catalog().intend_batch(&limits, &caps, now)?;
            self.capped_until = intended.reached.iter().map(|reached| self.rest_of(reached, now)).max();
            round.reached.extend(intended.reached);
            let Some(id) = intended.batch else { break };
            let mut open = self.catalog().batches_under_way()?.into_iter();
            let Some(batch) = open.find(|batch| batch.id == id) else { break };
            tracing::debug!(batch = id, lines = batch.lines, bytes = batch.bytes, "batch intended");
            if self.submit(batch)? != Step::Made || !round.reached.is_empty() {
                break;
            }
        }
        Ok(round)
    }

    /// Says once that the provider is out of reach; what only a person can mend ends the run.
    pub(super) fn trouble(&mut self, what: &'static str, failure: &Failure) -> Result<Step, VisionError> {
        let situation = Situation { tries: 1, unreadable: 0, jitter: 1.0, now: self.now() };
        if let Verdict::Stop { reason } = self.client.policy.verdict(failure, situation) {
            return Err(VisionError::Stop { reason });
        }
        if !self.ending.is_cancelled() && self.said.insert(what) {
            tracing::warn!(what, %failure, "batches wait");
        }
        let is_down = matches!(failure, Failure::NotConnected { .. } | Failure::Interrupted { .. });
        Ok(if is_down { Step::Down } else { Step::Later })
    }

    /// Waits for the provider, but not when the run ends.
    pub(super) fn block_on<T>(&self, talk: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let ended = || Failure::Interrupted { text: "the run is ending".to_owned() };
        let unless = self.ending.run_until_cancelled(talk);
        self.runtime.block_on(unless).unwrap_or_else(|| Err(ended()))
    }

    /// At the cap of one camera there may be room for the others.
    fn rest_of(&self, reached: &CapReached, now: DateTime<Utc>) -> DateTime<Utc> {
        match reached.camera {
            Some(_) => now + CAMERA_CAP_REST,
            None => self.client.shared.windows.cap_day_ends(now),
        }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.client.shared.catalog
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.client.shared.clock.now()
    }
}
