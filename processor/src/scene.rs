//! The scene: one segment under examination. Decodes the samples, cuts the views, finds objects, asks.

use std::num::NonZeroU32;

use catalog::{Object, Profile, Sample, ViewResult};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::candidates::Candidates;
use crate::detect::{self, Detector};
use crate::error::chain;
use crate::looks::{Looks, Spot};
use crate::unfinished::{Progress, Unfinished};
use crate::video::{DecodeSummary, SampledFrame, Video};
use crate::view::{Cut, Views};

/// How the segments of one camera are looked at.
#[derive(Debug)]
pub(crate) struct CameraPlan {
    pub(crate) views: Views,
    pub(crate) profile: Profile,
}

pub(crate) struct Scene<'a> {
    plan: &'a CameraPlan,
    start: DateTime<Utc>,
    detector: Option<&'a mut Detector>,
    looks: Option<Looks<'a>>,
    samples: Vec<Sample>,
    candidates: Candidates,
    /// Of the first frame, as decoded.
    size_px: [u32; 2],
}

/// What was seen, and how decoding went.
pub(crate) struct Seen {
    pub(crate) samples: Vec<Sample>,
    pub(crate) candidates: Candidates,
    pub(crate) size_px: [u32; 2],
    pub(crate) decoding: DecodeSummary,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        plan: &'a CameraPlan,
        start: DateTime<Utc>,
        detector: Option<&'a mut Detector>,
        looks: Option<Looks<'a>>,
    ) -> Self {
        Self {
            plan,
            start,
            detector,
            looks,
            samples: Vec::new(),
            candidates: Candidates::default(),
            size_px: [0; 2],
        }
    }

    /// Gathers pictures for the events, where they are wanted.
    pub(crate) fn gathering(self, candidates: Candidates) -> Self {
        Self { candidates, ..self }
    }

    /// Looks at every sampled frame, then waits for the answers that are still to come.
    pub(crate) fn look_through(
        mut self,
        video: &Video,
        every: NonZeroU32,
        progress: &mut Progress<'_>,
    ) -> Result<Seen, Unfinished> {
        let mut samples = video.samples(every)?;
        loop {
            while samples.is_hungry() {
                progress()?;
                samples.advance();
            }
            let Some(frame) = samples.next() else { break };
            self.look_at(&frame?, progress)?;
        }
        self.take_captions(progress)?;
        Ok(Seen {
            samples: self.samples,
            candidates: self.candidates,
            size_px: self.size_px,
            decoding: samples.summary().clone(),
        })
    }

    fn look_at(&mut self, frame: &SampledFrame, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        if self.samples.is_empty() {
            self.size_px = [frame.width(), frame.height()];
        }
        let picture = frame.picture()?;
        let mut views = Vec::new();
        for cut in self.plan.views.cut(&picture) {
            progress()?;
            let objects = self.objects(&cut)?;
            self.candidates.offer(frame.index, &cut, &objects);
            if let Some(looks) = &mut self.looks {
                let spot = Spot { frame: frame.index, sample: self.samples.len(), view: views.len() };
                looks.add(spot, &cut, progress)?;
            }
            views.push(ViewResult { view: cut.name.to_owned(), objects, caption: None, jpeg: None });
        }
        let time = self.start + TimeDelta::from_std(frame.pts).unwrap_or_default();
        self.samples.push(Sample { frame: frame.index, time: rfc3339(time), views });
        Ok(())
    }

    /// A picture that the network cannot take (of an absurd shape, say) is the segment's fault.
    fn objects(&mut self, cut: &Cut<'_>) -> Result<Vec<Object>, Unfinished> {
        let Some(detector) = &mut self.detector else { return Ok(Vec::new()) };
        let found = detector.detect(&cut.picture).map_err(|error| Unfinished::Retry(chain(&error)))?;
        Ok(found.into_iter().map(object).collect())
    }

    fn take_captions(&mut self, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        let Some(looks) = self.looks.take() else { return Ok(()) };
        for (Spot { sample, view, .. }, caption) in looks.finish(progress)? {
            self.samples[sample].views[view].caption = Some(caption);
        }
        Ok(())
    }
}

fn object(found: detect::Object) -> Object {
    Object { label: found.label.to_owned(), score: found.score, area: found.area }
}

pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
