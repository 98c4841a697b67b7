//! Terms: what the policy says of one segment, before anybody asks for room.
//!
//! | segment | after processing, size | age | floor |
//! | --- | --- | --- | --- |
//! | processed, nothing left to do | yes | yes | first, oldest first |
//! | failed, or waiting to be processed | no | by keys of its own | last, if `protect_unprocessed = false` |
//! | leased, or processed and queued again, or on hold | no | no | no |

use std::sync::Arc;
use std::time::Duration;

use catalog::{Holding, SegmentState, Work};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Retention};

use crate::{Reason, Section, Situation};

/// An age, and when what has just reached it began.
#[derive(Clone, Copy, Debug)]
struct Limit {
    section: Section,
    age: Duration,
    /// Absent: before all time.
    began: Option<DateTime<Utc>>,
}

impl Limit {
    fn new(section: Section, age: Duration, now: DateTime<Utc>) -> Self {
        let delta = TimeDelta::from_std(age).ok();
        Self { section, age, began: delta.and_then(|delta| now.checked_sub_signed(delta)) }
    }

    fn is_reached_by(&self, holding: &Holding) -> bool {
        self.began.is_some_and(|began| holding.start <= began)
    }
}

/// What holds for the segments of one rule, or for those that no rule fits.
#[derive(Clone, Debug)]
struct Terms {
    after: (Section, AfterProcessing),
    max_age: Option<Limit>,
    min_age: Option<Limit>,
    class: Option<Arc<str>>,
}

/// How far the work on a segment is, as far as retention cares.
pub(crate) enum Standing {
    /// Processed, and nothing is left to do.
    Finished,
    /// Never looked at: age and floor may take it by keys of their own.
    Unprocessed(Reason),
    /// No rule may take it.
    Held(Reason),
}

/// What the policy says of a segment.
pub(crate) struct Judgement {
    /// The number of its rule, or that of `[retention]`, which is the last.
    pub(crate) place: usize,
    pub(crate) standing: Standing,
    /// Why it goes, however much room there is.
    pub(crate) against: Vec<Reason>,
    /// What else is to be said, where it stays.
    pub(crate) remark: Option<Reason>,
    /// Whether it may go because too much is held.
    pub(crate) open_to_size: bool,
    pub(crate) archive: Archiving,
}

/// What the archive has to do with a segment that stays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Archiving {
    No,
    /// It is to be sent there.
    Due(Reason),
    /// It is the local copy of what the archive holds, and stays for a while.
    Copy(Reason),
}

/// The policy at the time of a plan.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) policy: Retention,
    pub(crate) situation: Situation,
    /// One for each rule, then that of `[retention]`.
    terms: Vec<Terms>,
    failed_max_age: Option<Limit>,
    max_unprocessed_age: Option<Limit>,
    archive_after: Option<Limit>,
}

impl Rules {
    pub fn new(policy: &Retention, situation: Situation) -> Self {
        let now = situation.now;
        let limit = |age: Option<Duration>| age.map(|age| Limit::new(Section::DEFAULTS, age, now));
        let defaults = Terms {
            after: (Section::DEFAULTS, policy.after_processing),
            max_age: limit(policy.max_age),
            min_age: limit(policy.min_age),
            class: None,
        };
        let rules = policy.rules.iter().enumerate().map(|(number, rule)| {
            let section = Section::rule(number);
            let limit = |age: Option<Duration>| age.map(|age| Limit::new(section, age, now));
            Terms {
                after: rule.after_processing.map_or(defaults.after, |after| (section, after)),
                max_age: limit(rule.max_age).or(defaults.max_age),
                min_age: limit(rule.min_age).or(defaults.min_age),
                class: rule.storage_class.as_deref().map(Arc::from),
            }
        });
        Self {
            terms: rules.chain([defaults.clone()]).collect(),
            failed_max_age: limit(policy.failed_max_age),
            max_unprocessed_age: limit(policy.max_unprocessed_age),
            archive_after: limit(policy.archive_after),
            policy: policy.clone(),
            situation,
        }
    }

    /// Returns how many places there are: those of the rules and that of `[retention]`.
    pub(crate) fn places(&self) -> usize {
        self.terms.len()
    }

    pub(crate) fn section(&self, place: usize) -> Section {
        if place < self.policy.rules.len() { Section::rule(place) } else { Section::DEFAULTS }
    }

    pub(crate) fn after(&self, place: usize) -> (Section, AfterProcessing) {
        self.terms[place].after
    }

    /// Returns the class that is archived in, where the rule names one.
    pub(crate) fn class(&self, place: usize) -> Option<Arc<str>> {
        self.terms[place].class.clone()
    }

    /// Returns when age deletes a segment that is processed, as far as can be said now.
    pub fn deleted_by_age_at(&self, holding: &Holding) -> Option<DateTime<Utc>> {
        let limit = self.terms[self.place_of(holding)].max_age?;
        holding.start.checked_add_signed(TimeDelta::from_std(limit.age).ok()?)
    }

    pub(crate) fn judge(&self, holding: &Holding) -> Judgement {
        let place = self.place_of(holding);
        let standing = self.standing(holding);
        let mut judgement = Judgement {
            place,
            standing,
            against: Vec::new(),
            remark: None,
            open_to_size: false,
            archive: Archiving::No,
        };
        match &judgement.standing {
            Standing::Finished if holding.archived.is_some() && self.policy.archives() => {
                self.judge_copy(holding, &mut judgement);
            }
            Standing::Finished => self.judge_finished(holding, &mut judgement),
            Standing::Unprocessed(why) => self.judge_unprocessed(holding, *why, &mut judgement),
            Standing::Held(_) => judgement.remark = self.spared(holding, place),
        }
        judgement
    }

    fn place_of(&self, holding: &Holding) -> usize {
        self.policy.rule_of(&holding.camera, &holding.seen).unwrap_or(self.policy.rules.len())
    }

    fn standing(&self, holding: &Holding) -> Standing {
        let standing = standing_of_work(holding);
        match self.situation.holds.of_holding(holding) {
            Some(hold) if !matches!(standing, Standing::Held(Reason::Gone)) => {
                Standing::Held(Reason::OnHold(hold.until))
            }
            _ => standing,
        }
    }

    fn judge_finished(&self, holding: &Holding, judgement: &mut Judgement) {
        let terms = &self.terms[judgement.place];
        let in_doubt = self.situation.doubt.is_some();
        let too_young = terms.min_age.filter(|limit| !limit.is_reached_by(holding) || in_doubt);
        judgement.open_to_size = too_young.is_none();
        let (section, after) = terms.after;
        if after == AfterProcessing::Delete {
            match too_young {
                Some(limit) => judgement.remark = Some(Reason::TooYoung(limit.section, limit.age)),
                None => judgement.against.push(Reason::AfterProcessing(section, after)),
            }
        }
        if let Some(reason) = self.archive_reason(holding, judgement.place) {
            // It goes there before size or age take it; the floor cannot wait for that.
            judgement.archive = Archiving::Due(reason);
            judgement.open_to_size = false;
            return;
        }
        if let Some(limit) = terms.max_age.filter(|limit| limit.is_reached_by(holding)) {
            match in_doubt {
                true => judgement.remark = Some(Reason::ClockInDoubt(limit.section, limit.age)),
                false => judgement.against.push(Reason::TooOld(limit.section, limit.age)),
            }
        }
    }

    fn archive_reason(&self, holding: &Holding, place: usize) -> Option<Reason> {
        let (section, after) = self.terms[place].after;
        match (after, self.archive_after) {
            (AfterProcessing::Delete, _) => None,
            (_, Some(limit)) => limit.is_reached_by(holding).then_some(Reason::ArchiveAfter(limit.age)),
            (AfterProcessing::Archive, None) => Some(Reason::AfterProcessing(section, after)),
            (AfterProcessing::Keep | AfterProcessing::Move, None) => None,
        }
    }

    /// Judges the local copy of what the archive holds: nothing is lost with it.
    fn judge_copy(&self, holding: &Holding, judgement: &mut Judgement) {
        let (since, stay, reason): (_, _, fn(Duration) -> Reason) = match holding.restored {
            Some(restored) => (Some(restored), self.policy.keep_restored, Reason::Restored),
            None => (holding.archived, self.policy.delete_after_archive, Reason::CopyOfArchived),
        };
        let over = since
            .zip(TimeDelta::from_std(stay).ok())
            .and_then(|(since, stay)| since.checked_add_signed(stay));
        let terms = &self.terms[judgement.place];
        let too_old = terms.max_age.filter(|limit| limit.is_reached_by(holding));
        let too_old = too_old.filter(|_| self.situation.doubt.is_none() && holding.restored.is_none());
        judgement.open_to_size = true;
        judgement.archive = Archiving::Copy(reason(stay));
        if over.is_some_and(|over| over <= self.situation.now) {
            judgement.against.push(Reason::InArchive);
        } else if let Some(limit) = too_old {
            judgement.against.extend([Reason::InArchive, Reason::TooOld(limit.section, limit.age)]);
        }
    }

    fn judge_unprocessed(&self, holding: &Holding, why: Reason, judgement: &mut Judgement) {
        let (limit, too_old): (_, fn(Duration) -> Reason) = match why {
            Reason::Failed => (self.failed_max_age, Reason::FailedTooOld),
            _ => (self.max_unprocessed_age, Reason::UnprocessedTooOld),
        };
        if let Some(limit) =
            limit.filter(|limit| limit.is_reached_by(holding) && self.situation.doubt.is_none())
        {
            judgement.against.extend([why, too_old(limit.age)]);
        }
        judgement.remark = self.spared(holding, judgement.place);
    }

    /// Returns the age that would take the segment if it were finished.
    fn spared(&self, holding: &Holding, place: usize) -> Option<Reason> {
        let limit = self.terms[place].max_age.filter(|limit| limit.is_reached_by(holding))?;
        Some(Reason::SparedByAge(limit.section, limit.age))
    }
}

fn standing_of_work(holding: &Holding) -> Standing {
    match (holding.state, holding.work) {
        (SegmentState::Missing | SegmentState::Archived | SegmentState::Deleted, _) => {
            Standing::Held(Reason::Gone)
        }
        (_, Work::Leased) => Standing::Held(Reason::Leased),
        (SegmentState::Processed, Work::Waiting) => Standing::Held(Reason::QueuedAgain),
        (SegmentState::Processed, Work::None | Work::Dead) => Standing::Finished,
        (SegmentState::Ready | SegmentState::Failed, Work::Waiting) => Standing::Unprocessed(Reason::Queued),
        (SegmentState::Failed, _) | (_, Work::Dead) => Standing::Unprocessed(Reason::Failed),
        (SegmentState::Ready, Work::None) => Standing::Unprocessed(Reason::NotQueued),
    }
}
