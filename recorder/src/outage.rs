//! A stretch without footage of a camera: since when, why, and how long it was.

use std::time::{Duration, Instant};

use catalog::{Gap, GapCause, OpenGap};
use chrono::{DateTime, Utc};
use config::CameraId;

use crate::wall::ClockStep;

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) wall: DateTime<Utc>,
    pub(crate) at: Instant,
}

#[derive(Debug)]
pub(crate) struct Outage {
    camera: CameraId,
    frames: Option<Frames>,
    open: Option<Open>,
}

/// What came in the session that runs or has just ended.
#[derive(Clone, Copy, Debug)]
struct Frames {
    first: DateTime<Utc>,
    last: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    from: DateTime<Utc>,
    since: Instant,
    /// Of the first fault; those that follow (refused while it boots) belong to it.
    cause: GapCause,
}

impl Outage {
    pub(crate) fn new(camera: CameraId) -> Self {
        Self { camera, frames: None, open: None }
    }

    /// Takes note of a session's first frame: what was missing before it is over.
    pub(crate) fn begin(&mut self, first: Moment) -> Option<Gap> {
        self.frames = Some(Frames { first: first.wall, last: first });
        self.end(first.wall)
    }

    /// Takes note of the newest frame of a session that has begun.
    pub(crate) fn note_last_frame(&mut self, last: Moment) {
        if let Some(frames) = &mut self.frames {
            frames.last = last;
        }
    }

    /// Takes note of a failed session. It began at `began`, which counts where no frame came; footage lies on the
    /// disk up to `written`. Returns the gap where it is a new one.
    pub(crate) fn note_failure(
        &mut self,
        cause: GapCause,
        written: Option<DateTime<Utc>>,
        began: Moment,
    ) -> Option<OpenGap> {
        let frames = self.frames.take();
        if self.open.is_some() {
            return None;
        }
        let from = match frames {
            // what was written last may be of an earlier session
            Some(frames) => written.unwrap_or(frames.last.wall).max(frames.first),
            None => began.wall,
        };
        let since = frames.map_or(began.at, |frames| frames.last.at);
        self.open = Some(Open { from, since, cause });
        Some(OpenGap { camera: self.camera.clone(), from, cause })
    }

    /// Tells whether frames came since the last failure.
    pub(crate) fn has_frames(&self) -> bool {
        self.frames.is_some()
    }

    pub(crate) fn lasted(&self, now: Instant) -> Duration {
        self.open.map_or(Duration::ZERO, |open| now.saturating_duration_since(open.since))
    }

    /// Returns when it began.
    pub(crate) fn since(&self) -> Option<Moment> {
        self.open.map(|open| Moment { wall: open.from, at: open.since })
    }

    /// Ends it with a frame of that time, or with the order to stop.
    pub(crate) fn end(&mut self, to: DateTime<Utc>) -> Option<Gap> {
        let open = self.open.take()?;
        Some(self.gap(open, to))
    }

    /// Parts it where the clock was set, so that both parts have the length they had. Returns the first, and the
    /// gap that lasts.
    pub(crate) fn part(&mut self, step: ClockStep) -> Option<(Gap, OpenGap)> {
        let open = self.open?;
        self.open = Some(Open { from: step.after, ..open });
        let lasting = OpenGap { camera: self.camera.clone(), from: step.after, cause: open.cause };
        Some((self.gap(open, step.before), lasting))
    }

    fn gap(&self, open: Open, to: DateTime<Utc>) -> Gap {
        // the clock may have been set back meanwhile
        Gap { camera: self.camera.clone(), from: open.from, to: to.max(open.from), cause: open.cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Day {
        start: Instant,
    }

    impl Day {
        fn at(&self, second: u64) -> Moment {
            Moment { wall: wall(second), at: self.start + Duration::from_secs(second) }
        }
    }

    fn wall(second: u64) -> DateTime<Utc> {
        DateTime::from_timestamp(second.cast_signed(), 0).unwrap()
    }

    fn set_up() -> (Day, Outage) {
        (Day { start: Instant::now() }, Outage::new("gate".parse().unwrap()))
    }

    #[test]
    fn a_gap_reaches_from_the_last_frame_on_the_disk_to_the_next_and_keeps_its_first_cause() {
        let (day, mut outage) = set_up();
        assert!(outage.begin(day.at(5)).is_none(), "nothing failed yet");
        outage.note_last_frame(day.at(10));
        assert!(outage.has_frames());
        let opened = outage.note_failure(GapCause::Stalled, Some(wall(11)), day.at(0)).unwrap();
        assert_eq!((opened.from, opened.cause), (wall(11), GapCause::Stalled));
        assert!(outage.note_failure(GapCause::Unreachable, Some(wall(11)), day.at(20)).is_none());
        assert!(!outage.has_frames());
        assert_eq!(outage.lasted(day.at(19).at), Duration::from_secs(9));
        let gap = outage.begin(day.at(40)).unwrap();
        assert_eq!((gap.from, gap.to, gap.cause), (wall(11), wall(40), GapCause::Stalled));
        assert!(outage.end(wall(41)).is_none());
    }

    #[test]
    fn a_session_of_which_nothing_was_written_is_a_part_of_the_gap() {
        let (day, mut outage) = set_up();
        outage.begin(day.at(50));
        outage.note_last_frame(day.at(55));
        let opened = outage.note_failure(GapCause::DiskFull, Some(wall(20)), day.at(49)).unwrap();
        assert_eq!(opened.from, wall(50));
    }

    #[test]
    fn a_step_of_the_clock_leaves_both_parts_as_long_as_they_were() {
        let (day, mut outage) = set_up();
        outage.note_failure(GapCause::Unreachable, None, day.at(100));
        let step = ClockStep { before: wall(130), after: wall(3730) };
        let (first, lasting) = outage.part(step).unwrap();
        assert_eq!((first.from, first.to), (wall(100), wall(130)));
        assert_eq!(lasting.from, wall(3730));
        let second = outage.end(wall(3750)).unwrap();
        assert_eq!((second.from, second.to), (wall(3730), wall(3750)));
    }
}
