//! The examiner: one segment in, its results out. Read, decode, look, and say what the file is.

use std::path::Path;

use catalog::{Catalog, Learnt, Profile, Results, Segment, SegmentFacts, rfc3339};
use config::Settings;

use crate::candidates::{Album, Candidates};
use crate::content::Content;
use crate::decoding::{Decoder, DecoderProgram, Opened};
use crate::detect::{Detector, Model, Wanted};
use crate::draft::Draft;
use crate::error::ProcessorError;
use crate::footage::Footage;
use crate::gate::{Audit, Gate};
use crate::looks::{Asker, Looked};
use crate::plans::Plans;
use crate::scene::{Scene, Seen, place};
use crate::start;
use crate::unfinished::{Progress, Unfinished};
use crate::video::Choice;

/// What is to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) segment: &'a Segment,
    /// Where its file lies now.
    pub(crate) file: &'a Path,
}

/// What all workers share: how each camera's segments are looked at.
#[derive(Debug)]
pub(crate) struct Examiner {
    choice: Choice,
    gate: Option<config::Gate>,
    /// What any of the cameras looks for, and with what.
    detect: Option<(Model, Wanted)>,
    plans: Plans,
    asker: Option<Asker>,
    catalog: Catalog,
    decoder: DecoderProgram,
    event_gap_s: u32,
    album: Option<Album>,
}

/// What one worker keeps from segment to segment.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Each worker has its own, since a network holds the tensors of one picture.
    pub(crate) detector: Option<Detector>,
    pub(crate) decoder: Decoder,
}

impl Examiner {
    pub(crate) fn new(
        settings: &Settings,
        catalog: &Catalog,
        asker: Option<Asker>,
        decoder: &DecoderProgram,
    ) -> Result<Self, ProcessorError> {
        let plans = Plans::new(settings, catalog)?;
        Ok(Self {
            choice: Choice { every: settings.process.every_nth_frame, sampling: settings.process.sampling },
            gate: settings.gate,
            detect: plans.detect(),
            plans,
            asker,
            catalog: catalog.clone(),
            decoder: decoder.clone(),
            event_gap_s: settings.events.gap_s,
            album: Album::new(catalog, settings.events.thumbnails),
        })
    }

    /// Returns the profile under which the camera's segments are looked at.
    pub(crate) fn profile(&self, camera: Option<&str>) -> Profile {
        self.plans.of(camera).profile.clone()
    }

    /// Loads what one worker needs.
    pub(crate) fn tools(&self) -> Result<Tools, ProcessorError> {
        let detector = match &self.detect {
            Some((model, wanted)) => Some(Detector::new(model, wanted)?),
            None => None,
        };
        Ok(Tools { detector, decoder: Decoder::new(&self.decoder) })
    }

    /// Looks at one file. Blocks for as long as that takes: for worker threads only.
    pub(crate) fn examine(
        &self,
        Subject { segment, file }: Subject<'_>,
        tools: &mut Tools,
        progress: &mut Progress<'_>,
    ) -> Result<Results, Unfinished> {
        let content = Content::read(file, progress)?;
        let Tools { detector, decoder } = tools;
        let mut decoding = decoder.open(file, progress)?;
        let plan = &*self.plans.for_footage(segment.camera.as_deref(), &mut decoding, progress)?;
        let learnt = learn(segment, decoding.opened());
        self.catalog.refine_segment(segment.id, &learnt)?;
        let looks = self.asker.as_ref().map(|asker| asker.about(&content.sha256, segment));
        let mut footage = Footage { plan, decoding, start: learnt.start, every: self.choice.every };
        let gate = match self.gate {
            Some(settings) => {
                let share = if detector.is_some() { settings.audit_share } else { 0.0 };
                let audit = Audit { segment_sha256: content.sha256.clone(), share };
                let is_alone = segment.camera.is_none();
                Some(Gate::new(settings, audit, footage.surroundings(is_alone, progress)?))
            }
            None => None,
        };
        let candidates = self.album.as_ref().map(|_| Candidates::wanted()).unwrap_or_default();
        let scene = Scene::new(plan, gate, detector.as_mut(), looks).gathering(candidates);
        let seen = scene.look_through(&mut footage, self.choice, progress)?;
        content.check(file)?;
        let calls = match &plan.profile.vision_model {
            Some(model) => self.catalog.calls_of(&content.sha256, model)?,
            None => Vec::new(),
        };
        let facts = Examined {
            segment,
            learnt,
            sha256: content.sha256,
            opened: footage.decoding.opened(),
            seen: &seen,
        }
        .facts();
        let results = Results::new(facts, plan.profile.clone(), seen.samples, calls);
        let results = Results { event_gap_s: self.event_gap_s, ..results };
        if let Some(album) = &self.album {
            album.keep(segment.id, (&results, &seen.candidates));
        }
        match seen.unanswered {
            Some(groups) => Err(Unfinished::Gathered(Box::new(Draft { results, groups }))),
            None => Ok(results),
        }
    }
}

impl Examiner {
    /// Makes a draft whole by the answers that came with a batch. The footage is not decoded again; it has to be the
    /// same, looked at in the same way.
    pub(crate) fn complete(
        &self,
        Subject { segment, file }: Subject<'_>,
        draft: Draft,
        progress: &mut Progress<'_>,
    ) -> Result<Results, Unfinished> {
        let Draft { mut results, groups } = draft;
        let Some(asker) = &self.asker else { return Err(Unfinished::NotAnswered) };
        if results.profile.id != self.profile(segment.camera.as_deref()).id {
            return Err(Unfinished::NotAnswered);
        }
        let content = Content::read(file, progress)?;
        if content.sha256 != results.segment.sha256 {
            return Err(Unfinished::Changed);
        }
        match asker.about(&content.sha256, segment).of_draft(groups).finish(progress)? {
            Looked::Told(told) => place(told, &mut results.samples),
            Looked::Gathered(_) => return Err(Unfinished::NotAnswered),
        }
        if let Some(model) = &results.profile.vision_model {
            results.calls = self.catalog.calls_of(&content.sha256, model)?;
        }
        Ok(results)
    }
}

/// What is known of a segment when all of it was looked at.
struct Examined<'a> {
    segment: &'a Segment,
    learnt: Learnt,
    sha256: String,
    opened: &'a Opened,
    seen: &'a Seen,
}

impl Examined<'_> {
    fn facts(self) -> SegmentFacts {
        let probe = &self.opened.probe;
        let name = self.segment.path.file_name().unwrap_or_default();
        SegmentFacts {
            camera: self.segment.camera.clone(),
            file: name.to_string_lossy().into_owned(),
            start: rfc3339(self.learnt.start),
            start_source: self.learnt.start_source,
            duration_s: probe.duration.as_secs_f64(),
            frames: self.seen.decoding.counted.unwrap_or(probe.frames),
            codec: probe.codec.clone(),
            width: self.seen.size_px[0],
            height: self.seen.size_px[1],
            sha256: self.sha256,
            faults: faults(self.opened, &self.seen.decoding.missing),
        }
    }
}

fn learn(segment: &Segment, opened: &Opened) -> Learnt {
    let duration = opened.probe.duration;
    let (start, start_source) = start::choose(segment, opened.probe.start, duration);
    Learnt { start, start_source, duration: Some(duration) }
}

fn faults(opened: &Opened, missing: &[u64]) -> Vec<String> {
    let cut_off = opened.is_cut_off.then(|| "the file breaks off before its end".to_owned());
    let missing = missing
        .first()
        .map(|first| format!("{} sampled frames cannot be decoded, the first is {first}", missing.len()));
    let unreadable = (opened.unreadable > 0)
        .then(|| format!("{} packets hold no picture; frames are counted without them", opened.unreadable));
    cut_off.into_iter().chain(missing).chain(unreadable).collect()
}
