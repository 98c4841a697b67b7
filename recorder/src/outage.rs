//! A stretch without footage of a camera: since when, why, and how long it was.

use catalog::{Gap, GapCause};
use chrono::{DateTime, Utc};
use config::CameraId;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Outage {
    camera: CameraId,
    last_frame: Option<DateTime<Utc>>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    from: DateTime<Utc>,
    since: Instant,
    /// Of the first fault; those that follow (refused while it boots) belong to it.
    cause: GapCause,
}

impl Outage {
    pub(crate) fn new(camera: CameraId) -> Self {
        Self { camera, last_frame: None, open: None }
    }

    pub(crate) fn note_last_frame(&mut self, wall: DateTime<Utc>) {
        self.last_frame = Some(wall);
    }

    /// Takes note of a failed session; `began` is when it was begun, for a camera that never sent a frame.
    pub(crate) fn note_failure(&mut self, cause: GapCause, began: DateTime<Utc>, now: Instant) {
        let from = self.last_frame.take().unwrap_or(began);
        self.open.get_or_insert(Open { from, since: now, cause });
    }

    /// Tells whether frames came since the last failure.
    pub(crate) fn has_frames(&self) -> bool {
        self.last_frame.is_some()
    }

    pub(crate) fn lasted(&self, now: Instant) -> Duration {
        self.open.as_ref().map_or(Duration::ZERO, |open| now.saturating_duration_since(open.since))
    }

    /// Ends it with a frame of that time, or with the order to stop.
    pub(crate) fn end(&mut self, to: DateTime<Utc>) -> Option<Gap> {
        let open = self.open.take()?;
        // the clock may have been set back meanwhile
        let from = open.from.min(to);
        Some(Gap { camera: self.camera.clone(), from, to, cause: open.cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_reaches_from_the_last_frame_to_the_next_and_keeps_its_first_cause() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let mut outage = Outage::new("gate".parse().unwrap());
        assert!(outage.end(at(5)).is_none(), "nothing failed yet");
        outage.note_last_frame(at(10));
        let now = Instant::now();
        assert!(outage.has_frames());
        outage.note_failure(GapCause::Stalled, at(0), now);
        outage.note_failure(GapCause::Unreachable, at(20), now + Duration::from_secs(9));
        assert!(!outage.has_frames());
        assert_eq!(outage.lasted(now + Duration::from_secs(9)), Duration::from_secs(9));
        let gap = outage.end(at(40)).unwrap();
        assert_eq!((gap.from, gap.to, gap.cause), (at(10), at(40), GapCause::Stalled));
        assert!(outage.end(at(41)).is_none());
    }
}
