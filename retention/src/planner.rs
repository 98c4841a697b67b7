//! The planner: fed one holding after another, it decides what becomes of each. Pure, and of constant size.
//!
//! | segment | after processing | age | floor |
//! | --- | --- | --- | --- |
//! | processed, nothing left to do | yes | yes | first, oldest first |
//! | failed, or waiting to be processed | no | no | last, if `protect_unprocessed = false` |
//! | leased, or processed and queued again | no | no | no |

use std::path::{Component, Path};
use std::time::Duration;

use catalog::{ClockDoubt, Disk, Holding, PROCESSED, Segment, SegmentState, Work};
use chrono::{DateTime, TimeDelta, Utc};
use config::{AfterProcessing, Retention};

use crate::{Entry, Plan, Reason, Totals, Verdict};

/// The order in which the planner is fed, each state oldest first: so the floor meets first what may go first.
///
/// What failed comes before what waits. It was tried; and it is the older of the two, since the queue is worked
/// off oldest first.
pub const FEED_ORDER: [SegmentState; 3] =
    [SegmentState::Processed, SegmentState::Failed, SegmentState::Ready];

/// When and where a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    pub now: DateTime<Utc>,
    pub disk: Disk,
    pub doubt: Option<ClockDoubt>,
}

/// Decides segment by segment. Deleting wins over moving.
///
/// One pass is enough for the floor: what other rules delete is older than all that only the floor deletes, so
/// it was counted by the time the floor is asked. Rules of different ages side by side would need a pass before.
#[derive(Clone, Debug)]
pub struct Planner {
    policy: Retention,
    now: DateTime<Utc>,
    /// What began then or before is too old.
    too_old: Option<DateTime<Utc>>,
    /// Bytes that the floor still lacks.
    lacking: u64,
    totals: Totals,
}

/// Plans for `holdings`, which come in [`FEED_ORDER`].
pub fn plan(holdings: impl IntoIterator<Item = Holding>, policy: &Retention, situation: &Situation) -> Plan {
    let mut planner = Planner::new(policy, situation);
    let entries = holdings.into_iter().map(|holding| planner.decide(holding)).collect();
    Plan { entries, totals: planner.finish() }
}

/// How far the work on a segment is, as far as retention cares.
enum Standing {
    /// Processed, and nothing is left to do.
    Finished,
    /// Never looked at: only the floor may take it.
    Unprocessed(Reason),
    /// No rule may take it.
    Held(Reason),
}

impl Standing {
    fn of(holding: &Holding) -> Self {
        match (holding.segment.state, holding.work) {
            (SegmentState::Missing | SegmentState::Archived | SegmentState::Deleted, _) => {
                Self::Held(Reason::Gone)
            }
            (_, Work::Leased) => Self::Held(Reason::Leased),
            (SegmentState::Processed, Work::Waiting) => Self::Held(Reason::QueuedAgain),
            (SegmentState::Processed, Work::None | Work::Dead) => Self::Finished,
            (SegmentState::Ready | SegmentState::Failed, Work::Waiting) => Self::Unprocessed(Reason::Queued),
            (SegmentState::Failed, _) | (_, Work::Dead) => Self::Unprocessed(Reason::Failed),
            (SegmentState::Ready, Work::None) => Self::Unprocessed(Reason::NotQueued),
        }
    }
}

impl Planner {
    pub fn new(policy: &Retention, situation: &Situation) -> Self {
        let age = policy.max_age.and_then(|age| TimeDelta::from_std(age).ok());
        Self {
            policy: policy.clone(),
            now: situation.now,
            too_old: age.and_then(|age| situation.now.checked_sub_signed(age)),
            lacking: policy.min_free.unwrap_or(0).saturating_sub(situation.disk.free),
            totals: Totals { disk: situation.disk, doubt: situation.doubt, ..Totals::default() },
        }
    }

    /// Decides about the next holding.
    pub fn decide(&mut self, holding: Holding) -> Entry {
        let (verdict, reasons) = match Standing::of(&holding) {
            Standing::Finished if self.policy.archives() && holding.archived.is_some() => {
                self.judge_archived(&holding)
            }
            Standing::Finished => self.judge_finished(&holding.segment),
            Standing::Unprocessed(why) => self.judge_unprocessed(&holding.segment, why),
            Standing::Held(why) => self.judge_held(&holding.segment, why),
        };
        let entry = entry(holding.segment, verdict, reasons);
        self.totals.count(&entry);
        if verdict == Verdict::Delete {
            self.lacking = self.lacking.saturating_sub(entry.bytes);
        }
        entry
    }

    /// Returns what all decisions come to.
    pub fn finish(self) -> Totals {
        Totals { shortfall: self.lacking, ..self.totals }
    }

    fn judge_finished(&self, segment: &Segment) -> (Verdict, Vec<Reason>) {
        let after = self.policy.after_processing;
        let too_old = self.too_old(segment);
        let mut against = Vec::new();
        if after == AfterProcessing::Delete {
            against.push(Reason::AfterProcessing(after));
        }
        // What is to be archived does not go by age before it is.
        let archive = self.archive_reason(segment);
        if self.totals.doubt.is_none() && archive.is_none() {
            against.extend(too_old.map(Reason::TooOld));
        }
        if against.is_empty() {
            against.extend(self.floor(segment));
        }
        if !against.is_empty() {
            return (Verdict::Delete, against);
        }
        if let Some(reason) = archive {
            return (Verdict::Archive, vec![reason]);
        }
        let (verdict, reason) = match after {
            AfterProcessing::Move if is_in_processed(&segment.path) => (Verdict::Keep, Reason::AlreadyMoved),
            AfterProcessing::Move => (Verdict::Move, Reason::AfterProcessing(after)),
            AfterProcessing::Keep | AfterProcessing::Archive | AfterProcessing::Delete => {
                (Verdict::Keep, Reason::AfterProcessing(after))
            }
        };
        (verdict, [Some(reason), too_old.map(Reason::ClockInDoubt)].into_iter().flatten().collect())
    }

    /// Judges the local copy of what the archive holds.
    fn judge_archived(&self, holding: &Holding) -> (Verdict, Vec<Reason>) {
        let segment = &holding.segment;
        let too_old = self.too_old(segment).filter(|_| self.totals.doubt.is_none());
        let stays = match (holding.restored, holding.archived) {
            (Some(since), _) => Some((since, self.policy.keep_restored, Reason::Restored as fn(_) -> _)),
            (None, Some(since)) => {
                Some((since, self.policy.delete_after_archive, Reason::CopyOfArchived as fn(_) -> _))
            }
            (None, None) => None,
        };
        let now = self.now;
        let stays = stays.filter(|(since, stay, _)| {
            TimeDelta::from_std(*stay)
                .ok()
                .and_then(|stay| since.checked_add_signed(stay))
                .is_none_or(|end| end > now)
        });
        let floor = self.floor(segment);
        match stays {
            Some((_, stay, reason)) if too_old.is_none() && floor.is_none() => {
                (Verdict::Keep, vec![reason(stay)])
            }
            _ => {
                let others = [too_old.map(Reason::TooOld), floor];
                (Verdict::Delete, [Some(Reason::InArchive)].into_iter().chain(others).flatten().collect())
            }
        }
    }

    /// Returns why a processed segment is to be archived, if it is.
    fn archive_reason(&self, segment: &Segment) -> Option<Reason> {
        let after = self.policy.after_processing;
        if after == AfterProcessing::Delete || !self.policy.archives() {
            return None;
        }
        let Some(age) = self.policy.archive_after else { return Some(Reason::AfterProcessing(after)) };
        let limit = TimeDelta::from_std(age).ok().and_then(|age| self.now.checked_sub_signed(age))?;
        (segment.start <= limit).then_some(Reason::ArchiveAfter(age))
    }

    fn judge_unprocessed(&self, segment: &Segment, why: Reason) -> (Verdict, Vec<Reason>) {
        let floor = self.floor(segment);
        if let (Some(floor), false) = (floor, self.policy.protect_unprocessed) {
            return (Verdict::Delete, vec![why, Reason::Unprotected, floor]);
        }
        let (_, mut reasons) = self.judge_held(segment, why);
        reasons.extend(floor.map(|_| Reason::Protected));
        (Verdict::Keep, reasons)
    }

    fn judge_held(&self, segment: &Segment, why: Reason) -> (Verdict, Vec<Reason>) {
        let spared = self.too_old(segment).map(Reason::SparedByAge);
        (Verdict::Keep, [Some(why), spared].into_iter().flatten().collect())
    }

    /// Returns the age that the segment has passed.
    fn too_old(&self, segment: &Segment) -> Option<Duration> {
        self.too_old.filter(|limit| segment.start <= *limit).and(self.policy.max_age)
    }

    /// Returns the floor, if it still lacks room that this segment would give.
    fn floor(&self, segment: &Segment) -> Option<Reason> {
        let helps = self.lacking > 0 && segment.stat.size > 0;
        self.policy.min_free.filter(|_| helps).map(Reason::Floor)
    }
}

fn entry(segment: Segment, verdict: Verdict, mut reasons: Vec<Reason>) -> Entry {
    // Spare room for reasons would be a quarter of a plan of millions.
    reasons.shrink_to_fit();
    Entry {
        file: segment.path,
        camera: segment.camera.unwrap_or_default(),
        verdict,
        reasons,
        id: segment.id,
        state: segment.state,
        start: segment.start,
        bytes: segment.stat.size,
    }
}

fn is_in_processed(relative: &Path) -> bool {
    relative.components().nth(1) == Some(Component::Normal(PROCESSED.as_ref()))
}

#[cfg(test)]
mod tests;
