//! The plan of a camera: how its segments are looked at.

use std::iter;

use catalog::Profile;
use config::{Camera, Settings, View, ViewMode};

use crate::Picture;
use crate::detect::Model;
use crate::error::ProcessorError;
use crate::mask::Masks;
use crate::profile::{Detecting, profile};
use crate::view::Views;
use crate::zones::Filter;

#[derive(Debug)]
pub(crate) struct CameraPlan {
    pub(crate) views: Views,
    pub(crate) profile: Profile,
    /// Absent where nothing is detected.
    pub(crate) filter: Option<Filter>,
    masks: Masks,
}

impl CameraPlan {
    /// Plans for a camera, or for files that belong to none; with the model where objects are looked for.
    pub(crate) fn new(
        settings: &Settings,
        model: Option<&Model>,
        camera: Option<&Camera>,
    ) -> Result<Self, ProcessorError> {
        let original = || View { name: "original".to_owned(), mode: ViewMode::Original };
        let (id, lens, views) = match camera {
            Some(camera) => (camera.id.as_str(), camera.lens.as_ref(), camera.views.clone()),
            None => ("", None, iter::once(original()).collect()),
        };
        let masks = Masks::new(camera.map_or(&[], |camera| camera.masks.as_slice()));
        let views = Views::new(lens, &views)
            .map_err(|source| ProcessorError::View { camera: id.to_owned(), source })?
            .behind(masks.description().as_deref());
        let filter = settings.detect.as_ref().map(|detect| Filter::new(detect, camera));
        let detecting = model.zip(filter.as_ref()).map(|(model, filter)| Detecting { model, filter });
        Ok(Self { profile: profile(settings, &views, detecting), views, filter, masks })
    }

    /// Makes the picture that may be seen: without what is masked.
    pub(crate) fn masked(&self, mut picture: Picture) -> Picture {
        self.masks.apply(&mut picture);
        picture
    }
}
