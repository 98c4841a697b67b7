//! The guard: what the rules delete at once is bounded, so that a slip in the settings does not cost the footage.

use std::fmt;

use config::Retention;
use serde::Serialize;

use crate::{Tally, Totals};

/// So many segments go without being asked, whatever share of a small folder they are.
const FEW_SEGMENTS: u64 = 100;

/// A plan that somebody should agree to first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Guarded {
    /// What the rules would delete; what the floor needs, and copies of what the archive holds, do not count.
    pub delete: Tally,
    pub of: Tally,
    pub share: f64,
}

impl Guarded {
    /// Returns what is to be agreed to, or nothing where the plan may be carried out.
    pub fn of(totals: &Totals, policy: &Retention) -> Option<Self> {
        let (delete, of, share) = (by_rules(totals), totals.held(), policy.guard_share);
        let is_much = |part: u64, whole: u64| part as f64 > share * whole as f64;
        let guarded = delete.segments > FEW_SEGMENTS
            && (is_much(delete.segments, of.segments) || is_much(delete.bytes, of.bytes));
        guarded.then_some(Self { delete, of, share })
    }
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the rules would delete {} of {} segments at once, more than `retention.guard_share` = {}; \
             look at `nightreel retain --dry-run`, then `nightreel retain --yes` does it",
            self.delete.segments, self.of.segments, self.share
        )
    }
}

fn by_rules(totals: &Totals) -> Tally {
    let Totals { delete, for_floor, copies, .. } = totals;
    Tally {
        segments: delete.segments.saturating_sub(for_floor.segments).saturating_sub(copies.segments),
        bytes: delete.bytes.saturating_sub(for_floor.bytes).saturating_sub(copies.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_at_once_is_guarded_and_the_floor_is_not() {
        let tally = |segments| Tally { segments, bytes: segments * 10 };
        let policy = Retention::default();
        let cases = [
            (tally(99), tally(0), tally(0), false),
            (tally(101), tally(0), tally(50), true),
            (tally(101), tally(0), tally(101), false),
            (tally(150), tally(50), tally(20), false),
            (Tally { segments: 101, bytes: 9000 }, tally(0), tally(500), true),
        ];
        for (delete, for_floor, keep, guarded) in cases {
            let totals = Totals { delete, for_floor, keep, ..Totals::default() };
            assert_eq!(Guarded::of(&totals, &policy).is_some(), guarded, "{totals:?}");
        }
    }
}
