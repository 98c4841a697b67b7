//! The scene: one segment under examination. Takes the samples, asks the gate, cuts the views, finds objects, asks.

use std::time::Duration;

use catalog::{Decision, GateReason, Object, Sample, ViewResult, rfc3339};
use chrono::{DateTime, Utc};

use crate::Picture;
use crate::candidates::Candidates;
use crate::decoding::DecodedFrame;
use crate::detect::Detector;
use crate::error::chain;
use crate::footage::Footage;
use crate::gate::{Gate, Grid, Moment, is_in_place};
use crate::group::Group;
use crate::looks::{Looked, Looks, Shown, Spot};
use crate::plan::CameraPlan;
use crate::unfinished::{Progress, Unfinished};
use crate::video::{Choice, DecodeSummary};
use crate::view::Cut;
use crate::vision::Told;

pub(crate) struct Scene<'a> {
    plan: &'a CameraPlan,
    /// Absent where every sample is looked at.
    gate: Option<Gate>,
    detector: Option<&'a mut Detector>,
    looks: Option<Looks<'a>>,
    samples: Vec<Sample>,
    audited: Vec<Audited>,
    candidates: Candidates,
    /// Of the first frame, as decoded.
    size_px: [u32; 2],
}

/// A sample in which an audit found something.
struct Audited {
    /// Its number.
    sample: usize,
    pts: Duration,
}

/// Which frame, and when.
#[derive(Clone, Copy)]
struct At {
    frame: u64,
    time: DateTime<Utc>,
    pts: Duration,
}

/// Tells whether a frame belongs to no activity that was under way before it.
fn begins_anew(decision: Decision) -> bool {
    !matches!(decision.reason, GateReason::Activity | GateReason::Last)
}

/// Tells whether the next frame belongs to no activity that this one does.
fn ends_activity(decision: Decision) -> bool {
    !matches!(decision.reason, GateReason::Activity | GateReason::First)
}

/// What was seen, and how decoding went.
pub(crate) struct Seen {
    pub(crate) samples: Vec<Sample>,
    pub(crate) candidates: Candidates,
    pub(crate) size_px: [u32; 2],
    pub(crate) decoding: DecodeSummary,
    /// What answers that come with a batch are for.
    pub(crate) unanswered: Option<Vec<Group>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        plan: &'a CameraPlan,
        gate: Option<Gate>,
        detector: Option<&'a mut Detector>,
        looks: Option<Looks<'a>>,
    ) -> Self {
        let (samples, audited, candidates) = (Vec::new(), Vec::new(), Candidates::default());
        Self { plan, gate, detector, looks, samples, audited, candidates, size_px: [0; 2] }
    }

    /// Gathers pictures for the events, where they are wanted.
    pub(crate) fn gathering(self, candidates: Candidates) -> Self {
        Self { candidates, ..self }
    }

    /// Decides of every sampled frame and looks at those that are kept, then waits for the answers that are still
    /// to come.
    pub(crate) fn look_through(
        mut self,
        footage: &mut Footage<'_>,
        choice: Choice,
        progress: &mut Progress<'_>,
    ) -> Result<Seen, Unfinished> {
        footage.begin(choice);
        while let Some(frame) = footage.next(progress)? {
            let time = footage.time(frame.pts);
            self.take(&frame, time, progress)?;
        }
        let decoding = footage.summary().clone();
        self.finish_audit(footage, progress)?;
        let unanswered = self.take_answers(progress)?;
        let Self { samples, candidates, size_px, .. } = self;
        Ok(Seen { samples, candidates, size_px, decoding, unanswered })
    }

    /// Decides of one frame of a stream and looks at it where it is kept; keeps nothing of it.
    pub(crate) fn look_once(
        &mut self,
        frame: &DecodedFrame,
        time: DateTime<Utc>,
        progress: &mut Progress<'_>,
    ) -> Result<Sample, Unfinished> {
        self.take(frame, time, progress)?;
        Ok(self.samples.pop().expect("it was just taken"))
    }

    fn take(
        &mut self,
        frame: &DecodedFrame,
        time: DateTime<Utc>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Unfinished> {
        if self.samples.is_empty() {
            self.size_px = frame.coded_px;
        }
        let moment = Moment { frame: frame.index, time };
        let seen = At { frame: frame.index, time, pts: frame.pts };
        let mut decision = self.gate.as_mut().map(|gate| gate.judge(&Grid::of(&frame.picture), moment));
        if decision.is_some_and(begins_anew) {
            self.end_activity();
        }
        let views = match &mut decision {
            Some(Decision { kept: false, .. }) => Vec::new(),
            Some(decision) if decision.reason == GateReason::Audit => {
                let views = self.audit(&frame.picture, progress)?;
                decision.missed = Some(false);
                if views.iter().any(|view| !view.objects.is_empty()) {
                    self.audited.push(Audited { sample: self.samples.len(), pts: frame.pts });
                }
                views
            }
            _ => self.look_at(&frame.picture, seen, progress)?,
        };
        if decision.is_some_and(ends_activity) {
            self.end_activity();
        }
        self.samples.push(Sample { frame: frame.index, time: rfc3339(time), gate: decision, views });
        Ok(())
    }

    fn look_at(
        &mut self,
        picture: &Picture,
        at: At,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ViewResult>, Unfinished> {
        let mut views = Vec::new();
        for cut in self.plan.views.cut(picture) {
            progress()?;
            let seen = self.view_result(&cut)?;
            self.candidates.offer(at.frame, &cut, &seen.objects);
            if let Some(looks) = &mut self.looks {
                let spot = Spot { frame: at.frame, sample: self.samples.len(), view: views.len() };
                let shown = Shown { spot, time: at.time, pts: at.pts, cut: &cut, objects: &seen.objects };
                looks.add(&shown, progress)?;
            }
            views.push(seen);
        }
        Ok(views)
    }

    /// What comes is never asked about together with what was.
    fn end_activity(&mut self) {
        if let Some(looks) = &mut self.looks {
            looks.end_activity();
        }
    }

    /// Looks with the detector alone: the vision model is not asked about what is held to be nothing.
    fn audit(
        &mut self,
        picture: &Picture,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ViewResult>, Unfinished> {
        let mut views = Vec::new();
        for cut in self.plan.views.cut(picture) {
            progress()?;
            views.push(self.view_result(&cut)?);
        }
        Ok(views)
    }

    /// Tells of each audited sample that shows something whether it was missed: what was in its place a while before
    /// or after, such as a parked car, is seen at heartbeats and was not.
    fn finish_audit(
        &mut self,
        footage: &mut Footage<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), Unfinished> {
        for Audited { sample, pts } in std::mem::take(&mut self.audited) {
            let mut around = Vec::new();
            for picture in footage.around(pts, progress)? {
                around.push(self.audit(&picture, progress)?);
            }
            let is_new = |(number, object): (usize, &Object)| {
                !around.iter().any(|views| is_in_place(object, &views[number].objects))
            };
            let sample = &mut self.samples[sample];
            let views = sample.views.iter().enumerate();
            let mut objects = views.flat_map(|(number, view)| view.objects.iter().map(move |o| (number, o)));
            let missed = objects.any(is_new);
            if let Some(decision) = &mut sample.gate {
                decision.missed = Some(missed);
            }
        }
        Ok(())
    }

    fn view_result(&mut self, cut: &Cut<'_>) -> Result<ViewResult, Unfinished> {
        let objects = self.objects(cut)?;
        Ok(ViewResult { view: cut.name.to_owned(), objects, caption: None, description: None, jpeg: None })
    }

    /// A picture that the network cannot take (of an absurd shape, say) is the segment's fault.
    fn objects(&mut self, cut: &Cut<'_>) -> Result<Vec<Object>, Unfinished> {
        let (Some(detector), Some(filter)) = (&mut self.detector, &self.plan.filter) else {
            return Ok(Vec::new());
        };
        let found = detector.detect(&cut.picture).map_err(|error| Unfinished::Retry(chain(&error)))?;
        Ok(filter.reported(cut.name, found))
    }

    /// Returns the groups whose answers come with a batch.
    fn take_answers(&mut self, progress: &mut Progress<'_>) -> Result<Option<Vec<Group>>, Unfinished> {
        let Some(looks) = self.looks.take() else { return Ok(None) };
        match looks.finish(progress)? {
            Looked::Told(told) => place(told, &mut self.samples),
            Looked::Gathered(groups) => return Ok(Some(groups)),
        }
        Ok(None)
    }
}

/// Puts each answer where it belongs.
pub(crate) fn place(answers: Vec<(Spot, Told)>, samples: &mut [Sample]) {
    for (Spot { sample, view, .. }, told) in answers {
        if let Some(view) = samples.get_mut(sample).and_then(|sample| sample.views.get_mut(view)) {
            (view.caption, view.description) = (Some(told.caption), told.description);
        }
    }
}
