//! Whether work may begin now, and if not, until when to wait: the window, the day's cap, a model out of reach.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use config::{WindowState, Windows};

use crate::event::WaitReason;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Go,
    Wait { until: DateTime<Utc>, reason: WaitReason },
}

/// Tells all workers alike whether to begin another segment.
#[derive(Debug)]
pub(crate) struct PaceKeeper {
    windows: Windows,
    /// `--now`: the window does not count; the cap does.
    ignore_windows: bool,
    /// Caps and rate limits hold for the whole account: what stops one worker stops all.
    paused: Mutex<Option<(DateTime<Utc>, WaitReason)>>,
}

impl PaceKeeper {
    pub(crate) fn new(windows: Windows, ignore_windows: bool) -> Self {
        Self { windows, ignore_windows, paused: Mutex::new(None) }
    }

    pub(crate) fn at(&self, now: DateTime<Utc>) -> Pace {
        if let WindowState::Closed { until } = self.windows.at(now)
            && !self.ignore_windows
        {
            return Pace::Wait { until, reason: WaitReason::WindowClosed };
        }
        match *self.paused() {
            Some((until, reason)) if until > now => Pace::Wait { until, reason },
            _ => Pace::Go,
        }
    }

    /// Notes that the vision model cannot be asked before `until`.
    pub(crate) fn vision_unavailable(&self, until: DateTime<Utc>) {
        *self.paused() = Some((until, WaitReason::VisionUnavailable));
    }

    /// Notes that the day's calls are used up.
    pub(crate) fn cap_reached(&self, now: DateTime<Utc>) {
        *self.paused() = Some((next_cap_day(&self.windows, now), WaitReason::CapReached));
    }

    fn paused(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, WaitReason)>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the opening with which the next cap day begins.
fn next_cap_day(windows: &Windows, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = windows.cap_day(now);
    let mut at = now;
    // Two openings and two closings are the most that lie before another day's window.
    for _ in 0..64 {
        at = match windows.at(at) {
            WindowState::Open { until, .. } => until,
            WindowState::Closed { until } if windows.cap_day(until) != today => return until,
            WindowState::Closed { until } => until,
            WindowState::Always => return next_midnight(windows, now),
        };
    }
    now + TimeDelta::days(1)
}

fn next_midnight(windows: &Windows, now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&windows.zone()).date_naive() + TimeDelta::days(1);
    let midnight = tomorrow.and_time(NaiveTime::MIN).and_local_timezone(windows.zone()).earliest();
    midnight.map_or(now + TimeDelta::days(1), |local| local.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn berlin(spans: &[&str]) -> Windows {
        Windows::parse(chrono_tz::Europe::Berlin, spans).unwrap()
    }

    #[test]
    fn waits_for_the_window_unless_told_not_to() {
        let noon = at("2026-11-22T11:00:00Z");
        let waits = PaceKeeper::new(berlin(&["22:00-06:00"]), false);
        let until = at("2026-11-22T21:00:00Z");
        assert_eq!(waits.at(noon), Pace::Wait { until, reason: WaitReason::WindowClosed });
        assert_eq!(waits.at(at("2026-11-22T23:00:00Z")), Pace::Go);
        assert_eq!(PaceKeeper::new(berlin(&["22:00-06:00"]), true).at(noon), Pace::Go);
    }

    #[test]
    fn a_reached_cap_waits_for_the_next_day_of_its_windows() {
        let cases = [
            (&["22:00-06:00"][..], "2026-11-22T23:00:00Z", "2026-11-23T21:00:00Z"),
            (&["22:00-06:00"][..], "2026-11-23T03:00:00Z", "2026-11-23T21:00:00Z"),
            (&["01:00-02:00", "13:00-14:00"][..], "2026-11-22T00:30:00Z", "2026-11-23T00:00:00Z"),
            (&[][..], "2026-11-22T12:00:00Z", "2026-11-22T23:00:00Z"),
        ];
        for (spans, now, expected) in cases {
            let keeper = PaceKeeper::new(berlin(spans), true);
            keeper.cap_reached(at(now));
            let wait = Pace::Wait { until: at(expected), reason: WaitReason::CapReached };
            assert_eq!(keeper.at(at(now)), wait, "{spans:?} {now}");
            assert_eq!(keeper.at(at(expected)), Pace::Go);
        }
    }
}
