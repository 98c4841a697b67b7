//! The views of a camera: cuts each out of a frame, and says what each is.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use config::{Lens, Mount, View, ViewMode};

use super::ViewError;
use super::lens::{LensModel, refuse_a_fold};
use super::map::ViewMap;
use super::mapping::mapping;
use super::rays::Rays;
use crate::Picture;

/// Maps kept per view: the sizes a camera switches between. At 6 bytes per luma pixel of a view and a
/// quarter more each, a file that changes its size all the time must not fill the memory.
const MAPS_PER_VIEW: usize = 4;

/// Cuts out the views of one camera. Meant to be shared by all who work on that camera, since the maps,
/// made when a size of frame is first met, are kept inside.
#[derive(Debug)]
pub struct Views {
    lens: Option<Lens>,
    views: Vec<PreparedView>,
}

/// One view of one frame.
#[derive(Debug)]
pub struct Cut<'a> {
    pub name: &'a str,
    /// What the view shows, as [`Views::mappings`] gives it.
    pub mapping: &'a str,
    pub picture: Cow<'a, Picture>,
}

#[derive(Debug)]
struct PreparedView {
    name: String,
    mapping: String,
    /// Absent for `original`.
    rays: Option<Rays>,
    maps: Mutex<VecDeque<SizedMap>>,
}

#[derive(Clone, Debug)]
struct SizedMap {
    source: [usize; 2],
    map: Arc<ViewMap>,
}

impl Views {
    /// Fails where a view other than `original` has no lens to look through, or the lens folds back.
    pub fn new(lens: Option<&Lens>, views: &[View]) -> Result<Self, ViewError> {
        lens.map_or(Ok(()), refuse_a_fold)?;
        let views = views.iter().map(|view| PreparedView::new(lens, view)).collect::<Result<_, _>>()?;
        Ok(Self { lens: lens.cloned(), views })
    }

    /// Notes what is hidden in the pictures before they are cut: the views then show something else.
    #[must_use]
    pub fn behind(mut self, masks: Option<&str>) -> Self {
        let Some(masks) = masks else { return self };
        for view in &mut self.views {
            view.mapping = format!(r#"{{"masks":{masks},"view":{}}}"#, view.mapping);
        }
        self
    }

    /// Lists each view's name and what it shows: mode, angles, size and lens as JSON that stays the same, byte
    /// by byte, for the same settings. It goes into the key of a paid answer and into the profile.
    pub fn mappings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.views.iter().map(|view| (view.name.as_str(), view.mapping.as_str()))
    }

    /// Lists each view's name with its rays; none for `original`.
    pub(super) fn rays(&self) -> impl Iterator<Item = (&str, Option<&Rays>)> {
        self.views.iter().map(|view| (view.name.as_str(), view.rays.as_ref()))
    }

    /// Returns centre and radius of the circle in pictures of a size, as the settings give them; `None` without a
    /// lens.
    pub fn circle(&self, [width, height]: [usize; 2]) -> Option<([f64; 2], f64)> {
        let ([x, y], [radius, _]) = LensModel::new(self.lens.as_ref()?, width, height).circle();
        Some(([x / width as f64, y / height as f64], radius / width as f64))
    }

    pub(super) fn lens(&self) -> Option<&Lens> {
        self.lens.as_ref()
    }

    /// Cuts the views out of a frame, one at a time as they are asked for, in the order of the settings. The
    /// first frame of a size costs the making of the maps, some 70 ms per view of 1280 × 720; every further
    /// one 5 ms. `original` is handed on without a copy.
    pub fn cut<'a>(&'a self, picture: &'a Picture) -> impl Iterator<Item = Cut<'a>> {
        self.views.iter().map(move |view| Cut {
            name: &view.name,
            mapping: &view.mapping,
            picture: match view.map_for(self.lens.as_ref(), [picture.width, picture.height]) {
                Some(map) => Cow::Owned(map.cut(picture)),
                None => Cow::Borrowed(picture),
            },
        })
    }
}

impl PreparedView {
    fn new(lens: Option<&Lens>, view: &View) -> Result<Self, ViewError> {
        if lens.is_none() && view.mode != ViewMode::Original {
            return Err(ViewError::NoLens { view: view.name.clone() });
        }
        Ok(Self {
            name: view.name.clone(),
            mapping: mapping(lens, view.mode),
            rays: Rays::of(lens.map_or(Mount::Wall, |lens| lens.mount), view.mode),
            maps: Mutex::new(VecDeque::new()),
        })
    }

    /// Finds or makes the map; `None` for a view that needs none. Others who need it wait meanwhile.
    fn map_for(&self, lens: Option<&Lens>, source: [usize; 2]) -> Option<Arc<ViewMap>> {
        let rays = self.rays.as_ref()?;
        let lens = lens?;
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = maps.iter().find(|known| known.source == source) {
            return Some(Arc::clone(&known.map));
        }
        let map = Arc::new(ViewMap::new(&LensModel::new(lens, source[0], source[1]), rays, source));
        if maps.len() == MAPS_PER_VIEW {
            maps.pop_front();
        }
        maps.push_back(SizedMap { source, map: Arc::clone(&map) });
        Some(map)
    }
}

#[cfg(test)]
mod tests {
    use config::{Framing, Projection};

    use super::*;

    fn lens() -> Lens {
        let projection = Projection::Equidistant;
        Lens { projection, fov_deg: 180.0, placement: None, mount: Mount::Ceiling }
    }

    fn perspective(name: &str, yaw_deg: f64) -> View {
        let framing = Framing { yaw_deg, pitch_deg: 45.0, roll_deg: 0.0, hfov_deg: 90.0, size: [64, 48] };
        View { name: name.to_owned(), mode: ViewMode::Perspective(framing) }
    }

    fn original() -> View {
        View { name: "original".to_owned(), mode: ViewMode::Original }
    }

    #[test]
    fn views_come_in_the_order_of_the_settings() {
        let views = Views::new(Some(&lens()), &[perspective("gate", 90.0), original()]).unwrap();
        let picture = Picture::filled(100, 100, [80, 128, 128]);
        let cuts: Vec<_> = views.cut(&picture).map(|cut| (cut.name, cut.picture.width)).collect();
        assert_eq!(cuts, [("gate", 64), ("original", 100)]);
    }

    #[test]
    fn the_original_is_not_copied() {
        let views = Views::new(None, &[original()]).unwrap();
        let picture = Picture::filled(8, 8, [80, 128, 128]);
        assert!(views.cut(&picture).all(|cut| matches!(cut.picture, Cow::Borrowed(_))));
    }

    #[test]
    fn a_map_is_made_once_per_size_and_old_sizes_are_forgotten() {
        let views = Views::new(Some(&lens()), &[perspective("gate", 90.0)]).unwrap();
        let view = &views.views[0];
        let first = view.map_for(Some(&lens()), [100, 100]).unwrap();
        assert!(Arc::ptr_eq(&first, &view.map_for(Some(&lens()), [100, 100]).unwrap()));
        for side in 101..120 {
            view.map_for(Some(&lens()), [side, side]).unwrap();
        }
        assert_eq!(view.maps.lock().unwrap().len(), MAPS_PER_VIEW);
        assert!(!Arc::ptr_eq(&first, &view.map_for(Some(&lens()), [100, 100]).unwrap()));
    }

    #[test]
    fn a_perspective_view_without_a_lens_is_refused_by_name() {
        let error = Views::new(None, &[perspective("gate", 0.0)]).unwrap_err();
        assert!(error.to_string().contains("`gate`"), "{error}");
    }
}
