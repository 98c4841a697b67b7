//! Where footage goes: a pure question of the camera's settings and the time.

use std::path::PathBuf;

use catalog::LIVE;
use chrono::{DateTime, Utc};
use config::{Camera, Recording, WindowState};

use crate::segment::Place;

/// What becomes of a file. One is begun at the first keyframe for which this is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A segment, in the camera's folder: told to the catalogue, processed and kept.
    Recording,
    /// Live footage: only for the live playlist, and deleted after a while.
    Live,
    /// No file at all: whoever listens gets the fragments, and nothing is kept.
    Nowhere,
}

/// The destinations of one camera.
#[derive(Clone, Debug)]
pub(crate) struct Destinations {
    recording: Recording,
    /// Where footage goes that is not recorded.
    otherwise: Destination,
}

impl Destinations {
    pub(crate) fn of(camera: &Camera) -> Self {
        let otherwise = if camera.hls.is_some() { Destination::Live } else { Destination::Nowhere };
        Self { recording: camera.recording.clone(), otherwise }
    }

    /// Tells where footage goes that begins at `start`.
    pub(crate) fn at(&self, start: DateTime<Utc>) -> Destination {
        let Recording::During(windows) = &self.recording else { return self.otherwise };
        match windows.at(start) {
            WindowState::Always | WindowState::Open { .. } => Destination::Recording,
            WindowState::Closed { .. } => self.otherwise,
        }
    }

    /// Tells whether there ever are files.
    pub(crate) fn need_a_disk(&self) -> bool {
        self.recording != Recording::Off || self.otherwise != Destination::Nowhere
    }
}

impl Destination {
    /// Returns the folder for a camera's files, if there are any.
    pub(crate) fn folder(self, place: &Place, camera: &config::CameraId) -> Option<PathBuf> {
        match self {
            Self::Recording => Some(place.folder(camera)),
            Self::Live => Some(place.folder(camera).join(LIVE)),
            Self::Nowhere => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::{Hls, Windows};

    use super::*;

    fn destinations(recording: Recording, hls: bool) -> Destinations {
        let hls = hls.then_some(Hls { keep: Duration::from_secs(3600), part: Duration::from_secs(2) });
        Destinations::of(&Camera { recording, hls, ..Camera::new("gate".parse().unwrap(), None) })
    }

    fn during(zone: chrono_tz::Tz, windows: &[&str]) -> Recording {
        Recording::During(Windows::parse(zone, windows).unwrap())
    }

    #[test]
    fn what_is_not_recorded_is_shown_live_or_goes_nowhere() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let always = || during(chrono_tz::UTC, &[]);
        let night = || during(chrono_tz::UTC, &["22:00-06:00"]);
        let cases = [
            (always(), false, Destination::Recording, true),
            (always(), true, Destination::Recording, true),
            (night(), false, Destination::Nowhere, true),
            (night(), true, Destination::Live, true),
            (Recording::Off, true, Destination::Live, true),
            (Recording::Off, false, Destination::Nowhere, false),
        ];
        for (recording, hls, destination, need_a_disk) in cases {
            let found = destinations(recording.clone(), hls);
            assert_eq!(
                (found.at(now), found.need_a_disk()),
                (destination, need_a_disk),
                "{recording:?} {hls}"
            );
        }
    }

    #[test]
    fn windows_open_and_close_by_local_time_in_nights_that_change_it() {
        let berlin = destinations(during(chrono_tz::Europe::Berlin, &["22:00-02:30", "03:00-04:00"]), true);
        let cases = [
            // an ordinary night: 22:00 is 21:00 UTC
            ("2026-11-25T20:59:59.999Z", Destination::Live),
            ("2026-11-25T21:00:00Z", Destination::Recording),
            ("2026-11-26T01:29:59.999Z", Destination::Recording),
            ("2026-11-26T01:30:00Z", Destination::Live),
            ("2026-11-26T02:00:00Z", Destination::Recording),
            ("2026-11-26T03:00:00Z", Destination::Live),
            // 02:00 becomes 03:00: the first window's 02:30 is 03:30 in summer time, so the two are one
            ("2026-03-28T21:00:00Z", Destination::Recording),
            ("2026-03-29T01:00:00Z", Destination::Recording),
            ("2026-03-29T01:59:59.999Z", Destination::Recording),
            ("2026-03-29T02:00:00Z", Destination::Live),
            // 03:00 becomes 02:00 again: the first window closes at the second 02:30
            ("2026-10-25T00:30:00Z", Destination::Recording),
            ("2026-10-25T01:29:59.999Z", Destination::Recording),
            ("2026-10-25T01:30:00Z", Destination::Live),
            ("2026-10-25T02:00:00Z", Destination::Recording),
            ("2026-10-25T03:00:00Z", Destination::Live),
        ];
        for (now, destination) in cases {
            assert_eq!(berlin.at(now.parse().unwrap()), destination, "{now}");
        }
    }
}
