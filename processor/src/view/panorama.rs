//! The panorama: a picture with equally many degrees per pixel, across and down.
//!
//! From a wall it is turned like a perspective view. From a ceiling or floor it goes around the optical axis,
//! its middle at the azimuth `yaw_deg`, and the angle off the axis is counted down or up from `pitch_deg`.

use std::f64::consts::FRAC_PI_2;

use config::{Framing, Mount};

use super::direction::{Aim, Rotation, rotation, turn};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Panorama {
    rotation: Rotation,
    /// Elevation in the middle, above the circle that the rotation makes the horizon.
    elevation: f64,
    radians_per_px: f64,
    center: [f64; 2],
}

impl Panorama {
    pub(crate) fn new(mount: Mount, framing: Framing) -> Self {
        let Framing { yaw_deg, pitch_deg, roll_deg, hfov_deg, size } = framing;
        let center = size.map(|length| f64::from(length) / 2.0);
        // Around an axis the horizon is 90° off it, wherever the middle of the picture is.
        let (level_deg, elevation_deg) = match mount {
            Mount::Wall => (pitch_deg, 0.0),
            Mount::Ceiling => (90.0, pitch_deg - 90.0),
            Mount::Floor => (90.0, 90.0 - pitch_deg),
        };
        Self {
            rotation: rotation(mount, Aim { yaw_deg, pitch_deg: level_deg, roll_deg }),
            elevation: elevation_deg.to_radians(),
            radians_per_px: hfov_deg.to_radians() / (2.0 * center[0]),
            center,
        }
    }

    /// Gives the ray, of length 1, seen at a place; `None` past straight up or down, where the picture would
    /// begin to show things twice.
    pub(crate) fn ray(&self, [x, y]: [f64; 2]) -> Option<[f64; 3]> {
        let azimuth = (x - self.center[0]) * self.radians_per_px;
        let elevation = self.elevation - (y - self.center[1]) * self.radians_per_px;
        if elevation.abs() > FRAC_PI_2 {
            return None;
        }
        let level = elevation.cos();
        Some(turn(&self.rotation, [azimuth.sin() * level, -elevation.sin(), azimuth.cos() * level]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: [u32; 2] = [720, 180];

    fn panorama(mount: Mount, [yaw_deg, pitch_deg]: [f64; 2]) -> Panorama {
        Panorama::new(mount, Framing { yaw_deg, pitch_deg, roll_deg: 0.0, hfov_deg: 360.0, size: SIZE })
    }

    /// Azimuth, clockwise as seen in the circle from its top, and angle off the axis, in degrees.
    fn seen([x, y, z]: [f64; 3]) -> [f64; 2] {
        [x.atan2(-y).to_degrees().rem_euclid(360.0), x.hypot(y).atan2(z).to_degrees()]
    }

    proptest! {
        #[test]
        fn from_a_ceiling_right_is_clockwise_and_up_is_outwards(
            yaw in 0.0..360.0_f64,
            pitch in 50.0..90.0_f64,
            across in -170.0..170.0_f64,
            up in -40.0..40.0_f64,
        ) {
            // Half a degree per pixel.
            let place = [360.0 + 2.0 * across, 90.0 - 2.0 * up];
            let [azimuth, off_axis] = seen(panorama(Mount::Ceiling, [yaw, pitch]).ray(place).unwrap());
            let error = (azimuth - yaw - across).rem_euclid(360.0);
            prop_assert!(error.min(360.0 - error) < 1e-6);
            prop_assert!((off_axis - pitch - up).abs() < 1e-6);
        }

        #[test]
        fn from_a_floor_up_is_inwards_to_the_sky(
            yaw in 0.0..360.0_f64,
            pitch in 50.0..90.0_f64,
            across in -170.0..170.0_f64,
            up in -40.0..40.0_f64,
        ) {
            let place = [360.0 + 2.0 * across, 90.0 - 2.0 * up];
            let [azimuth, off_axis] = seen(panorama(Mount::Floor, [yaw, pitch]).ray(place).unwrap());
            // Who stands under the camera and looks up turns the other way round.
            let error = (azimuth - yaw + across).rem_euclid(360.0);
            prop_assert!(error.min(360.0 - error) < 1e-6);
            prop_assert!((off_axis - pitch + up).abs() < 1e-6);
        }
    }

    #[test]
    fn from_a_wall_the_middle_looks_where_a_perspective_view_would() {
        let panorama = panorama(Mount::Wall, [30.0, 20.0]);
        let [x, y, z] = panorama.ray([360.0, 90.0]).unwrap();
        assert!((y + 20.0_f64.to_radians().sin()).abs() < 1e-9);
        assert!((x.atan2(z).to_degrees() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn past_straight_down_there_is_nothing() {
        let panorama = panorama(Mount::Ceiling, [0.0, 30.0]);
        assert!(panorama.ray([360.0, 90.0 + 59.0]).is_some());
        assert!(panorama.ray([360.0, 90.0 + 61.0]).is_none());
    }
}
