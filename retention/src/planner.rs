//! The planner: fed one holding after another, it decides what becomes of each. Pure, and of constant size.

use std::path::{Component, Path};

use catalog::{ClockDoubt, Disk, Holding, Holds, PROCESSED, SegmentState};
use chrono::{DateTime, Utc};
use config::AfterProcessing;

use crate::survey::Wanted;
use crate::terms::{Archiving, Judgement, Standing};
use crate::{Entry, Reason, Rules, Survey, Totals, Verdict};

/// The order in which the planner is fed, each state oldest first: so the floor meets first what may go first.
///
/// What failed comes before what waits. It was tried; and it is the older of the two, since the queue is worked
/// off oldest first.
pub const FEED_ORDER: [SegmentState; 3] =
    [SegmentState::Processed, SegmentState::Failed, SegmentState::Ready];

/// When and where a plan is made.
#[derive(Clone, Debug)]
pub struct Situation {
    pub now: DateTime<Utc>,
    pub disk: Disk,
    pub doubt: Option<ClockDoubt>,
    pub holds: Holds,
}

impl Situation {
    pub fn new(now: DateTime<Utc>, disk: Disk) -> Self {
        Self { now, disk, doubt: None, holds: Holds::default() }
    }
}

/// Decides segment by segment. Deleting wins over moving.
#[derive(Clone, Debug)]
pub struct Planner<'r> {
    rules: &'r Rules,
    wanted: Wanted,
    totals: Totals,
}

impl<'r> Planner<'r> {
    /// Plans for what was surveyed. Without a survey nothing goes for want of room.
    pub fn new(rules: &'r Rules, survey: Option<&Survey>) -> Self {
        let wanted = survey.map_or_else(
            || Wanted { aim: rules.policy.min_free.unwrap_or(0), ..Wanted::default() },
            |survey| survey.wanted(rules),
        );
        Self { wanted, totals: Totals::new(rules), rules }
    }

    /// Takes only what the floor lacks.
    pub(crate) fn for_room(rules: &'r Rules, lacking: u64) -> Self {
        let wanted = Wanted { floor: lacking, aim: lacking, ..Wanted::default() };
        Self { wanted, totals: Totals::new(rules), rules }
    }

    /// Bytes that the floor still lacks.
    pub(crate) fn lacking(&self) -> u64 {
        self.wanted.floor
    }

    /// Decides about the next holding.
    pub fn decide(&mut self, holding: Holding) -> Entry {
        let judgement = self.rules.judge(&holding);
        let place = judgement.place;
        let (verdict, reasons) = match &judgement.standing {
            _ if !judgement.against.is_empty() => (Verdict::Delete, judgement.against),
            Standing::Finished => self.finished(&holding, &judgement),
            Standing::Unprocessed(why) => self.unprocessed(&holding, *why, &judgement),
            Standing::Held(why) => (Verdict::Keep, told(*why, judgement.remark)),
        };
        let class = self.rules.class(place).filter(|_| verdict == Verdict::Archive);
        let entry = Entry { class, ..entry(holding, verdict, reasons) };
        self.totals.count(&entry, place);
        entry
    }

    /// Returns what all decisions come to.
    pub fn finish(self) -> Totals {
        self.totals.finish(self.rules, self.wanted.aim)
    }

    fn finished(&mut self, holding: &Holding, judgement: &Judgement) -> (Verdict, Vec<Reason>) {
        let for_size = judgement.open_to_size.then(|| self.too_much(holding, judgement.place)).flatten();
        if let Some(reason) = for_size.or_else(|| self.floor(holding)) {
            return (Verdict::Delete, vec![reason]);
        }
        match judgement.archive {
            Archiving::No => {}
            Archiving::Due(reason) => return (Verdict::Archive, vec![reason]),
            Archiving::Copy(reason) => return (Verdict::Keep, vec![reason]),
        }
        let (section, after) = self.rules.after(judgement.place);
        let (verdict, reason) = match after {
            AfterProcessing::Move if is_in_processed(&holding.path) => (Verdict::Keep, Reason::AlreadyMoved),
            AfterProcessing::Move => (Verdict::Move, Reason::AfterProcessing(section, after)),
            // Too young for the archive, as for the last.
            AfterProcessing::Keep | AfterProcessing::Archive => {
                (Verdict::Keep, Reason::AfterProcessing(section, after))
            }
            // It is too young for it.
            AfterProcessing::Delete => return (Verdict::Keep, judgement.remark.into_iter().collect()),
        };
        (verdict, told(reason, judgement.remark))
    }

    fn unprocessed(
        &mut self,
        holding: &Holding,
        why: Reason,
        judgement: &Judgement,
    ) -> (Verdict, Vec<Reason>) {
        if self.rules.policy.protect_unprocessed {
            let protected = self.needs_room(holding).then_some(Reason::Protected);
            let mut reasons = told(why, judgement.remark);
            reasons.extend(protected);
            return (Verdict::Keep, reasons);
        }
        match self.floor(holding) {
            Some(floor) => (Verdict::Delete, vec![why, Reason::Unprotected, floor]),
            None => (Verdict::Keep, told(why, judgement.remark)),
        }
    }

    /// Takes the segment for the size of its rule, or of all.
    fn too_much(&mut self, holding: &Holding, place: usize) -> Option<Reason> {
        let size = holding.bytes;
        let wanted = self.wanted.places.get_mut(place).filter(|wanted| **wanted > 0 && size > 0);
        if let Some(wanted) = wanted {
            *wanted = wanted.saturating_sub(size);
            let most = self.rules.policy.rules.get(place).and_then(|rule| rule.max_bytes);
            return Some(Reason::OverSize(self.rules.section(place), most.unwrap_or_default()));
        }
        if self.wanted.all == 0 || size == 0 {
            return None;
        }
        self.wanted.all = self.wanted.all.saturating_sub(size);
        Some(Reason::OverSize(crate::Section::DEFAULTS, self.rules.policy.max_bytes.unwrap_or_default()))
    }

    /// Takes the segment for the floor, if that still lacks room that this segment would give.
    fn floor(&mut self, holding: &Holding) -> Option<Reason> {
        if !self.needs_room(holding) {
            return None;
        }
        self.wanted.floor = self.wanted.floor.saturating_sub(holding.bytes);
        self.rules.policy.min_free.map(Reason::Floor)
    }

    fn needs_room(&self, holding: &Holding) -> bool {
        self.wanted.floor > 0 && holding.bytes > 0
    }
}

/// What is to be said where it stays.
fn told(reason: Reason, remark: Option<Reason>) -> Vec<Reason> {
    match remark {
        Some(remark) => vec![reason, remark],
        None => vec![reason],
    }
}

fn entry(holding: Holding, verdict: Verdict, reasons: Vec<Reason>) -> Entry {
    let Holding { id, path, camera, state, start, bytes, .. } = holding;
    Entry { file: path, camera, verdict, reasons, id, state, start, bytes, class: None }
}

fn is_in_processed(relative: &Path) -> bool {
    relative.components().nth(1) == Some(Component::Normal(PROCESSED.as_ref()))
}

#[cfg(test)]
mod tests;
