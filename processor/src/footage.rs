//! The footage of one segment: its samples in the light of its camera's plan, and the keyframes that tell what is
//! usual there.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::Picture;
use crate::gate::{Background, Grid, Surroundings};
use crate::plan::CameraPlan;
use crate::unfinished::{Progress, Unfinished};
use crate::video::{SampledFrame, Samples, Video};

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

#[derive(Clone, Copy, Debug)]
pub(crate) struct Footage<'a> {
    pub(crate) plan: &'a CameraPlan,
    pub(crate) video: &'a Video,
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
        &self,
        is_alone: bool,
        progress: &mut Progress<'_>,
    ) -> Result<Surroundings, Unfinished> {
        let probe = self.video.probe();
        let length = probe.duration.min(BEGINNING);
        let near: Vec<Duration> = (0..KEYFRAMES).map(|part| length * part / (KEYFRAMES - 1)).collect();
        let pictures = self.keyframes(&near, progress, |picture| Grid::of(&picture))?;
        let is_enough = pictures.len() >= FEWEST_KEYFRAMES && length >= SHORTEST;
        let interval =
            probe.duration.as_secs_f64() / probe.frames.max(1) as f64 * f64::from(self.every.get());
        let before = TimeDelta::milliseconds((interval * 1e3) as i64);
        Ok(Surroundings {
            background: if is_enough { Background::learn(&pictures) } else { None },
            is_alone,
            before: self.start.checked_sub_signed(before).unwrap_or(self.start),
        })
    }

    /// Decodes the keyframes a while before and after a frame.
    pub(crate) fn around(
        &self,
        frame: &SampledFrame,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<Picture>, Unfinished> {
        let near = [frame.pts.saturating_sub(A_WHILE), frame.pts + A_WHILE];
        self.keyframes(&near, progress, |picture| picture)
    }

    /// Those that cannot be decoded are left out.
    fn keyframes<T>(
        &self,
        near: &[Duration],
        progress: &mut Progress<'_>,
        take: impl Fn(Picture) -> T,
    ) -> Result<Vec<T>, Unfinished> {
        let Some(mut samples) = self.video.keyframes(near)? else { return Ok(Vec::new()) };
        let mut taken = Vec::new();
        while let Some(frame) = next(&mut samples, progress)? {
            if let Ok(picture) =
                frame.map_err(Unfinished::from).and_then(|frame| Ok(self.plan.picture(&frame)?))
            {
                taken.push(take(picture));
            }
        }
        Ok(taken)
    }
}

/// Decodes up to the next sample, with a sign of life for each packet.
pub(crate) fn next(
    samples: &mut Samples,
    progress: &mut Progress<'_>,
) -> Result<Option<<Samples as Iterator>::Item>, Unfinished> {
    while samples.is_hungry() {
        progress()?;
        samples.advance();
    }
    Ok(samples.next())
}
