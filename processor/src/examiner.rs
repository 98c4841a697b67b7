//! The examiner: one segment in, its results out. Read, decode, look, and say what the file is.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::Path;

use catalog::{Catalog, Learnt, Profile, Results, Segment, SegmentFacts};
use config::Settings;

use crate::candidates::{Album, Candidates};
use crate::content::Content;
use crate::detect::Detector;
use crate::error::ProcessorError;
use crate::looks::Asker;
use crate::profile::profile;
use crate::scene::{CameraPlan, Scene, Seen, rfc3339};
use crate::start;
use crate::unfinished::{Progress, Unfinished};
use crate::video::Video;
use crate::view::Views;

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
    every_nth_frame: NonZeroU32,
    detect: Option<config::Detect>,
    cameras: HashMap<String, CameraPlan>,
    /// For files that belong to no camera of the settings.
    plain: CameraPlan,
    asker: Option<Asker>,
    catalog: Catalog,
    event_gap_s: u32,
    album: Option<Album>,
}

impl Examiner {
    pub(crate) fn new(
        settings: &Settings,
        catalog: &Catalog,
        asker: Option<Asker>,
    ) -> Result<Self, ProcessorError> {
        let plan = |camera: &str, lens, views: &[config::View]| {
            let views = Views::new(lens, views)
                .map_err(|source| ProcessorError::View { camera: camera.to_owned(), source })?;
            Ok::<_, ProcessorError>(CameraPlan { profile: profile(settings, &views), views })
        };
        let mut cameras = HashMap::new();
        for camera in &settings.cameras {
            let id = camera.id.as_str();
            cameras.insert(id.to_owned(), plan(id, camera.lens.as_ref(), &camera.views)?);
        }
        let original = config::View { name: "original".to_owned(), mode: config::ViewMode::Original };
        Ok(Self {
            every_nth_frame: settings.process.every_nth_frame,
            detect: settings.detect.clone(),
            plain: plan("", None, &[original])?,
            cameras,
            asker,
            catalog: catalog.clone(),
            event_gap_s: settings.events.gap_s,
            album: Album::new(catalog, settings.events.thumbnails),
        })
    }

    /// Returns the profile under which the camera's segments are looked at.
    pub(crate) fn profile(&self, camera: Option<&str>) -> &Profile {
        &self.plan(camera).profile
    }

    /// Loads the detector for one worker; each has its own, since a network holds the tensors of one picture.
    pub(crate) fn detector(&self) -> Result<Option<Detector>, ProcessorError> {
        Ok(self.detect.as_ref().map(Detector::new).transpose()?)
    }

    fn plan(&self, camera: Option<&str>) -> &CameraPlan {
        camera.and_then(|id| self.cameras.get(id)).unwrap_or(&self.plain)
    }

    /// Looks at one file. Blocks for as long as that takes: for worker threads only.
    pub(crate) fn examine(
        &self,
        Subject { segment, file }: Subject<'_>,
        detector: Option<&mut Detector>,
        progress: &mut Progress<'_>,
    ) -> Result<Results, Unfinished> {
        let plan = self.plan(segment.camera.as_deref());
        let content = Content::read(file, progress)?;
        let video = Video::open(file)?;
        let learnt = learn(segment, &video);
        self.catalog.refine_segment(segment.id, &learnt)?;
        let looks = self.asker.as_ref().map(|asker| asker.about(&content.sha256, segment.camera.as_deref()));
        let candidates = self.album.as_ref().map(|_| Candidates::wanted()).unwrap_or_default();
        let scene = Scene::new(plan, learnt.start, detector, looks).gathering(candidates);
        let seen = scene.look_through(&video, self.every_nth_frame, progress)?;
        content.check(file)?;
        let calls = match &plan.profile.vision_model {
            Some(model) => self.catalog.calls_of(&content.sha256, model)?,
            None => Vec::new(),
        };
        let facts = Examined { segment, learnt, sha256: content.sha256, video: &video, seen: &seen }.facts();
        let results = Results::new(facts, plan.profile.clone(), seen.samples, calls);
        let results = Results { event_gap_s: self.event_gap_s, ..results };
        if let Some(album) = &self.album {
            album.keep(segment.id, (&results, &seen.candidates));
        }
        Ok(results)
    }
}

/// What is known of a segment when all of it was looked at.
struct Examined<'a> {
    segment: &'a Segment,
    learnt: Learnt,
    sha256: String,
    video: &'a Video,
    seen: &'a Seen,
}

impl Examined<'_> {
    fn facts(self) -> SegmentFacts {
        let probe = self.video.probe();
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
            faults: faults(self.video, &self.seen.decoding.missing),
        }
    }
}

fn learn(segment: &Segment, video: &Video) -> Learnt {
    let duration = video.probe().duration;
    let (start, start_source) = start::choose(segment, video.probe().start, duration);
    Learnt { start, start_source, duration: Some(duration) }
}

fn faults(video: &Video, missing: &[u64]) -> Vec<String> {
    let cut_off = video.is_cut_off().then(|| "the file breaks off before its end".to_owned());
    let missing = missing
        .first()
        .map(|first| format!("{} sampled frames cannot be decoded, the first is {first}", missing.len()));
    cut_off.into_iter().chain(missing).collect()
}
