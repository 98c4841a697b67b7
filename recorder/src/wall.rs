//! The wall time of frames: one reading of the clock per session, carried on by the monotonic clock, so that
//! a step of the system's clock moves no frame within a segment.

use std::time::Instant;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A difference beyond this is a step. The system's clock and the monotonic one are slewed alike, so that less
/// than this is a reading that was delayed by a busy machine.
const STEP: TimeDelta = TimeDelta::seconds(2);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    wall: DateTime<Utc>,
    at: Instant,
}

/// The system's clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockStep {
    /// What the clock would have said.
    pub(crate) before: DateTime<Utc>,
    /// What it says.
    pub(crate) after: DateTime<Utc>,
}

impl Anchor {
    pub(crate) fn new(wall: DateTime<Utc>, at: Instant) -> Self {
        Self { wall, at }
    }

    /// Returns the time to the millisecond, as files and rows keep it.
    pub(crate) fn wall_of(&self, instant: Instant) -> DateTime<Utc> {
        let passed = match instant.checked_duration_since(self.at) {
            Some(later) => TimeDelta::from_std(later).unwrap_or_default(),
            None => -TimeDelta::from_std(self.at.duration_since(instant)).unwrap_or_default(),
        };
        (self.wall + passed).trunc_subsecs(3)
    }

    /// Compares with a new reading of both clocks. After a step the anchor follows the system's clock.
    pub(crate) fn check(&mut self, wall: DateTime<Utc>, at: Instant) -> Option<ClockStep> {
        let before = self.wall_of(at);
        if (wall - before).abs() <= STEP {
            return None;
        }
        *self = Self { wall, at };
        Some(ClockStep { before, after: wall })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_moves_later_frames_and_not_earlier_ones() {
        let (wall, at) = ("2026-11-22T11:00:00Z".parse().unwrap(), Instant::now());
        let mut anchor = Anchor::new(wall, at);
        let later = at + Duration::from_secs(10);
        let due = wall + TimeDelta::seconds(10);
        assert_eq!(anchor.wall_of(later), due);
        assert_eq!(anchor.check(due + TimeDelta::milliseconds(1900), later), None);
        assert_eq!(anchor.wall_of(later), due, "less than a step is not followed");

        for step in [TimeDelta::hours(1), TimeDelta::hours(-2)] {
            let mut anchor = anchor;
            let stepped = anchor.check(due + step, later).unwrap();
            assert_eq!(stepped, ClockStep { before: due, after: due + step });
            assert_eq!(anchor.wall_of(later + Duration::from_secs(1)), due + step + TimeDelta::seconds(1));
            assert_eq!(anchor.check(due + step, later), None, "one step is told once");
        }
    }
}
