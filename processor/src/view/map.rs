//! The map: which four pixels of the source each pixel of a view mixes, worked out once per size of source.
//!
//! Fractions of a pixel are kept in 32nds, as in OpenCV's fixed-point maps. Following this table plane by
//! plane costs about 0.6 of what OpenCV's `remap` takes for the three planes, and there is no detour over BGR.

use super::lens::LensModel;
use super::rays::Rays;
use crate::Picture;

const FRACTION_BITS: u32 = 5;
const ONE: i32 = 1 << FRACTION_BITS;
/// An offset beyond every plane.
const BEYOND_THE_LENS: u32 = u32::MAX;
const BLACK: [u8; 3] = [0, 128, 128];

/// Cuts one view out of pictures of one size.
#[derive(Debug)]
pub(crate) struct ViewMap {
    size: [usize; 2],
    luma: PlaneMap,
    chroma: PlaneMap,
}

impl ViewMap {
    /// Works the table out, at some 50 ns per pixel of the view.
    pub(crate) fn new(lens: &LensModel, rays: &Rays, source: [usize; 2]) -> Self {
        let size = rays.size().map(|length| length as usize);
        Self::from_places(size, source, |seen| lens.project(rays.ray(seen)?))
    }

    /// Works out a table that shows at each place of the view what `place` names in the source.
    pub(crate) fn from_places(
        size: [usize; 2],
        source: [usize; 2],
        place: impl Fn([f64; 2]) -> Option<[f64; 2]>,
    ) -> Self {
        let inside =
            |[x, y]: &[f64; 2]| *x >= 0.0 && *y >= 0.0 && *x < source[0] as f64 && *y < source[1] as f64;
        let place = |seen| place(seen).filter(inside);
        let half = |lengths: [usize; 2]| lengths.map(|length| length.div_ceil(2));
        Self {
            size,
            luma: PlaneMap::new(Grid { size, source, spacing: 1.0 }, place),
            chroma: PlaneMap::new(Grid { size: half(size), source: half(source), spacing: 2.0 }, place),
        }
    }

    /// Cuts the view out. What lies beyond the lens or the picture is black.
    pub(crate) fn cut(&self, picture: &Picture) -> Picture {
        let [width, height] = self.size;
        Picture {
            width,
            height,
            y: self.luma.follow(&picture.y, BLACK[0]),
            u: self.chroma.follow(&picture.u, BLACK[1]),
            v: self.chroma.follow(&picture.v, BLACK[2]),
        }
    }
}

/// Where the samples of a plane lie, in the view and in the source. Chroma samples lie `spacing` = 2 luma
/// pixels apart, each in the middle of its four, as in JPEG; video that puts them a little to the left
/// is off by a quarter of a chroma sample, unseen.
#[derive(Clone, Copy)]
struct Grid {
    size: [usize; 2],
    source: [usize; 2],
    spacing: f64,
}

#[derive(Debug)]
struct PlaneMap {
    source_width: usize,
    /// Of the upper left of the four source pixels.
    offsets: Vec<u32>,
    /// Of the right and of the lower pixels, in 32nds.
    weights: Vec<[u8; 2]>,
}

impl PlaneMap {
    fn new(grid: Grid, place: impl Fn([f64; 2]) -> Option<[f64; 2]>) -> Self {
        let [width, height] = grid.size;
        let mut map = Self {
            source_width: grid.source[0],
            offsets: Vec::with_capacity(width * height),
            weights: Vec::with_capacity(width * height),
        };
        // Four neighbours are needed; a source with fewer than that shows nothing anyway.
        let showable = grid.source.iter().all(|&length| length >= 2);
        for row in 0..height {
            for column in 0..width {
                let seen = [column, row].map(|index| (index as f64 + 0.5) * grid.spacing);
                map.push(place(seen).filter(|_| showable).map(|place| taps(grid, place)));
            }
        }
        map
    }

    fn push(&mut self, taps: Option<[(usize, u8); 2]>) {
        let (offset, weights) = match taps {
            Some([(x, right), (y, lower)]) => ((y * self.source_width + x) as u32, [right, lower]),
            None => (BEYOND_THE_LENS, [0, 0]),
        };
        self.offsets.push(offset);
        self.weights.push(weights);
    }

    fn follow(&self, source: &[u8], beyond: u8) -> Vec<u8> {
        // Two views of the plane, one row apart and equally long, so that one check of bounds serves the four
        // reads and finds what lies beyond the lens as well.
        let lower_rows = source.get(self.source_width..).unwrap_or_default();
        let upper_rows = &source[..lower_rows.len()];
        let mix = |(&offset, &[right, lower]): (&u32, &[u8; 2])| {
            let pair = offset as usize..offset as usize + 2;
            let (Some(above), Some(below)) = (upper_rows.get(pair.clone()), lower_rows.get(pair)) else {
                return beyond;
            };
            let above = between(i32::from(above[0]), i32::from(above[1]), right);
            let below = between(i32::from(below[0]), i32::from(below[1]), right);
            ((between(above, below, lower) + ONE * ONE / 2) >> (2 * FRACTION_BITS)) as u8
        };
        self.offsets.iter().zip(&self.weights).map(mix).collect()
    }
}

/// Mixes two values, [`ONE`] times as large.
fn between(one: i32, other: i32, weight: u8) -> i32 {
    one * ONE + (other - one) * i32::from(weight)
}

/// Gives, for x and y, the first of the two source samples and the weight of the second.
fn taps(grid: Grid, place: [f64; 2]) -> [(usize, u8); 2] {
    std::array::from_fn(|axis| {
        let last = grid.source[axis] - 1;
        // The sample with index i covers i..i + 1 and has its value in the middle; the outer half of the
        // border samples has no neighbour and takes their value.
        let index = (place[axis] / grid.spacing - 0.5).clamp(0.0, last as f64);
        let fixed = (index * f64::from(ONE)).round() as usize;
        let (whole, fraction) = (fixed >> FRACTION_BITS, fixed % ONE as usize);
        if whole < last { (whole, fraction as u8) } else { (last - 1, ONE as u8) }
    })
}

#[cfg(test)]
mod tests {
    use config::{Framing, Lens, Mount, Placement, Projection, ViewMode};
    use proptest::prelude::*;

    use super::*;
    use crate::view::direction::Aim;

    fn map(lens: &Lens, aim: Aim, source: [usize; 2]) -> ViewMap {
        let size = [64, 36];
        let model = LensModel::new(lens, source[0], source[1]);
        let [yaw_deg, pitch_deg, roll_deg] = [aim.yaw_deg, aim.pitch_deg, aim.roll_deg];
        let framing = Framing { yaw_deg, pitch_deg, roll_deg, hfov_deg: 90.0, size };
        ViewMap::new(&model, &Rays::of(lens.mount, ViewMode::Perspective(framing)).unwrap(), source)
    }

    fn lens(radius: f64, center: [f64; 2]) -> Lens {
        let projection = Projection::Equidistant;
        let placement = Some(Placement::Circle { center, radius: Some(radius) });
        Lens { projection, fov_deg: 180.0, placement, mount: Mount::Ceiling }
    }

    proptest! {
        #[test]
        fn every_pixel_comes_from_inside_the_circle_or_is_black(
            yaw_deg in 0.0..360.0_f64,
            pitch_deg in 0.0..120.0_f64,
            radius in 0.2..0.6_f64,
            center in [0.3..0.7_f64, 0.3..0.7_f64],
        ) {
            let [width, height] = [160_usize, 120];
            let lens = lens(radius, center);
            let inside = |x: f64, y: f64| {
                let from_center = (x + 0.5 - center[0] * 160.0).hypot(y + 0.5 - center[1] * 120.0);
                from_center < radius * 160.0 + 3.0
            };
            // Bright where the lens draws (and a little around, for the mixing), loud garbage elsewhere.
            let mut picture = Picture::filled(width, height, [200, 90, 160]);
            for (index, luma) in picture.y.iter_mut().enumerate() {
                if !inside((index % width) as f64, (index / width) as f64) {
                    *luma = 255;
                }
            }
            let view = map(&lens, Aim { yaw_deg, pitch_deg, roll_deg: 0.0 }, [width, height]).cut(&picture);
            prop_assert!(view.y.iter().all(|luma| matches!(luma, 0 | 200)));
            prop_assert!(view.u.iter().zip(&view.v).all(|pair| matches!(pair, (128, 128) | (90, 160))));
        }
    }

    #[test]
    fn a_view_past_the_lens_is_black() {
        let aim = Aim { yaw_deg: 0.0, pitch_deg: 170.0, roll_deg: 0.0 };
        let view = map(&lens(0.5, [0.5, 0.5]), aim, [100, 100]).cut(&Picture::filled(100, 100, [255, 0, 0]));
        assert_eq!(view, Picture::filled(64, 36, BLACK));
    }

    #[test]
    fn odd_and_tiny_sources_are_cut_without_a_panic() {
        for source in [[1, 1], [2, 2], [3, 5], [101, 77]] {
            let aim = Aim { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 };
            let picture = Picture::filled(source[0], source[1], [77, 100, 150]);
            let view = map(&lens(0.5, [0.5, 0.5]), aim, source).cut(&picture);
            let expected = if source[0] < 2 { 0 } else { 77 };
            assert_eq!(view.y[18 * 64 + 32], expected, "{source:?}");
        }
    }

    #[test]
    fn halves_between_two_pixels_are_mixed_evenly() {
        let grid = Grid { size: [1, 1], source: [4, 4], spacing: 1.0 };
        let map = PlaneMap::new(grid, |_| Some([2.0, 1.0]));
        let source = [0, 10, 20, 0, 0, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(map.follow(&source, 0), [25]);
    }

    #[test]
    fn the_last_pixel_of_a_source_is_reached_and_not_passed() {
        let grid = Grid { size: [1, 1], source: [3, 3], spacing: 1.0 };
        let map = PlaneMap::new(grid, |_| Some([2.99, 2.99]));
        assert_eq!(map.follow(&[1, 2, 3, 4, 5, 6, 7, 8, 99], 0), [99]);
    }
}
