//! A plan: every segment with its verdict and reasons, and what they come to.

use std::fmt;
use std::path::PathBuf;

use catalog::{ClockDoubt, Disk, Planned, SegmentId, SegmentState};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::Reason;

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
    pub camera: String,
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
}

impl Entry {
    /// Tells whether the floor wants it, and no other rule.
    pub fn is_for_floor(&self) -> bool {
        self.verdict == Verdict::Delete && self.reasons.iter().any(|r| matches!(r, Reason::Floor(_)))
    }

    pub(crate) fn planned(&self, now: DateTime<Utc>) -> Planned {
        Planned { id: self.id, state: self.state, now }
    }
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
}

/// What the entries of a plan come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub keep: Tally,
    pub move_to_processed: Tally,
    pub archive: Tally,
    pub delete: Tally,
    /// Those of the deletions that only the floor asks for.
    pub for_floor: Tally,
    /// What would go by age if the clock were trusted.
    pub withheld: Tally,
    /// Bytes that the floor still lacks when the plan is carried out; 0 when it is kept.
    pub shortfall: u64,
    /// As it was measured for the plan.
    pub disk: Disk,
    pub doubt: Option<ClockDoubt>,
}

impl Totals {
    pub(crate) fn count(&mut self, entry: &Entry) {
        match entry.verdict {
            Verdict::Keep => self.keep.add(entry.bytes),
            Verdict::Archive => self.archive.add(entry.bytes),
            Verdict::Move => self.move_to_processed.add(entry.bytes),
            Verdict::Delete => self.delete.add(entry.bytes),
        }
        if entry.is_for_floor() {
            self.for_floor.add(entry.bytes);
        }
        if entry.reasons.iter().any(|r| matches!(r, Reason::ClockInDoubt(_))) {
            self.withheld.add(entry.bytes);
        }
    }
}

/// Every segment once, in the order in which the planner was fed. Its JSON form is that of docs/results.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    #[serde(rename = "plan")]
    pub entries: Vec<Entry>,
    #[serde(skip)]
    pub totals: Totals,
}
