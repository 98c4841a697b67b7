//! The plans: how each camera's segments are looked at, its circle found when it is first needed.
//!
//! A circle is found once per camera and then stands, in the catalogue, for all processes: what a view shows must
//! not change from one segment to the next. Until it is found the middle of the picture is taken, and each further
//! segment is searched.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use catalog::{Catalog, Profile};
use config::{Lens, Placement, Settings, View, ViewMode};

use crate::error::ProcessorError;
use crate::placing::{PlacingError, find_placement, of_parts, to_parts};
use crate::profile::profile;
use crate::unfinished::Unfinished;
use crate::video::Video;
use crate::view::Views;

/// How the segments of one camera are looked at.
#[derive(Debug)]
pub(crate) struct CameraPlan {
    pub(crate) views: Views,
    pub(crate) profile: Profile,
}

#[derive(Debug)]
pub(crate) struct Plans {
    settings: Settings,
    catalog: Catalog,
    cameras: HashMap<String, Planned>,
    /// For files that belong to no camera of the settings.
    plain: Arc<CameraPlan>,
}

#[derive(Debug)]
struct Planned {
    plan: RwLock<Arc<CameraPlan>>,
    /// Whose circle is not known yet.
    unplaced: Option<(Lens, Vec<View>)>,
    is_placed: AtomicBool,
    has_warned: AtomicBool,
}

impl Plans {
    pub(crate) fn new(settings: &Settings, catalog: &Catalog) -> Result<Self, ProcessorError> {
        let original = View { name: "original".to_owned(), mode: ViewMode::Original };
        let mut cameras = HashMap::new();
        for camera in &settings.cameras {
            let id = camera.id.as_str();
            let needs_lens = camera.views.iter().any(|view| view.mode != ViewMode::Original);
            let mut lens = camera.lens;
            if let Some(lens) = lens.as_mut().filter(|lens| lens.placement.is_none()) {
                lens.placement = catalog.circle_of(id)?.map(of_parts);
            }
            let unplaced = lens.filter(|lens| needs_lens && lens.placement.is_none());
            let planned = Planned {
                plan: RwLock::new(plan(settings, id, (lens.as_ref(), &camera.views))?),
                is_placed: AtomicBool::new(unplaced.is_none()),
                unplaced: unplaced.map(|lens| (lens, camera.views.clone())),
                has_warned: AtomicBool::new(false),
            };
            cameras.insert(id.to_owned(), planned);
        }
        let plain = plan(settings, "", (None, &[original]))?;
        Ok(Self { settings: settings.clone(), catalog: catalog.clone(), cameras, plain })
    }

    /// Returns the plan as it stands.
    pub(crate) fn of(&self, camera: Option<&str>) -> Arc<CameraPlan> {
        match camera.and_then(|id| self.cameras.get(id)) {
            Some(planned) => Arc::clone(&planned.plan.read().unwrap_or_else(PoisonError::into_inner)),
            None => Arc::clone(&self.plain),
        }
    }

    /// Returns the plan for a segment of the camera, after a search for the circle where it is not known yet.
    pub(crate) fn for_video(
        &self,
        camera: Option<&str>,
        video: &Video,
    ) -> Result<Arc<CameraPlan>, Unfinished> {
        if let Some(id) = camera
            && let Some(planned) = self.cameras.get(id)
            && !planned.is_placed.load(Ordering::Acquire)
            && let Some((lens, views)) = &planned.unplaced
        {
            match self.placement(id, video)? {
                Some(placement) => {
                    let lens = Lens { placement: Some(placement), ..*lens };
                    let found = plan(&self.settings, id, (Some(&lens), views))?;
                    *planned.plan.write().unwrap_or_else(PoisonError::into_inner) = found;
                    planned.is_placed.store(true, Ordering::Release);
                }
                None if !planned.has_warned.swap(true, Ordering::Relaxed) => warn(id),
                None => {}
            }
        }
        Ok(self.of(camera))
    }

    /// Takes the remembered circle, which another process may have found meanwhile, or searches.
    fn placement(&self, camera: &str, video: &Video) -> Result<Option<Placement>, Unfinished> {
        if let Some(standing) = self.catalog.circle_of(camera)? {
            return Ok(Some(of_parts(standing)));
        }
        let found = find_placement(video).map_err(|error| match error {
            PlacingError::Video(error) => Unfinished::from(error),
            error @ PlacingError::View(_) => Unfinished::Retry(error.to_string()),
        })?;
        let Some(found) = found.and_then(to_parts) else { return Ok(None) };
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

fn plan(
    settings: &Settings,
    camera: &str,
    (lens, views): (Option<&Lens>, &[View]),
) -> Result<Arc<CameraPlan>, ProcessorError> {
    let views = Views::new(lens, views)
        .map_err(|source| ProcessorError::View { camera: camera.to_owned(), source })?;
    Ok(Arc::new(CameraPlan { profile: profile(settings, &views), views }))
}

fn warn(camera: &str) {
    tracing::warn!(
        camera,
        "the lens's circle cannot be told for certain, and is taken to be in the middle, its radius half of the \
         shorter side; give `camera.lens.center` and `camera.lens.radius`, which `nightreel view` helps to find"
    );
}
