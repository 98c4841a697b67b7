//! The picture's time line: follows the camera's stamps, and goes on evenly where these jump, as they do when
//! a camera sets its clock.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::times::ticks;

/// Stamps further ahead than this do not follow one another: the watchdog ends a longer silence.
const AHEAD: Duration = Duration::from_secs(10);
/// B-frames are stamped before what came before them, but never by this much.
const BEHIND: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Timeline {
    /// Units per second.
    scale: u32,
    shift: i64,
    newest: Option<Newest>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    time: i64,
    received: DateTime<Utc>,
}

/// Where a frame lies on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) time: i64,
    pub(crate) follows: Follows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    InOrder,
    /// It is shown before a frame that came before it.
    Reordered,
    /// Its stamp says nothing; it was placed by the time at which it was received.
    AfterJump,
}

impl Timeline {
    pub(crate) fn new(scale: u32) -> Self {
        Self { scale, shift: 0, newest: None }
    }

    /// Returns the time of the newest picture.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest.map(|newest| newest.time)
    }

    pub(crate) fn place(&mut self, stamp: i64, received: DateTime<Utc>) -> Placed {
        let time = stamp.saturating_add(self.shift);
        let Some(newest) = self.newest else {
            self.newest = Some(Newest { time, received });
            return Placed { time, follows: Follows::InOrder };
        };
        let allowed = newest.time - ticks(BEHIND, self.scale)..=newest.time + ticks(AHEAD, self.scale);
        if !allowed.contains(&time) {
            return self.jump(stamp, received, newest);
        }
        let follows = if time < newest.time { Follows::Reordered } else { Follows::InOrder };
        if follows == Follows::InOrder {
            self.newest = Some(Newest { time, received });
        }
        Placed { time, follows }
    }

    fn jump(&mut self, stamp: i64, received: DateTime<Utc>, newest: Newest) -> Placed {
        // the wall's clock may have been set as well: never less than a millisecond, never a jump of our own
        let passed = (received - newest.received).to_std().unwrap_or_default();
        let passed = passed.clamp(Duration::from_millis(1), AHEAD);
        let time = newest.time.saturating_add(ticks(passed, self.scale));
        self.shift = time.saturating_sub(stamp);
        self.newest = Some(Newest { time, received });
        Placed { time, follows: Follows::AfterJump }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCALE: u32 = 90_000;
    const FRAME: i64 = 3600;

    fn at(frame: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + frame * 40).unwrap()
    }

    #[test]
    fn b_frames_stay_where_they_are_stamped() {
        let mut timeline = Timeline::new(SCALE);
        let placed = [0, 3, 1, 2].map(|n| timeline.place(n * FRAME, at(n)));
        assert_eq!(placed.map(|placed| placed.time), [0, 3, 1, 2].map(|n| n * FRAME));
        assert_eq!(
            placed.map(|placed| placed.follows),
            [Follows::InOrder, Follows::InOrder, Follows::Reordered, Follows::Reordered]
        );
        assert_eq!(timeline.newest(), Some(3 * FRAME));
    }

    #[test]
    fn a_jump_of_the_cameras_clock_leaves_no_hole_and_no_fold() {
        for jump in [i64::from(SCALE) * 3600, -i64::from(SCALE) * 3600, -i64::from(SCALE) * 3] {
            let mut timeline = Timeline::new(SCALE);
            for n in 0..5 {
                timeline.place(n * FRAME, at(n));
            }
            let placed = timeline.place(5 * FRAME + jump, at(5));
            assert_eq!(placed, Placed { time: 5 * FRAME, follows: Follows::AfterJump }, "{jump}");
            let next = timeline.place(6 * FRAME + jump, at(6));
            assert_eq!(next, Placed { time: 6 * FRAME, follows: Follows::InOrder }, "{jump}");
        }
    }

    proptest! {
        #[test]
        fn no_stamps_move_a_frame_far_from_its_neighbours(
            frames in prop::collection::vec((any::<i64>(), -100_000i64..100_000), 1..50),
        ) {
            let mut timeline = Timeline::new(SCALE);
            timeline.place(0, at(0));
            let mut newest = 0;
            for (stamp, received) in frames {
                let time = timeline.place(stamp, at(received)).time;
                prop_assert!(time >= newest - ticks(BEHIND, SCALE) && time <= newest + ticks(AHEAD, SCALE));
                newest = newest.max(time);
            }
        }
    }
}
