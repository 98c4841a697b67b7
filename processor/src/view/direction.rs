//! The direction: which way a pixel of a view looks, as a ray of the camera.
//!
//! Signs of the angles: yaw to the right, pitch up, roll clockwise. A wall camera's yaw and pitch turn about
//! the picture's own axes. A ceiling or floor camera's yaw is the azimuth about the optical axis, clockwise
//! as seen in the picture from its top edge, and its pitch is the angle off that axis (90 is the horizon).
//! Their views stand upright: the picture's up is outwards for a ceiling camera, inwards for a floor camera.

use config::Mount;

pub(super) type Rotation = [[f64; 3]; 3];

/// Where a view looks, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aim {
    pub(crate) yaw_deg: f64,
    pub(crate) pitch_deg: f64,
    pub(crate) roll_deg: f64,
}

/// A camera without distortion, standing where the real one stands and turned to where the view looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinhole {
    rotation: Rotation,
    focal_px: f64,
    center: [f64; 2],
}

impl Pinhole {
    /// Makes the camera whose picture of `size` pixels is `hfov_deg` wide.
    pub(crate) fn new(mount: Mount, aim: Aim, hfov_deg: f64, size: [u32; 2]) -> Self {
        let center = size.map(|length| f64::from(length) / 2.0);
        Self {
            rotation: rotation(mount, aim),
            focal_px: center[0] / (hfov_deg / 2.0).to_radians().tan(),
            center,
        }
    }

    /// Gives the ray, of any length, seen at a place of the view; both as [`LensModel`](super::lens::LensModel)
    /// counts them.
    pub(crate) fn ray(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        turn(
            &self.rotation,
            [(x - self.center[0]) / self.focal_px, (y - self.center[1]) / self.focal_px, 1.0],
        )
    }
}

/// Gives the rotation from a view that looks along its own z to the camera.
pub(super) fn rotation(mount: Mount, Aim { yaw_deg, pitch_deg, roll_deg }: Aim) -> Rotation {
    let base = match mount {
        Mount::Wall => after(rotate_right(yaw_deg), rotate_up(pitch_deg)),
        Mount::Ceiling => after(rotate_clockwise(yaw_deg), rotate_up(pitch_deg)),
        // Looking down from the far side of the axis: what was outwards becomes the picture's bottom.
        Mount::Floor => after(rotate_clockwise(yaw_deg + 180.0), rotate_up(-pitch_deg)),
    };
    after(base, rotate_clockwise(roll_deg))
}

fn rotate_right(degrees: f64) -> Rotation {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]]
}

fn rotate_up(degrees: f64) -> Rotation {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]]
}

fn rotate_clockwise(degrees: f64) -> Rotation {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]
}

/// Gives the rotation that does `first`, then `second`.
fn after(second: Rotation, first: Rotation) -> Rotation {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| (0..3).map(|inner| second[row][inner] * first[inner][column]).sum())
    })
}

pub(super) fn turn(rotation: &Rotation, ray: [f64; 3]) -> [f64; 3] {
    rotation.map(|row| row[0] * ray[0] + row[1] * ray[1] + row[2] * ray[2])
}

#[cfg(test)]
mod tests {
    use config::{Lens, Placement, Projection};
    use proptest::prelude::*;

    use super::*;
    use crate::view::lens::LensModel;

    const SIZE: [u32; 2] = [1000, 1000];

    /// Where the middle of a view, and the place a little above it, fall on a circle of radius 1 about the
    /// origin, drawn by an equidistant lens of 180°.
    fn middle_and_above(mount: Mount, angles: [f64; 3]) -> [[f64; 2]; 2] {
        let lens = Lens {
            projection: Projection::Equidistant,
            fov_deg: 180.0,
            placement: Some(Placement::Circle { center: [0.0, 0.0], radius: None }),
            mount,
        };
        let lens = LensModel::new(&lens, 2, 2);
        let [yaw_deg, pitch_deg, roll_deg] = angles;
        let view = Pinhole::new(mount, Aim { yaw_deg, pitch_deg, roll_deg }, 60.0, SIZE);
        [[500.0, 500.0], [500.0, 350.0]].map(|place| lens.project(view.ray(place)).unwrap())
    }

    #[test]
    fn turns_as_measured_in_ffmpegs_v360() {
        // Mount, [yaw, pitch, roll], where the middle falls, where the pixel above it falls.
        let cases = [
            (Mount::Wall, [0., 0., 0.], [0.00, 0.00], [0.00, -0.11]),
            (Mount::Wall, [30., 0., 0.], [0.33, 0.00], [0.32, -0.11]),
            (Mount::Wall, [0., 30., 0.], [0.00, -0.33], [0.00, -0.44]),
            (Mount::Wall, [0., 0., 30.], [0.00, 0.00], [0.05, -0.09]),
            (Mount::Wall, [30., 30., 0.], [0.30, -0.35], [0.28, -0.45]),
            (Mount::Ceiling, [90., 45., 0.], [0.50, 0.00], [0.61, 0.00]),
            (Mount::Ceiling, [-90., 45., 0.], [-0.50, 0.00], [-0.61, 0.00]),
            (Mount::Floor, [-90., 45., 0.], [-0.50, 0.00], [-0.40, 0.00]),
        ];
        for (mount, angles, middle, above) in cases {
            let found = middle_and_above(mount, angles);
            for (found, expected) in found.iter().flatten().zip([middle, above].iter().flatten()) {
                assert!((found - expected).abs() < 0.015, "{mount:?} {angles:?}: {found:?}, not {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_ceiling_view_stands_upright_outwards_at_its_azimuth(
            yaw in 0.0..360.0_f64,
            pitch in 5.0..80.0_f64,
        ) {
            let [middle, above] = middle_and_above(Mount::Ceiling, [yaw, pitch, 0.0]);
            let azimuth = middle[0].atan2(-middle[1]).to_degrees().rem_euclid(360.0);
            prop_assert!((azimuth - yaw).abs() < 1e-6);
            prop_assert!((middle[0].hypot(middle[1]) - pitch / 90.0).abs() < 1e-9);
            prop_assert!((above[0] * middle[1] - above[1] * middle[0]).abs() < 1e-9);
            prop_assert!(above[0].hypot(above[1]) > middle[0].hypot(middle[1]));
        }

        #[test]
        fn a_floor_view_stands_upright_inwards_at_its_azimuth(
            yaw in 0.0..360.0_f64,
            pitch in 20.0..85.0_f64,
        ) {
            let [middle, above] = middle_and_above(Mount::Floor, [yaw, pitch, 0.0]);
            let azimuth = middle[0].atan2(-middle[1]).to_degrees().rem_euclid(360.0);
            prop_assert!((azimuth - yaw).abs() < 1e-6);
            prop_assert!(above[0].hypot(above[1]) < middle[0].hypot(middle[1]));
        }

        #[test]
        fn turning_keeps_lengths(
            yaw in -180.0..180.0_f64,
            pitch in -90.0..90.0_f64,
            roll in -180.0..180.0_f64,
            place in [0.0..1000.0_f64, 0.0..1000.0_f64],
        ) {
            let straight = Aim { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 };
            let aim = Aim { yaw_deg: yaw, pitch_deg: pitch, roll_deg: roll };
            let length = |ray: [f64; 3]| ray.iter().map(|part| part * part).sum::<f64>();
            for mount in [Mount::Wall, Mount::Ceiling, Mount::Floor] {
                let before = Pinhole::new(Mount::Wall, straight, 90.0, SIZE).ray(place);
                let after = Pinhole::new(mount, aim, 90.0, SIZE).ray(place);
                prop_assert!((length(before) - length(after)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_view_is_as_wide_as_its_hfov() {
        let aim = Aim { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 };
        let [x, y, z] = Pinhole::new(Mount::Wall, aim, 90.0, SIZE).ray([1000.0, 500.0]);
        assert!((x / z - 1.0).abs() < 1e-12 && y == 0.0);
    }
}
