//! Applying a plan: step by step through the media folder, which holds each against its row first.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

use catalog::{Carried, CatalogError, MediaFolder, SegmentId};
use chrono::{DateTime, Utc};

use crate::plan::Step;
use crate::{Plan, RetentionError, Tally, Verdict, in_words};

/// Failures that are kept and logged one by one; a disk that lets nothing be written fails a million times.
const FAILURES_TOLD: usize = 100;

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Kept,
    Moved,
    Deleted,
    /// It was leased, queued again or changed since the plan was made.
    LeftAlone,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Applied {
    pub moved: Tally,
    pub deleted: Tally,
    /// Those of the deleted that only the floor asked for.
    pub for_floor: Tally,
    pub left_alone: u64,
    pub failed: u64,
    /// The first hundred of the failed.
    pub failures: Vec<Failure>,
}

#[derive(Debug)]
pub struct Failure {
    pub file: PathBuf,
    pub error: CatalogError,
}

impl Applied {
    pub(crate) fn log(&self) {
        let applied = self;
        if applied.for_floor.segments > 0 {
            tracing::warn!(
                segments = applied.for_floor.segments,
                bytes = applied.for_floor.bytes,
                "deleted footage to keep the floor"
            );
        }
        if applied.moved.segments + applied.deleted.segments + applied.left_alone + applied.failed > 0 {
            tracing::info!(
                moved = applied.moved.segments,
                deleted = applied.deleted.segments,
                freed_bytes = applied.deleted.bytes,
                left_alone = applied.left_alone,
                failed = applied.failed,
                "retention carried out"
            );
        }
    }
}

/// Carries out a plan's steps and counts.
#[derive(Debug)]
pub(crate) struct Applier<'m> {
    media: &'m MediaFolder,
    now: DateTime<Utc>,
    applied: Applied,
    /// Why nothing more may be touched.
    ended_by: Option<CatalogError>,
}

impl<'m> Applier<'m> {
    pub(crate) fn new(media: &'m MediaFolder, now: DateTime<Utc>) -> Self {
        Self { media, now, applied: Applied::default(), ended_by: None }
    }

    /// Carries out a plan. `tell` hears of each segment that was to be changed, and ends it by `Break`: what is left
    /// then stays as it is. A file that fails does not stop the rest; a root that is not the right one does.
    pub(crate) fn apply(
        mut self,
        plan: &Plan,
        mut tell: impl FnMut(SegmentId, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> Result<Applied, RetentionError> {
        for step in &plan.steps {
            if self.take(step, plan, &mut tell).is_break() {
                break;
            }
        }
        self.finish()
    }

    fn take(
        &mut self,
        step: &Step,
        plan: &Plan,
        mut tell: impl FnMut(SegmentId, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match carry_out(self.media, step, &in_words(plan.reasons(step)), self.now) {
            Ok(Outcome::Kept) => ControlFlow::Continue(()),
            Ok(outcome) => {
                self.count(step, outcome, plan.is_for_floor(step));
                tell(step.id, Ok(outcome))
            }
            Err(error @ CatalogError::RootChanged { .. }) => {
                self.ended_by = Some(error);
                ControlFlow::Break(())
            }
            Err(error) => {
                let told = tell(step.id, Err(&error));
                self.fail(step, error);
                told
            }
        }
    }

    fn finish(self) -> Result<Applied, RetentionError> {
        match self.ended_by {
            Some(error) => Err(error.into()),
            None => Ok(self.applied),
        }
    }

    fn count(&mut self, step: &Step, outcome: Outcome, for_floor: bool) {
        tracing::debug!(segment = %step.id, verdict = %step.verdict, ?outcome, "verdict carried out");
        match outcome {
            Outcome::Kept => {}
            Outcome::Moved => self.applied.moved.add(step.bytes),
            Outcome::Deleted => self.applied.deleted.add(step.bytes),
            Outcome::LeftAlone => self.applied.left_alone += 1,
        }
        if outcome == Outcome::Deleted && for_floor {
            self.applied.for_floor.add(step.bytes);
        }
    }

    fn fail(&mut self, step: &Step, error: CatalogError) {
        self.applied.failed += 1;
        if self.applied.failures.len() < FAILURES_TOLD {
            let file = self.media.catalog().segment(step.id).map(|segment| segment.path).unwrap_or_default();
            tracing::error!(file = %file.display(), verdict = %step.verdict, error = &error as &dyn Error,
                "cannot carry out a verdict");
            self.applied.failures.push(Failure { file, error });
        }
    }
}

pub(crate) fn carry_out(
    media: &MediaFolder,
    step: &Step,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Outcome, CatalogError> {
    let (carried, done) = match step.verdict {
        // Many segments make a bundle: see `Due`.
        Verdict::Keep | Verdict::Archive => return Ok(Outcome::Kept),
        Verdict::Move => (media.move_planned(step.planned(now))?, Outcome::Moved),
        Verdict::Delete => (media.delete_planned(step.planned(now), why)?, Outcome::Deleted),
    };
    Ok(match carried {
        Carried::Out => done,
        Carried::LeftAlone => Outcome::LeftAlone,
    })
}
