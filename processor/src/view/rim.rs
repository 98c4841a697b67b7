//! The rim: where a fisheye's picture ends and its dark surround begins.

use super::fit::Round;

/// Luma of a picture, shrunk for the search, brightest over the frames.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
}

/// Pixels on either side of the rim that say what is in and what is out.
const REACH_PX: f64 = 9.0;
/// A picture begins where this many pixels in a row are lit; a grain of noise does not do.
const RUN: usize = 3;
/// How much brighter the picture must be than the surround, just inside its rim.
const LEAST_STEP: f64 = 8.0;

impl Plane {
    pub(super) fn get(&self, x: usize, y: usize) -> u8 {
        self.luma[y * self.width + x]
    }

    /// Finds, for each row and column and from either side, where the first light is. Lines that are lit from
    /// their very end are left out: there the circle is cut off.
    pub(super) fn first_lights(&self, dark: u8) -> Vec<[f64; 2]> {
        let (width, height) = (self.width, self.height);
        let rows = (0..height).flat_map(|y| {
            let lit = move |x: usize| self.get(x, y) > dark;
            let [left, right] = ends(width, lit);
            let y = y as f64 + 0.5;
            [left.map(|x| [x as f64, y]), right.map(|x| [x as f64, y])]
        });
        let columns = (0..width).flat_map(|x| {
            let lit = move |y: usize| self.get(x, y) > dark;
            let [top, bottom] = ends(height, lit);
            let x = x as f64 + 0.5;
            [top.map(|y| [x, y as f64]), bottom.map(|y| [x, y as f64])]
        });
        rows.chain(columns).flatten().collect()
    }

    /// Looks across a circle's rim in one direction: where the step from out to in is, at half its height.
    pub(super) fn step_across(&self, round: &Round, angle: f64) -> Across {
        let (rim, outwards) = round.at(angle);
        let along = |distance: f64| [0, 1].map(|axis| rim[axis] + distance * outwards[axis]);
        let inside = |[x, y]: [f64; 2]| {
            x >= 1.0 && y >= 1.0 && x <= self.width as f64 - 1.0 && y <= self.height as f64 - 1.0
        };
        if !inside(along(REACH_PX)) || !inside(along(-REACH_PX)) {
            return Across::CutOff;
        }
        // From without to within, in quarters of a pixel.
        let steps = (4.0 * REACH_PX) as i32;
        let profile: Vec<f64> =
            (-steps..=steps).rev().map(|step| self.mixed(along(f64::from(step) / 4.0))).collect();
        // Far enough apart for a guess that is some pixels off, and a rim that fades.
        let end = profile.len() / 5;
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (out, within) = (mean(&profile[..end]), mean(&profile[profile.len() - end..]));
        if within - out < LEAST_STEP {
            return Across::Flat;
        }
        let half = (within + out) / 2.0;
        let Some(first) = profile.windows(2).position(|pair| pair[0] < half && pair[1] >= half) else {
            return Across::Flat;
        };
        let part = (half - profile[first]) / (profile[first + 1] - profile[first]);
        let distance = REACH_PX - (first as f64 + part) / 4.0;
        Across::Step { place: along(distance), out }
    }

    fn mixed(&self, [x, y]: [f64; 2]) -> f64 {
        let (x, y) = ((x - 0.5).max(0.0), (y - 0.5).max(0.0));
        let (left, top) = ((x as usize).min(self.width - 2), (y as usize).min(self.height - 2));
        let (right, lower) = (x - left as f64, y - top as f64);
        let value = |x, y| f64::from(self.get(x, y));
        let above = value(left, top) * (1.0 - right) + value(left + 1, top) * right;
        let below = value(left, top + 1) * (1.0 - right) + value(left + 1, top + 1) * right;
        above * (1.0 - lower) + below * lower
    }
}

/// What a look across the rim shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Across {
    /// The rim lies outside the picture, or too near its edge.
    CutOff,
    /// As dark within as without.
    Flat,
    /// `out` is the luma of the surround.
    Step { place: [f64; 2], out: f64 },
}

/// Where light begins from either end of a line, as the border between two pixels.
fn ends(length: usize, lit: impl Fn(usize) -> bool) -> [Option<usize>; 2] {
    let begins = |at: &dyn Fn(usize) -> usize| {
        let mut run = 0;
        for index in 0..length {
            run = if lit(at(index)) { run + 1 } else { 0 };
            if run == RUN {
                return (index >= RUN).then_some(index + 1 - RUN);
            }
        }
        None
    };
    [begins(&|index| index), begins(&|index| length - 1 - index).map(|index| length - index)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disc(round: Round, [out, within]: [u8; 2]) -> Plane {
        let (width, height) = (200, 160);
        let luma = (0..width * height).map(|index| {
            let place = [(index % width) as f64 + 0.5, (index / width) as f64 + 0.5];
            let covered = (0.5 - round.beyond(place)).clamp(0.0, 1.0);
            (f64::from(out) + covered * f64::from(within - out)).round() as u8
        });
        Plane { width, height, luma: luma.collect() }
    }

    #[test]
    fn steps_lie_on_the_rim_to_a_tenth_of_a_pixel() {
        let truth = Round { center: [101.3, 79.2], radius: 60.4 };
        let plane = disc(truth, [4, 90]);
        let guess = Round { center: [103.0, 78.0], radius: 59.0 };
        for index in 0..36 {
            let across = plane.step_across(&guess, f64::from(index) * 0.17);
            let Across::Step { place, out } = across else { panic!("{index}: {across:?}") };
            assert!(truth.beyond(place).abs() < 0.1, "{index}: {}", truth.beyond(place));
            assert!((out - 4.0).abs() < 1.0);
        }
    }

    #[test]
    fn what_is_cut_off_or_dark_gives_no_step() {
        let wide = Round { center: [100.0, 80.0], radius: 90.0 };
        let plane = disc(wide, [4, 90]);
        assert!(matches!(plane.step_across(&wide, -1.57), Across::CutOff));
        assert!(matches!(plane.step_across(&wide, 0.0), Across::Step { .. }));
        let dark = disc(wide, [4, 7]);
        assert!(matches!(dark.step_across(&wide, 0.0), Across::Flat));
        // Rows through the cut-off part are lit from left and right all the same, columns are not from above.
        let lights = plane.first_lights(20);
        assert!(!lights.is_empty() && lights.iter().all(|&light| wide.beyond(light).abs() < 12.0));
    }

    #[test]
    fn a_grain_of_noise_begins_no_picture() {
        assert_eq!(ends(10, |index| matches!(index, 1 | 4..=8)), [Some(4), Some(9)]);
        assert_eq!(ends(10, |_| false), [None, None]);
        assert_eq!(ends(10, |index| index < 6), [None, Some(6)]);
    }
}
