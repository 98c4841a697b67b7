//! Whether work may begin now, and if not, until when to wait: the window, the day's cap, a model out of reach.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog::{Catalog, Urgency};
use chrono::{DateTime, Utc};
use config::{Urgent, WindowState, Windows};

use crate::error::chain;
use crate::event::WaitReason;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Go,
    /// The window is closed.
    Urgent(Urgency),
    Wait {
        until: DateTime<Utc>,
        reason: WaitReason,
    },
}

/// Tells all workers alike whether to begin another segment.
#[derive(Debug)]
pub(crate) struct PaceKeeper {
    windows: Windows,
    /// `--now`: the window does not count; the cap does.
    ignore_windows: bool,
    /// Caps and rate limits hold for the whole account: what stops one worker stops all.
    paused: Mutex<Option<(DateTime<Utc>, WaitReason)>>,
    /// Cameras whose own cap is reached.
    capped: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Absent for files that were named.
    backlog: Option<Backlog>,
}

/// What of the backlog says whether it may be begun.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Where `nightreel pause` is written, and what waits.
    pub(crate) catalog: Catalog,
    pub(crate) root: PathBuf,
    pub(crate) urgent: Urgent,
}

impl PaceKeeper {
    pub(crate) fn new(windows: Windows, ignore_windows: bool) -> Self {
        Self { windows, ignore_windows, paused: Mutex::new(None), capped: Mutex::default(), backlog: None }
    }

    /// Heeds `nightreel pause` too, and what is urgent.
    #[must_use]
    pub(crate) fn over(mut self, backlog: Backlog) -> Self {
        self.backlog = Some(backlog);
        self
    }

    pub(crate) fn at(&self, now: DateTime<Utc>) -> Pace {
        if self.is_paused() {
            return Pace::Wait { until: DateTime::<Utc>::MAX_UTC, reason: WaitReason::Paused };
        }
        let pace = self.by_window(now);
        match *self.paused() {
            Some((until, reason)) if until > now && !matches!(pace, Pace::Wait { .. }) => {
                Pace::Wait { until, reason }
            }
            _ => pace,
        }
    }

    fn by_window(&self, now: DateTime<Utc>) -> Pace {
        match self.windows.at(now) {
            WindowState::Closed { until } if !self.ignore_windows => match self.urgency(now) {
                Some(urgency) => Pace::Urgent(urgency),
                None => Pace::Wait { until, reason: WaitReason::WindowClosed },
            },
            _ => Pace::Go,
        }
    }

    fn urgency(&self, now: DateTime<Utc>) -> Option<Urgency> {
        let Backlog { catalog, root, urgent } = self.backlog.as_ref()?;
        catalog.urgency(*urgent, root, now).unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "cannot tell whether the backlog is urgent");
            None
        })
    }

    fn is_paused(&self) -> bool {
        let found = self.backlog.as_ref().map(|backlog| backlog.catalog.paused());
        found.is_some_and(|found| match found {
            Ok(pause) => pause.is_some(),
            Err(error) => {
                tracing::warn!(error = chain(&error), "cannot look for a pause");
                false
            }
        })
    }

    /// Notes that the vision model cannot be asked before `until`.
    pub(crate) fn vision_unavailable(&self, until: DateTime<Utc>) {
        *self.paused() = Some((until, WaitReason::VisionUnavailable));
    }

    /// Notes that what one camera may spend is used up for the day, and returns until when.
    pub(crate) fn camera_cap_reached(&self, camera: String, now: DateTime<Utc>) -> DateTime<Utc> {
        let until = self.windows.cap_day_ends(now);
        self.capped.lock().unwrap_or_else(PoisonError::into_inner).insert(camera, until);
        until
    }

    /// Returns until when a camera's segments wait for their cap's next day.
    pub(crate) fn capped_until(&self, camera: Option<&str>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let capped = self.capped.lock().unwrap_or_else(PoisonError::into_inner);
        capped.get(camera?).copied().filter(|until| *until > now)
    }

    /// Notes that what all cameras together may spend is used up for the day.
    pub(crate) fn cap_reached(&self, now: DateTime<Utc>) {
        *self.paused() = Some((self.windows.cap_day_ends(now), WaitReason::CapReached));
    }

    fn paused(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, WaitReason)>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
