//! The work queue as a contract: segments are leased, not taken, and completion comes with the results.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{CatalogError, Results, Segment, SegmentId};

/// Hands segments to workers so that each is looked at once, whatever dies in between.
pub trait Queue: Send + Sync {
    /// Offers segments. One that waits or is leased already stays as it is; a dead or finished one starts
    /// again. Returns how many were put in.
    fn offer(&self, segments: &[SegmentId], now: DateTime<Utc>) -> Result<usize, CatalogError>;

    /// Leases up to `count` segments, oldest footage first. The attempt is counted here, so that a crash
    /// counts too; what has used up its attempts goes to the dead letters instead.
    fn lease(&self, count: usize, ttl: Duration, now: DateTime<Utc>) -> Result<Vec<Lease>, CatalogError>;

    /// Prolongs a lease. `false`: it was lost, another worker may have the segment.
    fn extend(&self, lease: &Lease, ttl: Duration, now: DateTime<Utc>) -> Result<bool, CatalogError>;

    /// Stores the results and ends the lease, together. Repeating it changes nothing.
    fn finish(&self, lease: &Lease, results: &Results, now: DateTime<Utc>) -> Result<Finished, CatalogError>;

    fn give_back(&self, lease: &Lease, back: &GiveBack, now: DateTime<Utc>) -> Result<(), CatalogError>;

    /// Ends a lease since the segment's questions go with a batch. What was seen is kept as `draft`. Nobody leases the
    /// segment before its answers are there.
    fn park(&self, lease: &Lease, draft: &str, now: DateTime<Utc>) -> Result<(), CatalogError>;

    /// Leases a segment that was parked and has its answers, with its draft.
    fn lease_answered(
        &self,
        ttl: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<(Lease, String)>, CatalogError>;

    /// Puts a leased segment among the dead letters at once: trying again is no use.
    fn bury(&self, lease: &Lease, reason: &str) -> Result<(), CatalogError>;

    fn dead(&self) -> Result<Vec<DeadLetter>, CatalogError>;

    fn stats(&self, now: DateTime<Utc>) -> Result<QueueStats, CatalogError>;
}

/// The right to work on a segment until `until`.
#[derive(Clone, Debug)]
pub struct Lease {
    pub segment: Segment,
    pub attempt: u32,
    pub until: DateTime<Utc>,
    pub(crate) token: String,
}

#[derive(Clone, Debug)]
pub struct GiveBack {
    pub reason: String,
    /// How long nobody may lease it.
    pub delay: Duration,
    pub blame: Blame,
}

/// Whether a try counts against the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    Segment,
    /// The window closed, the model's server is down, a cap is reached: the attempt is given back too.
    Outside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    Stored,
    /// The lease was lost on the way; another worker's results stand or will come.
    LeaseLost,
}

#[derive(Clone, Debug)]
pub struct DeadLetter {
    pub segment: Segment,
    pub attempts: u32,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct QueueStats {
    /// May be leased now.
    pub queued: u64,
    /// Wait for a time yet to come.
    pub delayed: u64,
    pub leased: u64,
    pub dead: u64,
    #[serde(skip)]
    pub next_available: Option<DateTime<Utc>>,
}

impl QueueStats {
    /// Returns what is still to be done.
    pub fn backlog(&self) -> u64 {
        self.queued + self.delayed + self.leased
    }
}
