//! The footage of one segment: its samples in the light of its camera's plan, and the keyframes that tell what is
//! usual there.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::Picture;
use crate::decoding::{DecodedFrame, Decoding};
use crate::gate::{Background, Grid, Surroundings};
use crate::plan::CameraPlan;
use crate::unfinished::{Progress, Unfinished};
use crate::video::{Choice, DecodeSummary};

/// Of the beginning of a segment, so many keyframes show its background…
const KEYFRAMES: u32 = 11;
/// …fewer do not…
const FEWEST_KEYFRAMES: usize = 5;
/// …nor does what is shorter, in which somebody may stand all the time…
const SHORTEST: Duration = Duration::from_secs(20);
/// …and the beginning is so long: a file of a day is not what its first hour was.
const BEGINNING: Duration = Duration::from_secs(120);

/// How long before and after a frame a thing must have been in its place to be part of it.
const A_WHILE: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) struct Footage<'a> {
    pub(crate) plan: &'a CameraPlan,
    pub(crate) decoding: Decoding<'a>,
    pub(crate) start: DateTime<Utc>,
    pub(crate) every: NonZeroU32,
}

impl Footage<'_> {
    pub(crate) fn time(&self, pts: Duration) -> DateTime<Utc> {
        self.start + TimeDelta::from_std(pts).unwrap_or_default()
    }

    /// Learns from keyframes, which cost little, what the gate has to know beforehand. Samples cannot be looked at
    /// twice without decoding them twice, nor kept: a minute of them takes hundreds of megabytes.
    pub(crate) fn surroundings(
        &mut self,
        is_alone: bool,
        progress: &mut Progress<'_>,
    ) -> Result<Surroundings, Unfinished> {
        let probe = &self.decoding.opened().probe;
        let (duration, frames) = (probe.duration, probe.frames.max(1));
        let length = duration.min(BEGINNING);
        let near = (0..KEYFRAMES).map(|part| length * part / (KEYFRAMES - 1)).collect();
        let pictures = self.keyframes(near, progress, |picture| Grid::of(&picture))?;
        let is_enough = pictures.len() >= FEWEST_KEYFRAMES && length >= SHORTEST;
        let interval = duration.as_secs_f64() / frames as f64 * f64::from(self.every.get());
        let before = TimeDelta::milliseconds((interval * 1e3) as i64);
        Ok(Surroundings {
            background: if is_enough { Background::learn(&pictures) } else { None },
            is_alone,
            before: self.start.checked_sub_signed(before).unwrap_or(self.start),
        })
    }

    /// Begins to decode the samples; [`next`](Self::next) gives them.
    pub(crate) fn begin(&mut self, choice: Choice) {
        self.decoding.samples(choice);
    }

    /// Waits for the next sample, and hides what is masked.
    pub(crate) fn next(&mut self, progress: &mut Progress<'_>) -> Result<Option<DecodedFrame>, Unfinished> {
        let Some(mut frame) = self.decoding.next(progress)? else { return Ok(None) };
        frame.picture = self.plan.masked(frame.picture);
        Ok(Some(frame))
    }

    /// Tells how decoding went, after the last sample.
    pub(crate) fn summary(&self) -> &DecodeSummary {
        self.decoding.summary()
    }

    /// Decodes the keyframes a while before and after a time.
    pub(crate) fn around(
        &mut self,
        pts: Duration,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Picture>, Unfinished> {
        let near = vec![pts.saturating_sub(A_WHILE), pts + A_WHILE];
        self.keyframes(near, progress, |picture| picture)
    }

    fn keyframes<T>(
        &mut self,
        near: Vec<Duration>,
        progress: &mut Progress<'_>,
        take: impl Fn(Picture) -> T,
    ) -> Result<Vec<T>, Unfinished> {
        self.decoding.keyframes(near);
        let mut taken = Vec::new();
        while let Some(frame) = self.next(progress)? {
            taken.push(take(frame.picture));
        }
        Ok(taken)
    }
}
