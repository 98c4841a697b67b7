//! The retainer: feeds the planner from the catalogue and carries out what it decides.

use std::ops::ControlFlow;

use catalog::{Catalog, CatalogError, Disk, MediaFolder, MediaRoot, SegmentId};
use chrono::{DateTime, Utc};
use config::Retention;

use crate::apply::{Applied, Applier, Outcome, apply, carry_out};
use crate::{Due, Entry, FEED_ORDER, Plan, Planner, RetentionError, Situation, Totals, measure};

/// Retention over one root. Its calls block: not for async threads.
#[derive(Clone, Debug)]
pub struct Retainer {
    media: MediaFolder,
    root: MediaRoot,
    policy: Retention,
}

/// What one pass of [`Retainer::pass`] decided and did.
#[derive(Debug)]
pub struct Pass {
    /// Of the segments that were reached, where the pass was ended early.
    pub totals: Totals,
    pub applied: Applied,
    /// What is to be archived.
    pub due: Due,
}

impl Retainer {
    pub fn new(catalog: Catalog, root: MediaRoot, policy: Retention) -> Self {
        Self { media: MediaFolder::new(catalog, Some(root.clone())), root, policy }
    }

    /// Plans for everything that is held. Touches no file; notes the run, so that a clock that jumped is doubted
    /// before age counts.
    pub fn plan(&self, now: DateTime<Utc>) -> Result<Plan, RetentionError> {
        let mut entries = Vec::new();
        let totals = self.plan_each(now, |entry| entries.push(entry))?;
        Ok(Plan { entries, totals })
    }

    /// As [`Retainer::plan`], but hands out entry by entry: a plan of millions need not lie in memory.
    pub fn plan_each(
        &self,
        now: DateTime<Utc>,
        mut each: impl FnMut(Entry),
    ) -> Result<Totals, RetentionError> {
        self.decide_each(now, |entry| {
            each(entry);
            ControlFlow::Continue(())
        })
    }

    /// Carries out a plan; see [`apply`].
    pub fn apply(
        &self,
        plan: &Plan,
        now: DateTime<Utc>,
        tell: impl FnMut(&Entry, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> Result<Applied, RetentionError> {
        self.root.check()?;
        apply(plan, &self.media, now, tell)
    }

    /// Finishes what an earlier pass could not, then plans and carries out each verdict as it falls: memory does
    /// not grow with what is held. For a program that stays; a kill at any moment is made good by the next pass.
    pub fn pass(
        &self,
        now: DateTime<Utc>,
        mut tell: impl FnMut(&Entry, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> Result<Pass, RetentionError> {
        self.media.finish_intents()?;
        let mut applier = Applier::new(&self.media, now);
        let mut due = Due::default();
        let planned = self.decide_each(now, |entry| {
            due.add(&entry);
            applier.apply(&entry, &mut tell)
        });
        let applied = applier.finish()?;
        Ok(Pass { totals: planned?, applied, due })
    }

    /// Does to one segment what follows processing by itself. Age and floor are left to the passes: who processes
    /// old footage wants to see it first.
    pub fn after_processed(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Outcome, RetentionError> {
        self.root.check()?;
        let Some(holding) = self.media.catalog().holding(id, now)? else { return Ok(Outcome::Kept) };
        let policy = Retention { max_age: None, min_free: None, ..self.policy.clone() };
        let situation = Situation { now, disk: Disk::default(), doubt: None };
        let entry = Planner::new(&policy, &situation).decide(holding);
        Ok(carry_out(&self.media, &entry, now)?)
    }

    /// Tells whether a pass is due before its time, at the cost of one system call.
    pub fn is_below_floor(&self) -> Result<bool, RetentionError> {
        match self.policy.min_free {
            Some(floor) => Ok(measure(self.root.path())?.free < floor),
            None => Ok(false),
        }
    }

    /// Decides until `each` breaks.
    fn decide_each(
        &self,
        now: DateTime<Utc>,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<Totals, RetentionError> {
        // An empty mount point is another disk, with other room.
        self.root.check()?;
        let doubt = self.media.catalog().note_run(now)?;
        let situation = Situation { now, disk: measure(self.root.path())?, doubt };
        let mut planner = Planner::new(&self.policy, &situation);
        let mut flow = ControlFlow::Continue(());
        for state in FEED_ORDER {
            if flow.is_continue() {
                let catalog = self.media.catalog();
                flow = catalog.try_each_holding(state, now, |holding| each(planner.decide(holding)))?;
            }
        }
        let totals = planner.finish();
        if flow.is_continue() {
            warn(&totals);
        }
        Ok(totals)
    }
}

fn warn(totals: &Totals) {
    if totals.shortfall > 0 {
        tracing::warn!(
            lacking_bytes = totals.shortfall,
            free_bytes = totals.disk.free,
            "the floor cannot be reached with what may be deleted"
        );
    }
    if totals.withheld.segments > 0 {
        tracing::warn!(
            segments = totals.withheld.segments,
            bytes = totals.withheld.bytes,
            "nothing is deleted by age while the clock is in doubt"
        );
    }
}
