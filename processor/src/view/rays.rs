//! The rays of a view: which way each of its pixels looks, whatever its mode.

use config::{Framing, Mount, ViewMode};

use super::direction::{Aim, Pinhole};
use super::panorama::Panorama;

/// Turns a quarter further to the right, each: read like a page.
const QUARTERS_DEG: [f64; 4] = [0.0, 90.0, 180.0, 270.0];

#[derive(Clone, Debug)]
pub(crate) struct Rays {
    size: [u32; 2],
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    Perspective(Pinhole),
    /// Four cameras, each with a quarter of the picture.
    Quad(Box<[Pinhole; 4]>),
    Panorama(Panorama),
}

impl Rays {
    /// Returns `None` for a view that shows the frame as it is.
    pub(crate) fn of(mount: Mount, mode: ViewMode) -> Option<Self> {
        let (framing, shape) = match mode {
            ViewMode::Original => return None,
            ViewMode::Perspective(framing) => {
                (framing, Shape::Perspective(pinhole(mount, framing, framing.size)))
            }
            ViewMode::Quad(framing) => {
                let quarter = |turn: f64| {
                    let turned = Framing { yaw_deg: framing.yaw_deg + turn, ..framing };
                    pinhole(mount, turned, framing.size.map(|length| length / 2))
                };
                (framing, Shape::Quad(Box::new(QUARTERS_DEG.map(quarter))))
            }
            ViewMode::Panorama(framing) => (framing, Shape::Panorama(Panorama::new(mount, framing))),
        };
        Some(Self { size: framing.size, shape })
    }

    /// Of the view, in pixels.
    pub(crate) fn size(&self) -> [u32; 2] {
        self.size
    }

    /// Gives the ray, of any length, seen at a place of the view, both as
    /// [`LensModel`](super::lens::LensModel) counts them; `None` where a panorama is past straight up or down.
    pub(crate) fn ray(&self, place: [f64; 2]) -> Option<[f64; 3]> {
        match &self.shape {
            Shape::Perspective(pinhole) => Some(pinhole.ray(place)),
            Shape::Quad(quarters) => {
                let [half_width, half_height] = self.size.map(|length| f64::from(length / 2));
                let right = place[0] >= half_width;
                let lower = place[1] >= half_height;
                let x = if right { place[0] - half_width } else { place[0] };
                let y = if lower { place[1] - half_height } else { place[1] };
                Some(quarters[usize::from(right) + 2 * usize::from(lower)].ray([x, y]))
            }
            Shape::Panorama(panorama) => panorama.ray(place),
        }
    }

    /// Lists the frames that the view consists of: left, top, width and height in its own pixels.
    pub(crate) fn frames(&self) -> Vec<[f64; 4]> {
        let [width, height] = self.size.map(f64::from);
        match self.shape {
            Shape::Perspective(_) | Shape::Panorama(_) => vec![[0.0, 0.0, width, height]],
            Shape::Quad(_) => {
                let [width, height] = [width / 2.0, height / 2.0];
                let corners = [[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]];
                corners.map(|[left, top]| [left, top, width, height]).to_vec()
            }
        }
    }
}

fn pinhole(mount: Mount, framing: Framing, size: [u32; 2]) -> Pinhole {
    let Framing { yaw_deg, pitch_deg, roll_deg, hfov_deg, .. } = framing;
    Pinhole::new(mount, Aim { yaw_deg, pitch_deg, roll_deg }, hfov_deg, size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framing(yaw_deg: f64, size: [u32; 2]) -> Framing {
        Framing { yaw_deg, pitch_deg: 50.0, roll_deg: 0.0, hfov_deg: 80.0, size }
    }

    proptest! {
        #[test]
        fn a_quad_is_four_perspective_views_a_quarter_apart(
            yaw in -180.0..180.0_f64,
            x in 0.0..320.0_f64,
            y in 0.0..180.0_f64,
        ) {
            for mount in [Mount::Ceiling, Mount::Floor] {
                let quad = Rays::of(mount, ViewMode::Quad(framing(yaw, [640, 360]))).unwrap();
                for (index, [left, top, ..]) in quad.frames().into_iter().enumerate() {
                    let turned = framing(yaw + 90.0 * index as f64, [320, 180]);
                    let alone = Rays::of(mount, ViewMode::Perspective(turned)).unwrap();
                    let rays = [quad.ray([left + x, top + y]), alone.ray([x, y])].map(Option::unwrap);
                    let apart = rays[0].iter().zip(rays[1]).map(|(one, other)| (one - other).abs());
                    prop_assert!(apart.fold(0.0, f64::max) < 1e-9, "{:?}", rays);
                }
            }
        }
    }

    #[test]
    fn the_original_has_no_rays() {
        assert!(Rays::of(Mount::Ceiling, ViewMode::Original).is_none());
    }
}
