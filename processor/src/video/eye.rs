//! The eye: tells by keyframes, as grids, whether something changed between two of them.

use std::collections::VecDeque;

use super::grid::{Grid, PARTS};

/// What stood still for so many keyframes is background.
const MEMORY: usize = 8;
/// A square must differ by so much, in steps of luma …
const LEAST_LUMA: i32 = 2;
/// … and by so many times the noise.
const NOISES: i32 = 6;
/// A square that flickers more than this many times as much as the others is not taken as noise.
const MOST_LOCAL_NOISE: i32 = 3;
/// No sensor's noise is more, in the mean of a square.
const MOST_NOISE_LUMA: i32 = 4;
/// How much heavier the tails of the noise may be than those of a normal distribution.
const MOST_SPREAD: i32 = 2;
/// Fewer steps from keyframe to keyframe say nothing of a single square's noise.
const LEAST_STEPS: usize = 4;

/// Remembers the last few keyframes.
#[derive(Debug, Default)]
pub(super) struct Eye {
    past: VecDeque<Grid>,
}

impl Eye {
    /// Tells whether `next` shows something else than `now`, or either something else than the background;
    /// says yes where there is nothing to compare.
    pub(super) fn sees_change(&mut self, now: &Grid, next: Option<&Grid>) -> bool {
        self.remember(now);
        if next.is_some_and(|next| now.size_px != next.size_px) || now.cells.is_empty() {
            return true;
        }
        let pairs = self.past.iter().zip(self.past.iter().skip(1).chain(next));
        let steps: Vec<Vec<i32>> = pairs.map(|(one, other)| differences(one, other)).collect();
        let Some(step) = steps.last() else { return true };
        let noise = noise(&steps);
        let background = self.background();
        is_beyond(step, &noise)
            || is_beyond(&differences(&background, now), &noise)
            || next.is_some_and(|next| is_beyond(&differences(&background, next), &noise))
    }

    fn remember(&mut self, now: &Grid) {
        if self.past.back().is_some_and(|last| last.size_px != now.size_px) {
            self.past.clear();
        }
        if self.past.len() == MEMORY {
            self.past.pop_front();
        }
        self.past.push_back(now.clone());
    }

    /// Takes the median of each square, each keyframe made as light as the newest.
    fn background(&self) -> Grid {
        let newest = self.past.back().expect("one was just remembered");
        let lighter: Vec<i32> = self.past.iter().map(|grid| median(&mut raw(grid, newest))).collect();
        let mut values = Vec::with_capacity(MEMORY);
        let mut cell = |index: usize| {
            values.clear();
            values.extend(self.past.iter().zip(&lighter).map(|(grid, light)| grid.cells[index] + light));
            median(&mut values)
        };
        let cells = (0..newest.cells.len()).map(&mut cell).collect();
        Grid { size_px: newest.size_px, cells }
    }
}

/// Estimates each square's noise from how much it differed from one keyframe to the next, `steps`.
fn noise(steps: &[Vec<i32>]) -> Vec<i32> {
    // Of the calmest step: in another the light may have been switched, or a keyframe is damaged.
    let calmest = steps.iter().map(|step| overall_noise(step)).min();
    let overall = calmest.unwrap_or_default().min(MOST_NOISE_LUMA * PARTS);
    let squares = steps.last().map_or(0, Vec::len);
    if steps.len() < LEAST_STEPS {
        return vec![overall; squares];
    }
    let most = (overall * MOST_LOCAL_NOISE).max(PARTS);
    let mut values = Vec::with_capacity(MEMORY);
    let mut square = |index: usize| {
        values.clear();
        values.extend(steps.iter().map(|step| step[index].abs()));
        (median(&mut values) * 3 / 2).clamp(overall, most)
    };
    (0..squares).map(&mut square).collect()
}

/// Estimates the deviation that most squares have; rain makes some much larger, a person a few.
fn overall_noise(step: &[i32]) -> i32 {
    let mut sizes: Vec<i32> = step.iter().map(|difference| difference.abs()).collect();
    sizes.sort_unstable();
    let usual = sizes[sizes.len() / 2] * 3 / 2;
    // Of a normal distribution, one in twenty is above two deviations.
    (sizes[sizes.len() * 19 / 20] / 2).clamp(usual, usual * MOST_SPREAD)
}

fn is_beyond(differences: &[i32], noise: &[i32]) -> bool {
    let is_beyond =
        |(difference, noise): (&i32, &i32)| difference.abs() > (noise * NOISES).max(LEAST_LUMA * PARTS);
    differences.iter().zip(noise).any(is_beyond)
}

/// Compares two grids square by square, but for what became lighter or darker as a whole.
fn differences(one: &Grid, other: &Grid) -> Vec<i32> {
    let mut differences = raw(one, other);
    let lighter = median(&mut differences.clone());
    differences.iter_mut().for_each(|difference| *difference -= lighter);
    differences
}

fn raw(one: &Grid, other: &Grid) -> Vec<i32> {
    one.cells.iter().zip(&other.cells).map(|(one, other)| other - one).collect()
}

/// Gives the upper median; zero of nothing. Changes the order.
fn median(values: &mut [i32]) -> i32 {
    match values.len() {
        0 => 0,
        length => *values.select_nth_unstable(length / 2).1,
    }
}
