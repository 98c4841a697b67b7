//! A plan: what becomes of every segment and why, and what it all comes to.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use catalog::{ClockDoubt, Disk, Planned, SegmentId, SegmentState};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::{Due, Reason, Rules, Section};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Keep,
    Move,
    /// Into the archive; its file goes when that is known to hold it.
    Archive,
    Delete,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Move => "move",
            Self::Archive => "archive",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What becomes of one segment. Its JSON form is that of docs/results.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Relative to the root.
    pub file: PathBuf,
    #[serde(serialize_with = "as_text")]
    pub camera: Arc<str>,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    #[serde(skip)]
    pub id: SegmentId,
    /// As the plan saw it.
    #[serde(skip)]
    pub state: SegmentState,
    #[serde(skip)]
    pub start: DateTime<Utc>,
    #[serde(skip)]
    pub bytes: u64,
    /// What its rule says of it, if it is archived; absent: that of the archive.
    #[serde(skip)]
    pub class: Option<Arc<str>>,
}

fn as_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl Entry {
    /// Tells whether the floor wants it, and no other rule.
    pub fn is_for_floor(&self) -> bool {
        self.verdict == Verdict::Delete && are_for_floor(&self.reasons)
    }
}

fn are_for_floor(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| matches!(reason, Reason::Floor(_)))
}

/// Segments, and the bytes of their files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub segments: u64,
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.segments += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { segments: self.segments + other.segments, bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// What the entries of a plan come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub keep: Tally,
    pub move_to_processed: Tally,
    pub archive: Tally,
    pub delete: Tally,
    /// Those of the deletions that are local copies of what the archive holds.
    pub copies: Tally,
    /// Those of the deletions that only the floor asks for.
    pub for_floor: Tally,
    /// What would go by age if the clock were trusted.
    pub withheld: Tally,
    /// Of each rule in its order, then of what no rule fits.
    pub by_rule: Vec<RuleTotals>,
    /// Bytes that the floor still lacks when the plan is carried out; 0 when it is kept.
    pub shortfall: u64,
    /// The floor that is aimed at: less than the settings say where that is out of reach.
    pub floor: u64,
    /// As it was measured for the plan.
    pub disk: Disk,
    pub doubt: Option<ClockDoubt>,
}

/// What becomes of the segments of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RuleTotals {
    pub rule: Section,
    pub keep: Tally,
    #[serde(rename = "move")]
    pub move_to_processed: Tally,
    pub archive: Tally,
    pub delete: Tally,
}

impl Totals {
    pub(crate) fn new(rules: &Rules) -> Self {
        let of = |place| RuleTotals {
            rule: rules.section(place),
            keep: Tally::default(),
            move_to_processed: Tally::default(),
            archive: Tally::default(),
            delete: Tally::default(),
        };
        let (disk, doubt) = (rules.situation.disk, rules.situation.doubt);
        Self { by_rule: (0..rules.places()).map(of).collect(), disk, doubt, ..Self::default() }
    }

    pub(crate) fn count(&mut self, entry: &Entry, place: usize) {
        let rule = &mut self.by_rule[place];
        let (all, of_rule) = match entry.verdict {
            Verdict::Keep => (&mut self.keep, &mut rule.keep),
            Verdict::Archive => (&mut self.archive, &mut rule.archive),
            Verdict::Move => (&mut self.move_to_processed, &mut rule.move_to_processed),
            Verdict::Delete => (&mut self.delete, &mut rule.delete),
        };
        all.add(entry.bytes);
        of_rule.add(entry.bytes);
        if entry.is_for_floor() {
            self.for_floor.add(entry.bytes);
        }
        if entry.reasons.contains(&Reason::InArchive) {
            self.copies.add(entry.bytes);
        }
        if entry.reasons.iter().any(|r| matches!(r, Reason::ClockInDoubt(..))) {
            self.withheld.add(entry.bytes);
        }
    }

    pub(crate) fn finish(mut self, rules: &Rules, floor: u64) -> Self {
        self.floor = floor;
        self.shortfall = rules.policy.min_free.unwrap_or(0).saturating_sub(self.free_afterwards());
        self
    }

    /// All that is held.
    pub fn held(&self) -> Tally {
        self.keep.and(self.move_to_processed).and(self.archive).and(self.delete)
    }

    /// Bytes that are free when the plan is carried out.
    pub fn free_afterwards(&self) -> u64 {
        self.disk.free.saturating_add(self.delete.bytes)
    }

    /// Bytes on the disk that are not footage of the catalogue.
    pub fn others(&self) -> u64 {
        self.disk.total.saturating_sub(self.disk.free).saturating_sub(self.held().bytes)
    }
}

/// What is to be done to one segment; its reasons are kept with the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) id: SegmentId,
    pub(crate) bytes: u64,
    reasons: u32,
    pub(crate) verdict: Verdict,
    state: SegmentState,
}

/// All that is to be done, in order, and what it comes to. A step takes 24 bytes, so that the plan of a catalogue of
/// millions can be shown first and then be carried out as it was shown.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub totals: Totals,
    /// What is to be archived, which is done by the hour: see [`crate::Due`].
    pub due: Due,
    pub(crate) steps: Vec<Step>,
    /// Few: all that may be said by a policy.
    reasons: Vec<Vec<Reason>>,
    numbers: HashMap<Vec<Reason>, u32>,
}

impl Plan {
    pub(crate) fn note(&mut self, entry: &Entry) {
        match entry.verdict {
            Verdict::Keep => return,
            Verdict::Archive => return self.due.add(entry),
            Verdict::Move | Verdict::Delete => {}
        }
        let reasons = self.number_of(&entry.reasons);
        let Entry { id, bytes, verdict, state, .. } = *entry;
        self.steps.push(Step { id, bytes, reasons, verdict, state });
    }

    fn number_of(&mut self, reasons: &[Reason]) -> u32 {
        // Most often those of the step before.
        let last = self.steps.last().filter(|last| self.reasons(last) == reasons);
        if let Some(number) = last.map(|last| last.reasons).or_else(|| self.numbers.get(reasons).copied()) {
            return number;
        }
        let number = u32::try_from(self.reasons.len()).unwrap_or(u32::MAX);
        self.reasons.push(reasons.to_vec());
        self.numbers.insert(reasons.to_vec(), number);
        number
    }

    pub(crate) fn reasons(&self, step: &Step) -> &[Reason] {
        self.reasons.get(step.reasons as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_for_floor(&self, step: &Step) -> bool {
        step.verdict == Verdict::Delete && are_for_floor(self.reasons(step))
    }
}

impl Step {
    pub(crate) fn planned(&self, now: DateTime<Utc>) -> Planned {
        Planned { id: self.id, state: self.state, now }
    }
}
