//! The plans of all cameras, their lens's circle found when it is first needed.
//!
//! A circle is found once per camera and then stands, in the catalogue, for all processes: what a view shows must
//! not change from one segment to the next. Until it is found the middle of the picture is taken, and each further
//! segment is searched.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use catalog::Catalog;
use config::{Camera, Placement, Settings, ViewMode};

use crate::decoding::Decoding;
use crate::detect::{Model, Wanted};
use crate::error::{ProcessorError, chain};
use crate::placing::{FRAMES, of_parts, spread, to_parts};
use crate::plan::CameraPlan;
use crate::unfinished::{Progress, Unfinished};
use crate::video::Choice;
use crate::view::find_circle;
use crate::zones::Filter;

#[derive(Debug)]
pub(crate) struct Plans {
    settings: Settings,
    catalog: Catalog,
    /// Absent where nothing is looked for.
    model: Option<Model>,
    cameras: HashMap<String, Planned>,
    /// For files that belong to no camera of the settings.
    plain: Arc<CameraPlan>,
}

#[derive(Debug)]
struct Planned {
    plan: RwLock<Arc<CameraPlan>>,
    /// Whose circle is not known yet.
    unplaced: Option<Camera>,
    is_placed: AtomicBool,
    has_warned: AtomicBool,
}

impl Plans {
    pub(crate) fn new(settings: &Settings, catalog: &Catalog) -> Result<Self, ProcessorError> {
        let model = settings.detect.as_ref().map(Model::open).transpose()?;
        let mut cameras = HashMap::new();
        for camera in &settings.cameras {
            let planned = Planned::new((settings, model.as_ref()), camera, catalog)?;
            cameras.insert(camera.id.to_string(), planned);
        }
        let plain = Arc::new(CameraPlan::new(settings, model.as_ref(), None)?);
        Ok(Self { settings: settings.clone(), catalog: catalog.clone(), model, cameras, plain })
    }

    /// Returns what any of the cameras looks for, and the model that does.
    pub(crate) fn detect(&self) -> Option<(Model, Wanted)> {
        let cameras = self.cameras.keys().map(|id| self.of(Some(id)));
        let plans: Vec<_> = cameras.chain([Arc::clone(&self.plain)]).collect();
        let filters = plans.iter().filter_map(|plan| plan.filter.as_ref());
        self.model.clone().map(|model| (model, Filter::all_of(filters)))
    }

    /// Returns the plan as it stands.
    pub(crate) fn of(&self, camera: Option<&str>) -> Arc<CameraPlan> {
        match camera.and_then(|id| self.cameras.get(id)) {
            Some(planned) => Arc::clone(&planned.plan.read().unwrap_or_else(PoisonError::into_inner)),
            None => Arc::clone(&self.plain),
        }
    }

    /// Returns the plan for a segment of the camera, after a search for the circle where it is not known yet.
    pub(crate) fn for_footage(
        &self,
        camera: Option<&str>,
        decoding: &mut Decoding<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Arc<CameraPlan>, Unfinished> {
        if let Some(planned) = camera.and_then(|id| self.cameras.get(id))
            && !planned.is_placed.load(Ordering::Acquire)
            && let Some(camera) = &planned.unplaced
        {
            match self.placement(camera.id.as_str(), decoding, progress)? {
                Some(placement) => {
                    let camera = placed(camera, placement);
                    let found = CameraPlan::new(&self.settings, self.model.as_ref(), Some(&camera))?;
                    *planned.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
                    planned.is_placed.store(true, Ordering::Release);
                }
                None if !planned.has_warned.swap(true, Ordering::Relaxed) => warn(camera.id.as_str()),
                None => {}
            }
        }
        Ok(self.of(camera))
    }

    /// Takes the remembered circle, which another process may have found meanwhile, or searches.
    fn placement(
        &self,
        camera: &str,
        decoding: &mut Decoding<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<Option<Placement>, Unfinished> {
        if let Some(standing) = self.catalog.circle_of(camera)? {
            return Ok(Some(of_parts(standing)));
        }
        let Some(found) = find(decoding, progress)?.and_then(to_parts) else { return Ok(None) };
        let standing = self.catalog.remember_circle(camera, found)?;
        tracing::info!(
            camera,
            center = ?standing.center,
            radius = standing.radius,
            "found the lens's circle, in ten-thousandths of the picture's width and height"
        );
        Ok(Some(of_parts(standing)))
    }
}

impl Planned {
    fn new(
        (settings, model): (&Settings, Option<&Model>),
        camera: &Camera,
        catalog: &Catalog,
    ) -> Result<Self, ProcessorError> {
        let needs_lens = camera.views.iter().any(|view| view.mode != ViewMode::Original);
        let is_unplaced = camera.lens.as_ref().is_some_and(|lens| lens.placement.is_none());
        let known = if is_unplaced { catalog.circle_of(camera.id.as_str())?.map(of_parts) } else { None };
        let camera = known.map_or_else(|| camera.clone(), |known| placed(camera, known));
        let is_placed = !needs_lens || !is_unplaced || known.is_some();
        Ok(Self {
            plan: RwLock::new(Arc::new(CameraPlan::new(settings, model, Some(&camera))?)),
            unplaced: Some(camera).filter(|_| !is_placed),
            is_placed: AtomicBool::new(is_placed),
            has_warned: AtomicBool::new(false),
        })
    }
}

/// Gives the camera's lens a place.
fn placed(camera: &Camera, placement: Placement) -> Camera {
    let mut camera = camera.clone();
    if let Some(lens) = &mut camera.lens {
        lens.placement = Some(placement);
    }
    camera
}

/// Searches some frames of the footage in hand.
fn find(decoding: &mut Decoding<'_>, progress: &mut Progress<'_>) -> Result<Option<Placement>, Unfinished> {
    let mut pictures = Vec::new();
    decoding.samples(Choice::exact(spread(decoding.opened().probe.frames)));
    while let Some(frame) = decoding.next(progress)? {
        if pictures.len() < FRAMES as usize {
            pictures.push(frame.picture);
        }
    }
    find_circle(&pictures).map_err(|error| Unfinished::Retry(chain(&error)))
}

fn warn(camera: &str) {
    tracing::warn!(
        camera,
        "the lens's circle cannot be told for certain, and is taken to be in the middle, its radius half of the \
         shorter side; give `camera.lens.center` and `camera.lens.radius`, which `nightreel view` helps to find"
    );
}
