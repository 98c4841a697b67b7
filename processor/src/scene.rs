//! The scene: one segment under examination. Decodes the samples, asks the gate, cuts the views, finds objects, asks.

use catalog::{Decision, GateReason, Object, Sample, ViewResult};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::Picture;
use crate::detect::Detector;
use crate::error::chain;
use crate::footage::{self, Footage};
use crate::gate::{Gate, Grid, Moment, is_in_place};
use crate::looks::{Looks, Spot};
use crate::unfinished::{Progress, Unfinished};
use crate::video::{DecodeSummary, SampledFrame};
use crate::view::Cut;

pub(crate) struct Scene<'a> {
    footage: Footage<'a>,
    /// Absent where every sample is looked at.
    gate: Option<Gate>,
    detector: Option<&'a mut Detector>,
    looks: Option<Looks<'a>>,
    samples: Vec<Sample>,
    /// Of the first frame, as decoded.
    size_px: [u32; 2],
}

/// What was seen, and how decoding went.
pub(crate) struct Seen {
    pub(crate) samples: Vec<Sample>,
    pub(crate) size_px: [u32; 2],
    pub(crate) decoding: DecodeSummary,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        footage: Footage<'a>,
        gate: Option<Gate>,
        detector: Option<&'a mut Detector>,
        looks: Option<Looks<'a>>,
    ) -> Self {
        Self { footage, gate, detector, looks, samples: Vec::new(), size_px: [0; 2] }
    }

    /// Decides of every sampled frame and looks at those that are kept, then waits for the answers that are still
    /// to come.
    pub(crate) fn look_through(mut self, progress: &mut Progress<'_>) -> Result<Seen, Unfinished> {
        let mut samples = self.footage.video.samples(self.footage.every)?;
        while let Some(frame) = footage::next(&mut samples, progress)? {
            self.take(&frame?, progress)?;
        }
        self.take_captions(progress)?;
        Ok(Seen { samples: self.samples, size_px: self.size_px, decoding: samples.summary().clone() })
    }

    fn take(&mut self, frame: &SampledFrame, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        if self.samples.is_empty() {
            self.size_px = [frame.width(), frame.height()];
        }
        let picture = self.footage.plan.picture(frame)?;
        let time = self.footage.time(frame.pts);
        let moment = Moment { frame: frame.index, time };
        let mut decision = self.gate.as_mut().map(|gate| gate.judge(&Grid::of(&picture), moment));
        let views = match &mut decision {
            Some(Decision { kept: false, .. }) => Vec::new(),
            Some(decision) if decision.reason == GateReason::Audit => {
                let views = self.audit(&picture, progress)?;
                decision.missed = Some(self.shows_what_was_missed(&views, frame, progress)?);
                views
            }
            _ => self.look_at(&picture, frame.index, progress)?,
        };
        self.samples.push(Sample { frame: frame.index, time: rfc3339(time), gate: decision, views });
        Ok(())
    }

    fn look_at(
        &mut self,
        picture: &Picture,
        frame: u64,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ViewResult>, Unfinished> {
        let mut views = Vec::new();
        for cut in self.footage.plan.views.cut(picture) {
            progress()?;
            views.push(self.view_result(&cut)?);
            if let Some(looks) = &mut self.looks {
                let spot = Spot { frame, sample: self.samples.len(), view: views.len() - 1 };
                looks.add(spot, &cut, progress)?;
            }
        }
        Ok(views)
    }

    /// Looks with the detector alone: the vision model is not asked about what is held to be nothing.
    fn audit(
        &mut self,
        picture: &Picture,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ViewResult>, Unfinished> {
        let mut views = Vec::new();
        for cut in self.footage.plan.views.cut(picture) {
            progress()?;
            views.push(self.view_result(&cut)?);
        }
        Ok(views)
    }

    /// Tells whether something is there that was in its place neither a while before nor a while after: what
    /// stays there, such as a parked car, is seen at heartbeats and was not missed.
    fn shows_what_was_missed(
        &mut self,
        views: &[ViewResult],
        frame: &SampledFrame,
        progress: &mut Progress<'_>,
    ) -> Result<bool, Unfinished> {
        if views.iter().all(|view| view.objects.is_empty()) {
            return Ok(false);
        }
        let mut around = Vec::new();
        for picture in self.footage.around(frame, progress)? {
            around.push(self.audit(&picture, progress)?);
        }
        let is_new = |(number, object): (usize, &Object)| {
            !around.iter().any(|views| is_in_place(object, &views[number].objects))
        };
        let objects = views.iter().enumerate();
        let mut objects = objects.flat_map(|(number, view)| view.objects.iter().map(move |o| (number, o)));
        Ok(objects.any(is_new))
    }

    fn view_result(&mut self, cut: &Cut<'_>) -> Result<ViewResult, Unfinished> {
        let objects = self.objects(cut)?;
        Ok(ViewResult { view: cut.name.to_owned(), objects, caption: None, jpeg: None })
    }

    /// A picture that the network cannot take (of an absurd shape, say) is the segment's fault.
    fn objects(&mut self, cut: &Cut<'_>) -> Result<Vec<Object>, Unfinished> {
        let (Some(detector), Some(filter)) = (&mut self.detector, &self.footage.plan.filter) else {
            return Ok(Vec::new());
        };
        let found = detector.detect(&cut.picture).map_err(|error| Unfinished::Retry(chain(&error)))?;
        Ok(filter.reported(cut.name, found))
    }

    fn take_captions(&mut self, progress: &mut Progress<'_>) -> Result<(), Unfinished> {
        let Some(looks) = self.looks.take() else { return Ok(()) };
        for (Spot { sample, view, .. }, caption) in looks.finish(progress)? {
            self.samples[sample].views[view].caption = Some(caption);
        }
        Ok(())
    }
}

pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
