//! The gate itself: decides of one frame after another whether it is looked at, and says why.

use catalog::{Decision, GateReason};
use chrono::{DateTime, TimeDelta, Utc};

use super::background::Difference;
use super::warm_up::WarmUp;
use super::{Audit, Background, Grid};

/// Light that goes on changing for longer is something else, and is looked at.
const LONGEST_LIGHT: u32 = 3;

/// When a frame was taken, and which it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) frame: u64,
    pub(crate) time: DateTime<Utc>,
}

/// What is known before the first frame of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Absent where the segment is too short to learn it.
    pub(crate) background: Option<Background>,
    /// The file stands alone: nothing that was looked at comes before it.
    pub(crate) is_alone: bool,
    /// When the sample before the first would have been taken.
    pub(crate) before: DateTime<Utc>,
}

/// Decides of the samples of one segment, in their order. What it says depends on that segment alone, so that it
/// is the same whichever worker asks, and in whatever order segments are taken.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: config::Gate,
    audit: Audit,
    background: Option<Background>,
    phase: Phase,
    before: DateTime<Utc>,
    /// While a running stream's background is not known yet.
    warm_up: Option<WarmUp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next frame is looked at, since nothing was yet.
    Begin,
    Quiet,
    Activity,
    /// The light has been changing for so many samples.
    Light(u32),
}

impl Gate {
    pub(crate) fn new(settings: config::Gate, audit: Audit, surroundings: Surroundings) -> Self {
        let Surroundings { background, is_alone, before } = surroundings;
        let phase = if is_alone { Phase::Begin } else { Phase::Quiet };
        Self { settings, audit, background, phase, before, warm_up: None }
    }

    /// Lets it learn the background from what comes first: for a stream, of which nothing is known beforehand. Until
    /// then its first frame is the background.
    pub(crate) fn learning(self) -> Self {
        Self { warm_up: Some(WarmUp::default()), ..self }
    }

    /// Decides of the next sample.
    pub(crate) fn judge(&mut self, grid: &Grid, moment: Moment) -> Decision {
        let is_due = self.is_heartbeat_due(moment.time);
        self.before = moment.time;
        let (score, found) = self.look(grid);
        if let Some(learnt) = self.warm_up.as_mut().and_then(|warm_up| warm_up.take(grid, moment.time)) {
            self.background = Some(learnt);
            self.warm_up = None;
        }
        let reason = match found {
            None if is_due => GateReason::Heartbeat,
            None if self.audit.picks(moment.frame) => GateReason::Audit,
            None => GateReason::Quiet,
            Some(reason) => reason,
        };
        let is_dropped = reason == GateReason::Quiet || matches!(self.phase, Phase::Light(2..));
        Decision { score: (score * 100.0).round() / 100.0, kept: !is_dropped, reason, missed: None }
    }

    /// Returns the score, and why the frame is of note; follows the background.
    fn look(&mut self, grid: &Grid) -> (f32, Option<GateReason>) {
        let Some(background) = self.background.as_mut().filter(|background| background.fits(grid)) else {
            self.background = Some(Background::of(grid));
            self.phase = Phase::Quiet;
            return (0.0, Some(GateReason::First));
        };
        let difference = background.compare(grid);
        let (phase, reason) = next(self.phase, &difference, self.settings.threshold);
        match phase {
            Phase::Light(run) => {
                background.begin_anew(grid);
                if run > 1 {
                    background.accept(&difference);
                }
            }
            _ => background.follow(grid, &difference),
        }
        self.phase = phase;
        (difference.score, reason)
    }

    /// Heartbeats are at even times of the clock, so that they need not be handed on from segment to segment.
    fn is_heartbeat_due(&self, time: DateTime<Utc>) -> bool {
        let interval = TimeDelta::from_std(self.settings.heartbeat).unwrap_or(TimeDelta::MAX);
        let count = |at: DateTime<Utc>| at.timestamp_millis().div_euclid(interval.num_milliseconds().max(1));
        count(time) > count(self.before)
    }
}

/// Says what goes on, and why this frame is of note.
fn next(phase: Phase, difference: &Difference, threshold: f32) -> (Phase, Option<GateReason>) {
    let is_active = difference.score >= threshold;
    match phase {
        Phase::Light(run) if difference.is_light && run < LONGEST_LIGHT => {
            (Phase::Light(run + 1), Some(GateReason::Light))
        }
        Phase::Light(run) if difference.is_light && run >= LONGEST_LIGHT => {
            (Phase::Activity, Some(GateReason::Activity))
        }
        Phase::Light(_) => (if is_active { Phase::Activity } else { Phase::Quiet }, Some(GateReason::Light)),
        _ if difference.is_light => (Phase::Light(1), Some(GateReason::Light)),
        Phase::Activity if is_active => (Phase::Activity, Some(GateReason::Activity)),
        _ if is_active => (Phase::Activity, Some(GateReason::First)),
        Phase::Activity => (Phase::Quiet, Some(GateReason::Last)),
        Phase::Begin => (Phase::Quiet, Some(GateReason::First)),
        Phase::Quiet => (Phase::Quiet, None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Picture;

    const START: i64 = 1_795_000_230_500;

    fn picture(level: u8, patch: u8) -> Picture {
        let mut picture = Picture::filled(320, 180, [level, 128, 128]);
        for row in 80..120 {
            picture.y[row * 320 + 100..][..30].fill(patch);
        }
        picture
    }

    fn gate(is_alone: bool, heartbeat_s: u64) -> Gate {
        let settings =
            config::Gate { threshold: 4.0, heartbeat: Duration::from_secs(heartbeat_s), audit_share: 0.0 };
        let audit = Audit { segment_sha256: "ab".to_owned(), share: 0.0 };
        let background = Some(Background::of(&Grid::of(&picture(60, 60))));
        let before = DateTime::from_timestamp_millis(START - 1000).unwrap();
        Gate::new(settings, audit, Surroundings { background, is_alone, before })
    }

    /// One sample a second: level and patch.
    fn reasons(mut gate: Gate, samples: &[(u8, u8)]) -> Vec<String> {
        let word = |(index, &(level, patch)): (usize, &(u8, u8))| {
            let time = DateTime::from_timestamp_millis(START + 1000 * index as i64).unwrap();
            let decision =
                gate.judge(&Grid::of(&picture(level, patch)), Moment { frame: index as u64 * 30, time });
            format!("{}{}", decision.reason, if decision.kept { "" } else { "-" })
        };
        samples.iter().enumerate().map(word).collect()
    }

    #[test]
    fn an_activity_has_a_first_frame_and_a_last_one() {
        let samples = [(60, 60), (60, 90), (60, 110), (60, 80), (60, 60), (60, 60)];
        let expected = ["quiet-", "first", "activity", "activity", "last", "quiet-"];
        assert_eq!(reasons(gate(false, 600), &samples), expected);
    }

    #[test]
    fn a_file_that_stands_alone_is_looked_at_once() {
        assert_eq!(reasons(gate(true, 600), &[(60, 60), (60, 60)]), ["first", "quiet-"]);
        let mut unknown = gate(false, 600);
        unknown.background = None;
        assert_eq!(reasons(unknown, &[(60, 60), (60, 60)]), ["first", "quiet-"]);
    }

    #[test]
    fn a_switch_of_the_light_is_looked_at_when_it_comes_and_when_it_is_over() {
        let samples = [(60, 60), (120, 120), (120, 120), (120, 120), (120, 170)];
        assert_eq!(reasons(gate(false, 600), &samples), ["quiet-", "light", "light", "quiet-", "first"]);
        let slowly = [(60, 60), (90, 90), (120, 120), (150, 150), (150, 150), (150, 150)];
        assert_eq!(
            reasons(gate(false, 600), &slowly),
            ["quiet-", "light", "light-", "light-", "light", "quiet-"]
        );
    }

    #[test]
    fn light_that_never_comes_to_rest_is_looked_at() {
        let samples: Vec<_> =
            (0..12).map(|index| if index % 2 == 0 { (60, 60) } else { (140, 140) }).collect();
        let kept = reasons(gate(false, 600), &samples).iter().filter(|word| !word.ends_with('-')).count();
        assert!(kept >= 4, "{kept}");
    }

    #[test]
    fn heartbeats_are_at_even_times_whatever_the_segments() {
        // The clock says 30.5 s at the first sample.
        let samples = [(60, 60); 12];
        let words = reasons(gate(false, 5), &samples);
        let due: Vec<_> = (0..12).filter(|&index| words[index] == "heartbeat").collect();
        assert_eq!(due, [0, 5, 10], "{words:?}");
    }

    #[test]
    fn a_stream_that_begins_with_somebody_in_it_learns_what_is_there_without_them() {
        // they leave after three of eleven seconds
        let mut samples = vec![(60, 160); 3];
        samples.extend([(60, 60); 10]);
        samples.push((60, 160));
        let mut learning = gate(true, 600).learning();
        learning.background = None;
        let words = reasons(learning, &samples);
        assert_eq!(words[0], "first");
        assert_eq!(words[10..], ["quiet-", "quiet-", "quiet-", "first"], "{words:?}");
    }

    #[test]
    fn a_picture_of_another_size_begins_anew() {
        let mut gate = gate(false, 600);
        let time = DateTime::from_timestamp_millis(START).unwrap();
        let other = Grid::of(&Picture::filled(100, 100, [60, 128, 128]));
        let decision = gate.judge(&other, Moment { frame: 0, time });
        assert_eq!((decision.reason, decision.kept), (GateReason::First, true));
        assert_eq!(gate.judge(&other, Moment { frame: 30, time }).reason, GateReason::Quiet);
    }
}
