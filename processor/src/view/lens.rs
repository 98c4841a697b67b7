//! The lens: how an angle off its axis becomes a distance from the circle's centre, and back.
//!
//! Positions are in pixels of the recorded picture, x to the right and y down, and continuous: the pixel in
//! column `i` covers `i..i + 1`. Rays have x to the right, y down and z along the axis, as in OpenCV.

use config::{Lens, Placement, Projection};

use super::{ViewError, lens_table};

/// Draws directions onto a picture of one size.
#[derive(Clone, Debug)]
pub(crate) struct LensModel {
    projection: Projection,
    /// Across and down; they differ only where a calibration says so.
    focal_px: [f64; 2],
    center: [f64; 2],
    /// Half of the field of view, in radians; nothing is drawn beyond.
    edge_angle: f64,
}

impl LensModel {
    /// Fits a lens that [does not fold](refuse_a_fold) to a picture of `width × height` pixels.
    pub(crate) fn new(lens: &Lens, width: usize, height: usize) -> Self {
        let edge_angle = (lens.fov_deg / 2.0).to_radians();
        let size = [width as f64, height as f64];
        let whole = |fractions: [f64; 2]| [fractions[0] * size[0], fractions[1] * size[1]];
        let circle = |center, radius: Option<f64>| {
            let radius_px = radius.map_or(size[0].min(size[1]) / 2.0, |fraction| fraction * size[0]);
            ([radius_px / distance(&lens.projection, edge_angle); 2], whole(center))
        };
        let (focal_px, center) = match lens.placement {
            None => circle([0.5, 0.5], None),
            Some(Placement::Circle { center, radius }) => circle(center, radius),
            Some(Placement::Calibrated { focal, center }) => (whole(focal), whole(center)),
        };
        Self { projection: lens.projection.clone(), focal_px, center, edge_angle }
    }

    /// Says where a ray of any length falls; `None` outside the lens's field of view.
    pub(crate) fn project(&self, [x, y, z]: [f64; 3]) -> Option<[f64; 2]> {
        let off_axis = x.hypot(y);
        let angle = off_axis.atan2(z);
        if angle > self.edge_angle {
            return None;
        }
        // On the axis there is no direction to go, and nowhere to go to.
        let scale = if off_axis > 0.0 { distance(&self.projection, angle) / off_axis } else { 0.0 };
        let [focal_x, focal_y] = self.focal_px;
        Some([self.center[0] + x * scale * focal_x, self.center[1] + y * scale * focal_y])
    }

    /// Gives the ray, of length 1, that falls on a place; `None` outside the circle.
    #[cfg(test)]
    pub(crate) fn unproject(&self, [x, y]: [f64; 2]) -> Option<[f64; 3]> {
        let (x, y) = ((x - self.center[0]) / self.focal_px[0], (y - self.center[1]) / self.focal_px[1]);
        let radius = x.hypot(y);
        let angle = angle(&self.projection, radius, self.edge_angle)?;
        let scale = if radius > 0.0 { angle.sin() / radius } else { 0.0 };
        Some([x * scale, y * scale, angle.cos()])
    }

    /// Where the axis falls, and how far from there the field of view ends, across and down.
    pub(crate) fn circle(&self) -> ([f64; 2], [f64; 2]) {
        let edge = distance(&self.projection, self.edge_angle);
        (self.center, self.focal_px.map(|focal| focal * edge))
    }
}

/// Distance from the centre for a focal length of 1.
fn distance(projection: &Projection, angle: f64) -> f64 {
    match projection {
        Projection::Equidistant => angle,
        Projection::Equisolid => 2.0 * (angle / 2.0).sin(),
        // Beyond the horizon the sine falls again, and nothing is drawn.
        Projection::Orthographic => angle.sin(),
        Projection::Stereographic => 2.0 * (angle / 2.0).tan(),
        Projection::KannalaBrandt { k: [k1, k2, k3, k4] } => {
            let square = angle * angle;
            angle * (1.0 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
        }
        Projection::Table { pairs } => lens_table::distance(pairs, angle),
    }
}

/// Derivative of [`distance`] by the angle.
fn growth(projection: &Projection, angle: f64) -> f64 {
    match projection {
        Projection::Equidistant => 1.0,
        Projection::Equisolid => (angle / 2.0).cos(),
        Projection::Orthographic => angle.cos(),
        Projection::Stereographic => (angle / 2.0).cos().powi(-2),
        Projection::KannalaBrandt { k: [k1, k2, k3, k4] } => {
            let square = angle * angle;
            1.0 + square * (3.0 * k1 + square * (5.0 * k2 + square * (7.0 * k3 + square * 9.0 * k4)))
        }
        Projection::Table { pairs } => lens_table::growth(pairs, angle),
    }
}

/// Inverts [`distance`] on `0..=edge` by Newton's method, held inside a shrinking bracket: a polynomial that
/// is nearly flat somewhere would throw Newton's step far outside.
#[cfg(test)]
fn angle(projection: &Projection, wanted: f64, edge: f64) -> Option<f64> {
    if wanted > distance(projection, edge) {
        return None;
    }
    let (mut low, mut high) = (0.0, edge);
    let mut angle = wanted.min(edge);
    for _ in 0..60 {
        let error = distance(projection, angle) - wanted;
        if error.abs() < 1e-13 {
            break;
        }
        if error > 0.0 {
            high = angle;
        } else {
            low = angle;
        }
        let step = angle - error / growth(projection, angle);
        angle = if low < step && step < high { step } else { (low + high) / 2.0 };
    }
    Some(angle)
}

/// Fails where the distance does not grow all the way to the edge of the field: two directions would share a
/// place.
pub(crate) fn refuse_a_fold(lens: &Lens) -> Result<(), ViewError> {
    // A fold narrower than a step of at most half a degree moves nothing by a pixel.
    let edge_deg = lens.fov_deg / 2.0;
    let steps = (edge_deg * 2.0).ceil().max(1.0) as u32;
    let mut angles_deg = (0..=steps).map(|step| edge_deg * f64::from(step) / f64::from(steps));
    match angles_deg.find(|angle| growth(&lens.projection, angle.to_radians()) <= 0.0) {
        Some(angle_deg) => Err(ViewError::LensFolds { angle_deg, fov_deg: lens.fov_deg }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use config::Mount;
    use proptest::prelude::*;

    use super::*;

    fn lens(projection: Projection, fov_deg: f64) -> Lens {
        Lens { projection, fov_deg, placement: None, mount: Mount::Wall }
    }

    fn projections() -> impl Strategy<Value = Projection> {
        let bend = || -0.02..0.02_f64;
        prop_oneof![
            Just(Projection::Equidistant),
            Just(Projection::Equisolid),
            Just(Projection::Orthographic),
            Just(Projection::Stereographic),
            lens_table::tables().prop_map(|pairs| Projection::Table { pairs: pairs.into() }),
            [bend(), bend(), bend()]
                .prop_map(|[k1, k2, k3]| Projection::KannalaBrandt { k: [k1, k2, k3 / 10.0, 0.0] }),
        ]
    }

    proptest! {
        #[test]
        fn a_ray_comes_back_from_where_it_fell(
            projection in projections(),
            angle in 0.0..1.5_f64,
            azimuth in 0.0..std::f64::consts::TAU,
        ) {
            let lens = lens(projection, 180.0);
            // Some of the drawn lenses fold; they are refused, which has its own test.
            if refuse_a_fold(&lens).is_ok() {
                let model = LensModel::new(&lens, 1600, 1200);
                let ray = [angle.sin() * azimuth.cos(), angle.sin() * azimuth.sin(), angle.cos()];
                let [x, y] = model.project(ray).unwrap();
                prop_assert!((x - 800.0).hypot(y - 600.0) <= 600.0 + 1e-9);
                let back = model.unproject([x, y]).unwrap();
                for (sent, found) in ray.iter().zip(back) {
                    prop_assert!((sent - found).abs() < 1e-9, "{ray:?} came back as {back:?}");
                }
            }
        }

        #[test]
        fn a_larger_angle_falls_further_out(
            projection in projections(),
            angles in [0.0..1.57_f64, 0.0..1.57_f64],
        ) {
            let lens = lens(projection, 180.0);
            if refuse_a_fold(&lens).is_ok() {
                let model = LensModel::new(&lens, 1000, 1000);
                let fallen = |angle: f64| model.project([angle.sin(), 0.0, angle.cos()]).unwrap()[0];
                prop_assert_eq!(angles[0] < angles[1], fallen(angles[0]) < fallen(angles[1]));
            }
        }

        #[test]
        fn a_calibrated_lens_takes_every_place_back(
            focal in [0.2..0.6_f64, 0.2..0.6_f64],
            center in [0.4..0.6_f64, 0.4..0.6_f64],
            angle in 0.0..1.5_f64,
            azimuth in 0.0..std::f64::consts::TAU,
        ) {
            let placement = Some(Placement::Calibrated { focal, center });
            let lens = Lens { placement, ..known_lens() };
            let model = LensModel::new(&Lens { fov_deg: 180.0, ..lens }, 1600, 1200);
            let ray = [angle.sin() * azimuth.cos(), angle.sin() * azimuth.sin(), angle.cos()];
            let back = model.unproject(model.project(ray).unwrap()).unwrap();
            prop_assert!(ray.iter().zip(back).all(|(sent, found)| (sent - found).abs() < 1e-9));
        }

        #[test]
        fn every_place_in_the_circle_has_a_ray_that_falls_on_it(
            x in 0.0..900.0_f64,
            y in 0.0..900.0_f64,
        ) {
            let model = LensModel::new(&known_lens(), 900, 900);
            let inside = (x - 450.0).hypot(y - 450.0) <= 360.0;
            let ray = model.unproject([x, y]);
            prop_assert_eq!(ray.is_some(), inside);
            if let Some([again_x, again_y]) = ray.and_then(|ray| model.project(ray)) {
                prop_assert!((x - again_x).abs() < 1e-6 && (y - again_y).abs() < 1e-6);
            }
        }
    }

    /// f = 300 px on 900 × 900, drawn up to θd = 1.2, which is 65.3° off the axis.
    fn known_lens() -> Lens {
        let k = [0.05, -0.01, 0.002, 0.0];
        let projection = Projection::KannalaBrandt { k };
        let edge = angle(&projection, 1.2, 2.0).unwrap();
        let placement = Some(Placement::Circle { center: [0.5, 0.5], radius: Some(0.4) });
        Lens { placement, ..lens(projection, 2.0 * edge.to_degrees()) }
    }

    #[test]
    fn radius_and_field_of_view_describe_a_calibrated_lens() {
        let model = LensModel::new(&known_lens(), 900, 900);
        assert!(model.focal_px.iter().all(|focal| (focal - 300.0).abs() < 1e-9), "{:?}", model.focal_px);
    }

    #[test]
    fn equidistant_distance_grows_with_the_angle() {
        let model = LensModel::new(&lens(Projection::Equidistant, 180.0), 1000, 1000);
        let third = std::f64::consts::PI / 6.0;
        let [x, y] = model.project([third.sin(), 0.0, third.cos()]).unwrap();
        assert!((x - (500.0 + 500.0 / 3.0)).abs() < 1e-9 && (y - 500.0).abs() < 1e-9);
    }

    #[test]
    fn every_formula_is_that_of_the_books() {
        // Of a circle of 180°, how many hundredths of the way out 30, 45 and 60 degrees fall.
        let cases = [
            (Projection::Equidistant, [33.33, 50.0, 66.67]),
            (Projection::Equisolid, [36.60, 54.12, 70.71]),
            (Projection::Orthographic, [50.0, 70.71, 86.60]),
            (Projection::Stereographic, [26.79, 41.42, 57.74]),
        ];
        for (projection, expected) in cases {
            let model = LensModel::new(&lens(projection.clone(), 180.0), 2, 2);
            for (degrees, expected) in [30.0_f64, 45.0, 60.0].into_iter().zip(expected) {
                let angle = degrees.to_radians();
                let [x, _] = model.project([angle.sin(), 0.0, angle.cos()]).unwrap();
                assert!((100.0 * (x - 1.0) - expected).abs() < 0.01, "{projection:?} {degrees}: {x}");
            }
        }
    }

    #[test]
    fn an_orthographic_lens_of_more_than_half_a_sphere_is_refused() {
        assert!(refuse_a_fold(&lens(Projection::Orthographic, 180.0)).is_ok());
        assert!(refuse_a_fold(&lens(Projection::Orthographic, 182.0)).is_err());
        assert!(refuse_a_fold(&lens(Projection::Equisolid, 360.0)).is_ok());
        assert!(refuse_a_fold(&lens(Projection::Stereographic, 340.0)).is_ok());
    }

    #[test]
    fn what_is_behind_the_lens_falls_nowhere() {
        let model = LensModel::new(&lens(Projection::Equidistant, 180.0), 1000, 1000);
        assert_eq!(model.project([0.0, 1.0, -0.01]), None);
        assert_eq!(model.project([0.0, 0.0, -1.0]), None);
    }

    #[test]
    fn a_lens_of_more_than_half_a_sphere_sees_behind_itself() {
        let model = LensModel::new(&lens(Projection::Equidistant, 200.0), 1000, 1000);
        let [x, _] = model.project([1.0, 0.0, -0.1]).unwrap();
        assert!((950.0..1000.0).contains(&x), "{x}");
    }

    #[test]
    fn a_lens_that_folds_back_is_refused_with_its_key() {
        let projection = Projection::KannalaBrandt { k: [-0.3, 0.0, 0.0, 0.0] };
        let error = refuse_a_fold(&lens(projection, 180.0)).unwrap_err();
        assert!(error.to_string().contains("camera.lens.k"), "{error}");
        assert!(matches!(error, ViewError::LensFolds { angle_deg, .. } if (60.0..62.0).contains(&angle_deg)));
    }
}
