//! The retainer: feeds the planner from the catalogue and carries out what it decides.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use catalog::{
    Catalog, CatalogError, Disk, Facts, Holding, Listing, MediaFolder, MediaRoot, SegmentId, Shown, Works,
};
use chrono::{DateTime, Utc};
use config::{AfterProcessing, Retention};

use crate::apply::{Applied, Applier, Outcome};
use crate::{
    Due, Entry, FEED_ORDER, Guarded, Plan, Planner, RetentionError, Rules, Situation, Survey, Totals, measure,
};

/// Retention over one root. Its calls block: not for async threads.
#[derive(Clone, Debug)]
pub struct Retainer {
    media: MediaFolder,
    root: MediaRoot,
    policy: Retention,
}

/// What is asked of the catalogue once for a plan, instead of for each segment.
struct Known {
    works: Works,
    shown: Shown,
}

/// What one pass of [`Retainer::pass`] decided and did.
#[derive(Debug)]
pub struct Pass {
    pub totals: Totals,
    pub applied: Applied,
    /// What somebody should agree to first; all but the floor and moves waits then.
    pub guarded: Option<Guarded>,
    /// What is to be archived.
    pub due: Due,
}

/// What [`Retainer::make_room`] did.
#[derive(Debug)]
pub struct Room {
    pub applied: Applied,
    /// Bytes of the floor that are still lacking.
    pub lacking: u64,
    /// What it took to find out what may go, which is longer the more waits to be processed.
    pub looking: Duration,
}

/// What the next run of retention would do to a segment.
#[derive(Clone, Debug)]
pub struct Future {
    pub entry: Entry,
    /// When age deletes it, if it is processed by then and no other rule was quicker.
    pub deleted_by_age_at: Option<DateTime<Utc>>,
}

impl Retainer {
    pub fn new(catalog: Catalog, root: MediaRoot, policy: Retention) -> Self {
        Self { media: MediaFolder::new(catalog, Some(root.clone())), root, policy }
    }

    /// Refuses a floor that the whole disk cannot give.
    pub fn check_floor(&self) -> Result<(), RetentionError> {
        let total = measure(self.root.path())?.total;
        match self.policy.min_free {
            Some(floor) if floor >= total => Err(RetentionError::FloorAboveDisk { floor, total }),
            _ => Ok(()),
        }
    }

    /// The same without a floor.
    pub fn without_floor(&self) -> Self {
        Self { policy: Retention { min_free: None, ..self.policy.clone() }, ..self.clone() }
    }

    /// Plans for everything that is held, and hands out entry by entry: the plan keeps only what is to be done.
    /// Touches no file; notes the run, so that a clock that jumped is doubted before age counts.
    pub fn plan(&self, now: DateTime<Utc>, mut each: impl FnMut(&Entry)) -> Result<Plan, RetentionError> {
        let rules = self.rules(now)?;
        let known = self.known(&rules)?;
        let survey = self.survey(&rules, &known)?;
        let mut planner = Planner::new(&rules, survey.as_ref());
        let mut plan = Plan::default();
        self.feed(&known, Facts::All, |holding| {
            let entry = planner.decide(holding);
            plan.note(&entry);
            each(&entry);
            ControlFlow::Continue(())
        })?;
        plan.totals = planner.finish();
        warn(&plan.totals);
        Ok(plan)
    }

    /// Carries out a plan. `tell` hears of each segment that was to be changed, and ends it by `Break`: what is left
    /// then stays as it is. A file that fails does not stop the rest; a root that is not the right one does.
    pub fn apply(
        &self,
        plan: &Plan,
        now: DateTime<Utc>,
        tell: impl FnMut(SegmentId, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> Result<Applied, RetentionError> {
        self.root.check()?;
        let applied = Applier::new(&self.media, now).apply(plan, tell)?;
        applied.log();
        Ok(applied)
    }

    /// Finishes what an earlier pass could not, then plans and carries it out. What the guard stops waits: the floor
    /// and moves go on. For a program that stays; a kill at any moment is made good by the next pass.
    pub fn pass(
        &self,
        now: DateTime<Utc>,
        tell: impl FnMut(SegmentId, Result<Outcome, &CatalogError>) -> ControlFlow<()>,
    ) -> Result<Pass, RetentionError> {
        self.media.finish_intents()?;
        let plan = self.plan(now, |_| {})?;
        let guarded = Guarded::of(&plan.totals, &self.policy);
        let plan = match guarded {
            Some(_) => self.under_guard().plan(now, |_| {})?,
            None => plan,
        };
        let applied = self.apply(&plan, now, tell)?;
        Ok(Pass { totals: plan.totals, applied, guarded, due: plan.due })
    }

    /// Deletes the oldest until `floor` bytes are free, without a look at all that is held: for a disk that fills
    /// between two passes. Logs nothing: it may happen each second.
    pub fn make_room(&self, floor: u64, now: DateTime<Utc>) -> Result<Room, RetentionError> {
        let begun = Instant::now();
        let without_rules = self.under_guard();
        let rules = without_rules.rules(now)?;
        let lacking = floor.saturating_sub(rules.situation.disk.free);
        // The floor asks for no labels.
        let known = Known { works: self.media.catalog().works(now)?, shown: Shown::default() };
        let mut planner = Planner::for_room(&rules, lacking);
        let mut plan = Plan::default();
        self.feed(&known, Facts::All, |holding| {
            let entry = planner.decide(holding);
            if entry.is_for_floor() {
                plan.note(&entry);
            }
            if planner.lacking() == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let (lacking, looking) = (planner.lacking(), begun.elapsed());
        let applied = Applier::new(&self.media, now).apply(&plan, |_, _| ControlFlow::Continue(()))?;
        Ok(Room { applied, lacking, looking })
    }

    /// Does to one segment what follows processing by itself. Age, size and floor are left to the passes: who
    /// processes old footage wants to see it first.
    pub fn after_processed(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Outcome, RetentionError> {
        self.root.check()?;
        let catalog = self.media.catalog();
        let Some(holding) = catalog.holding(id, now)? else { return Ok(Outcome::Kept) };
        let mut policy = Retention { max_age: None, min_free: None, ..self.policy.clone() };
        policy.rules.iter_mut().for_each(|rule| rule.max_age = None);
        let situation = Situation {
            holds: catalog.holds(now)?,
            doubt: catalog.clock_doubt()?,
            ..Situation::new(now, Disk::default())
        };
        let rules = Rules::new(&policy, situation);
        let mut plan = Plan::default();
        plan.note(&Planner::new(&rules, None).decide(holding));
        let mut done = Outcome::Kept;
        let applied = self.apply(&plan, now, |_, outcome| {
            done = outcome.unwrap_or(Outcome::Kept);
            ControlFlow::Continue(())
        })?;
        match applied.failures.into_iter().next() {
            Some(failure) => Err(failure.error.into()),
            None => Ok(done),
        }
    }

    /// Tells what the next run would do to one segment; nothing where its file is gone, or on its way. Notes no run.
    pub fn future(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Option<Future>, RetentionError> {
        let catalog = self.media.catalog();
        let Some(wanted) = catalog.holding(id, now)? else { return Ok(None) };
        let doubt = catalog.clock_doubt()?;
        let rules = self.rules_in(now, doubt)?;
        let deleted_by_age_at = rules.deleted_by_age_at(&wanted);
        let known = self.known(&rules)?;
        let survey = self.survey(&rules, &known)?;
        let mut planner = Planner::new(&rules, survey.as_ref());
        let mut found = None;
        if survey.is_none() {
            found = Some(planner.decide(wanted));
        } else {
            // What goes for want of room depends on all that comes before it.
            self.feed(&known, Facts::All, |holding| {
                let entry = planner.decide(holding);
                if entry.id == id {
                    found = Some(entry);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(found.map(|entry| Future { entry, deleted_by_age_at }))
    }

    /// Tells whether less than `floor` is free, at the cost of one system call.
    pub fn is_below(&self, floor: u64) -> Result<bool, RetentionError> {
        Ok(measure(self.root.path())?.free < floor)
    }

    /// The same, with rules that delete nothing by themselves.
    fn under_guard(&self) -> Self {
        let spare = |after: &mut AfterProcessing| {
            if *after == AfterProcessing::Delete {
                *after = AfterProcessing::Keep;
            }
        };
        let mut policy = Retention {
            max_age: None,
            max_bytes: None,
            failed_max_age: None,
            max_unprocessed_age: None,
            ..self.policy.clone()
        };
        spare(&mut policy.after_processing);
        for rule in &mut policy.rules {
            (rule.max_age, rule.max_bytes) = (None, None);
            rule.after_processing.iter_mut().for_each(spare);
        }
        Self { policy, ..self.clone() }
    }

    fn rules(&self, now: DateTime<Utc>) -> Result<Rules, RetentionError> {
        // An empty mount point is another disk, with other room.
        self.root.check()?;
        let doubt = self.media.catalog().note_run(now)?;
        self.rules_in(now, doubt)
    }

    fn rules_in(
        &self,
        now: DateTime<Utc>,
        doubt: Option<catalog::ClockDoubt>,
    ) -> Result<Rules, RetentionError> {
        let holds = self.media.catalog().holds(now)?;
        let situation = Situation { doubt, holds, ..Situation::new(now, measure(self.root.path())?) };
        Ok(Rules::new(&self.policy, situation))
    }

    /// Sums up what is held, where something may go for want of room.
    fn survey(&self, rules: &Rules, known: &Known) -> Result<Option<Survey>, RetentionError> {
        let Retention { min_free, max_bytes, rules: of_some, .. } = &self.policy;
        let sized = max_bytes.is_some() || of_some.iter().any(|rule| rule.max_bytes.is_some());
        let full = min_free.is_some_and(|floor| rules.situation.disk.free < floor);
        if !sized && !full {
            return Ok(None);
        }
        let mut survey = Survey::new(rules);
        self.feed(known, Facts::Sizes, |holding| {
            survey.add(&holding, rules);
            ControlFlow::Continue(())
        })?;
        Ok(Some(survey))
    }

    fn known(&self, rules: &Rules) -> Result<Known, RetentionError> {
        let catalog = self.media.catalog();
        Ok(Known { works: catalog.works(rules.situation.now)?, shown: catalog.shown(&self.policy.labels())? })
    }

    fn feed(
        &self,
        known: &Known,
        facts: Facts,
        mut each: impl FnMut(Holding) -> ControlFlow<()>,
    ) -> Result<(), RetentionError> {
        let Known { works, shown } = known;
        for state in FEED_ORDER {
            let listing = Listing { state, works, shown, facts };
            if self.media.catalog().try_each_holding(listing, &mut each)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn warn(totals: &Totals) {
    if totals.shortfall > 0 {
        tracing::warn!(
            lacking_bytes = totals.shortfall,
            free_bytes = totals.disk.free,
            of_others_bytes = totals.others(),
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
