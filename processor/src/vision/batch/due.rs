//! When a batch goes out: a pure function of what is gathered.

use catalog::Gathered;
use chrono::{DateTime, TimeDelta, Utc};
use config::Batches;

/// Whether the run has something else to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Segments are looked at, or wait to be: more questions come.
    No,
    /// Nothing more comes for now.
    Yes,
    /// Nothing is to be begun.
    Paused,
}

/// Tells whether what is gathered goes out now, though more might come. `begun` counts the batches of the last hour.
pub(super) fn is_due(
    gathered: &Gathered,
    limits: &Batches,
    (idle, begun): (Idle, u64),
    now: DateTime<Utc>,
) -> bool {
    let Some(oldest) = gathered.oldest else { return false };
    if idle == Idle::Paused || begun >= limits.per_hour {
        return false;
    }
    let is_full = gathered.lines >= limits.max_lines || gathered.bytes >= limits.max_bytes;
    let patience = TimeDelta::from_std(limits.gather).unwrap_or(TimeDelta::MAX);
    is_full || idle == Idle::Yes || now - oldest >= patience
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_batch_goes_out_when_it_is_full_or_nothing_more_comes_or_it_waited_long_enough() {
        let now: DateTime<Utc> = "2026-11-25T22:00:00Z".parse().unwrap();
        let limits = Batches {
            max_lines: 100,
            max_bytes: 1000,
            per_hour: 2,
            gather: Duration::from_secs(600),
            poll: Duration::from_secs(60),
        };
        let gathered = |lines, bytes, minutes| Gathered {
            lines,
            bytes,
            oldest: Some(now - TimeDelta::minutes(minutes)),
        };
        for (gathered, idle, begun, expected) in [
            (Gathered::default(), Idle::Yes, 0, false),
            (gathered(1, 10, 9), Idle::No, 0, false),
            (gathered(1, 10, 10), Idle::No, 0, true),
            (gathered(100, 10, 0), Idle::No, 0, true),
            (gathered(1, 1000, 0), Idle::No, 0, true),
            (gathered(1, 10, 0), Idle::Yes, 1, true),
            (gathered(100, 10, 10), Idle::Yes, 2, false),
            (gathered(100, 10, 10), Idle::Paused, 0, false),
        ] {
            let found = is_due(&gathered, &limits, (idle, begun), now);
            assert_eq!(found, expected, "{gathered:?} {idle:?} {begun}");
        }
    }
}
