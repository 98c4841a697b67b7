//! The circle: finds where a fisheye lens draws, by the dark surround that no light reaches.
//!
//! Text in the corners, a night scene that is dark at places, or a circle that the picture cuts off must not
//! mislead it. Where it is not certain there is no answer: a wrong circle would bend every view.

use std::f64::consts::TAU;

use config::Placement;

use super::fit::{Round, adjusted, by_consent};
use super::rim::{Across, Plane};
use super::{PlaneSize, Smoothing, ViewError, resize_plane};
use crate::Picture;

/// Longer side of the picture that is searched: noise is averaged away, and half a pixel of it is less than a
/// thousandth.
const SEARCHED_PX: usize = 640;
/// Directions in which the rim is looked at.
const DIRECTIONS: usize = 720;
/// How near to the circle a point must be to speak for it, at first and at last.
const NEAR_PX: f64 = 2.0;
/// No surround is brighter, in full range: black with a camera's pedestal and some stray light.
const DARKEST: u8 = 40;
/// At least this much brighter than the surround is light.
const LEAST_LIGHT: u8 = 8;
/// Of the directions in which the rim lies within the picture, how many must show it.
const SHOWN: f64 = 0.5;
/// Of all directions, how many must lie within the picture.
const WITHIN: f64 = 0.2;
/// Of the pixels well outside, how many must be dark; the rest may be text.
const DARK_OUTSIDE: f64 = 0.8;
/// Ten-thousandths are a quarter of a pixel at 2560.
const GRAIN: f64 = 1e4;

/// Finds the circle in pictures of one camera, taken at different times: what is dark in one may be lit in
/// another. Returns `None` where it cannot be told for certain. Those of another size than the first are left out.
pub fn find_circle(pictures: &[Picture]) -> Result<Option<Placement>, ViewError> {
    let Some((width, height)) = pictures.first().map(|first| (first.width, first.height)) else {
        return Ok(None);
    };
    let Some(plane) = brightest(pictures)? else { return Ok(None) };
    let scale = plane.width as f64 / width as f64;
    let rounded = |value: f64| (value * GRAIN).round() / GRAIN;
    Ok(certain_round(&plane).map(|Round { center: [x, y], radius }| {
        let whole = [x, y, radius].map(|length| length / scale);
        Placement::Circle {
            center: [rounded(whole[0] / width as f64), rounded(whole[1] / height as f64)],
            radius: Some(rounded(whole[2] / width as f64)),
        }
    }))
}

/// Shrinks the pictures and takes, at each place, the brightest.
fn brightest(pictures: &[Picture]) -> Result<Option<Plane>, ViewError> {
    let Some(first) = pictures.first() else { return Ok(None) };
    let from = PlaneSize { width: first.width, height: first.height };
    let longer = from.width.max(from.height);
    let shrunk = |length: usize| length * SEARCHED_PX.min(longer) / longer.max(1);
    let to = PlaneSize { width: shrunk(from.width), height: shrunk(from.height) };
    if to.width.min(to.height) < 64 {
        return Ok(None);
    }
    let mut luma = vec![0; to.width * to.height];
    for picture in pictures.iter().filter(|other| (other.width, other.height) == (from.width, from.height)) {
        let shrunk = resize_plane(&picture.y, from, to, Smoothing::Area)?;
        luma.iter_mut().zip(shrunk).for_each(|(most, luma)| *most = luma.max(*most));
    }
    Ok(Some(Plane { width: to.width, height: to.height, luma }))
}

fn certain_round(plane: &Plane) -> Option<Round> {
    let surround = surround(plane)?;
    let size = [plane.width as f64, plane.height as f64];
    let shorter = size[0].min(size[1]);
    let is_likely = |round: &Round| {
        let centred = (0..2).all(|axis| (0.25..0.75).contains(&(round.center[axis] / size[axis])));
        centred && round.radius > 0.3 * shorter && round.radius < 0.75 * size[0].max(size[1])
    };
    let mut round = by_consent(&plane.first_lights(surround.light), NEAR_PX, is_likely)?;
    for _ in 0..5 {
        let steps = steps_of(plane, &round).filter_map(|(_, across)| match across {
            Across::Step { place, out } if out <= f64::from(surround.light) => Some(place),
            _ => None,
        });
        let near: Vec<_> = steps.filter(|&place| round.beyond(place).abs() < 2.0 * NEAR_PX).collect();
        round = adjusted(round, &near).filter(is_likely)?;
    }
    (is_shown(plane, &round, &surround) && is_dark_outside(plane, &round, &surround)).then_some(round)
}

fn steps_of(plane: &Plane, round: &Round) -> impl Iterator<Item = (usize, Across)> {
    (0..DIRECTIONS)
        .map(move |index| (index, plane.step_across(round, index as f64 * TAU / DIRECTIONS as f64)))
}

/// What no light reaches.
#[derive(Debug)]
struct Surround {
    /// What is brighter than this is lit.
    light: u8,
}

/// Looks into the corners. One of the four is enough, since the others may hold text.
fn surround(plane: &Plane) -> Option<Surround> {
    let [width, height] = [plane.width / 16, plane.height / 16];
    let corner = |left: usize, top: usize| {
        let mut luma: Vec<u8> = (top..top + height)
            .flat_map(|y| (left..left + width).map(move |x| (x, y)))
            .map(|(x, y)| plane.get(x, y))
            .collect();
        luma.sort_unstable();
        // The darker part of it, since text may cover the rest.
        [luma[luma.len() / 4], luma[luma.len() / 20]]
    };
    let (right, bottom) = (plane.width - width, plane.height - height);
    let corners = [corner(0, 0), corner(right, 0), corner(0, bottom), corner(right, bottom)];
    let [dark, darkest] = corners.into_iter().min()?;
    let noise = dark - darkest;
    let light = dark.saturating_add(LEAST_LIGHT.max(noise.saturating_mul(4)));
    (dark <= DARKEST).then_some(Surround { light })
}

/// Enough of the rim must be seen, and on both sides: an arc could belong to many circles.
fn is_shown(plane: &Plane, round: &Round, surround: &Surround) -> bool {
    let mut within = 0;
    let mut shown = Vec::new();
    for (index, across) in steps_of(plane, round) {
        within += usize::from(!matches!(across, Across::CutOff));
        if let Across::Step { place, out } = across
            && round.beyond(place).abs() < NEAR_PX
            && out <= f64::from(surround.light)
        {
            shown.push(index);
        }
    }
    let enough = shown.len() as f64 >= SHOWN * within as f64 && within as f64 >= WITHIN * DIRECTIONS as f64;
    enough && widest_gap(&shown) < DIRECTIONS / 2
}

/// Between neighbours among sorted directions, all around.
fn widest_gap(directions: &[usize]) -> usize {
    let (Some(first), Some(last)) = (directions.first(), directions.last()) else { return DIRECTIONS };
    let around = first + DIRECTIONS - last;
    directions.windows(2).map(|pair| pair[1] - pair[0]).fold(around, usize::max)
}

fn is_dark_outside(plane: &Plane, round: &Round, surround: &Surround) -> bool {
    let [mut dark, mut outside] = [0_usize; 2];
    for y in 0..plane.height {
        for x in 0..plane.width {
            if round.beyond([x as f64 + 0.5, y as f64 + 0.5]) > 2.0 * NEAR_PX {
                outside += 1;
                dark += usize::from(plane.get(x, y) <= surround.light);
            }
        }
    }
    outside > 0 && dark as f64 >= DARK_OUTSIDE * outside as f64
}

#[cfg(test)]
mod tests;
