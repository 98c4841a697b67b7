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
    steps: VecDeque<Step>,
}

/// By how much each square changed from one keyframe to the next.
#[derive(Debug)]
struct Step {
    differences: Vec<i32>,
    noise: i32,
}

impl Eye {
    /// Tells whether `next` shows something else than `now`, or either something else than the background;
    /// says yes where there is nothing to compare.
    pub(super) fn sees_change(&mut self, now: &Grid, next: Option<&Grid>) -> bool {
        self.remember(now);
        if next.is_some_and(|next| now.size_px != next.size_px) || now.cells.is_empty() {
            return true;
        }
        if let Some(next) = next {
            push(&mut self.steps, Step::of(now, next));
        }
        let Some(step) = self.steps.back() else { return true };
        let noise = self.noise();
        let background = self.background();
        is_beyond(&step.differences, &noise)
            || is_beyond(&differences(&background, now), &noise)
            || next.is_some_and(|next| is_beyond(&differences(&background, next), &noise))
    }

    fn remember(&mut self, now: &Grid) {
        if self.past.back().is_some_and(|last| last.size_px != now.size_px) {
            self.past.clear();
            self.steps.clear();
        }
        push(&mut self.past, now.clone());
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

    /// Estimates each square's noise from how much it differed from one keyframe to the next.
    fn noise(&self) -> Vec<i32> {
        // Of the calmest step: in another the light may have been switched, or a keyframe is damaged.
        let calmest = self.steps.iter().map(|step| step.noise).min();
        let overall = calmest.unwrap_or_default().min(MOST_NOISE_LUMA * PARTS);
        let squares = self.steps.back().map_or(0, |step| step.differences.len());
        if self.steps.len() < LEAST_STEPS {
            return vec![overall; squares];
        }
        let most = (overall * MOST_LOCAL_NOISE).max(PARTS);
        let mut values = Vec::with_capacity(MEMORY);
        let mut square = |index: usize| {
            values.clear();
            values.extend(self.steps.iter().map(|step| step.differences[index].abs()));
            (median(&mut values) * 3 / 2).clamp(overall, most)
        };
        (0..squares).map(&mut square).collect()
    }
}

impl Step {
    fn of(now: &Grid, next: &Grid) -> Self {
        let differences = differences(now, next);
        Self { noise: overall_noise(&differences), differences }
    }
}

fn push<T>(memory: &mut VecDeque<T>, newest: T) {
    if memory.len() == MEMORY {
        memory.pop_front();
    }
    memory.push_back(newest);
}

/// Estimates the deviation that most squares have; rain makes some much larger, a person a few.
fn overall_noise(differences: &[i32]) -> i32 {
    let mut sizes: Vec<i32> = differences.iter().map(|difference| difference.abs()).collect();
    // Of a normal distribution, one in twenty is above two deviations.
    let [middle, tail] = [sizes.len() / 2, sizes.len() * 19 / 20];
    let tail = *sizes.select_nth_unstable(tail).1 / 2;
    let usual = *sizes.select_nth_unstable(middle).1 * 3 / 2;
    tail.clamp(usual, usual * MOST_SPREAD)
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

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 40;

    /// A street of 40 × 40 squares with noise of a quarter of a step of luma, a little lighter in each keyframe.
    fn street(keyframe: usize) -> Grid {
        let mut random = fastrand::Rng::with_seed(keyframe as u64);
        let square = |index: usize| (index % 97) as i32 * 20 + keyframe as i32 * 5 + random.i32(-4..=4);
        Grid { size_px: [640, 640], cells: (0..SIDE * SIDE).map(square).collect() }
    }

    /// Two squares of a person, ten steps lighter than the street.
    fn with_person(mut grid: Grid, at: usize) -> Grid {
        grid.cells[at] += 10 * PARTS;
        grid.cells[at + SIDE] += 10 * PARTS;
        grid
    }

    fn seen(keyframes: &[Grid]) -> Vec<bool> {
        let mut eye = Eye::default();
        let nexts = keyframes.iter().skip(1).map(Some).chain([None]);
        keyframes.iter().zip(nexts).map(|(now, next)| eye.sees_change(now, next)).collect()
    }

    #[test]
    fn noise_and_growing_light_are_no_change() {
        let keyframes: Vec<Grid> = (0..20).map(street).collect();
        assert_eq!(seen(&keyframes), [false; 20]);
    }

    #[test]
    fn a_person_is_seen_from_before_the_first_keyframe_with_them_until_after_the_last() {
        let mut keyframes: Vec<Grid> = (0..20).map(street).collect();
        for (index, at) in [(9, 100), (10, 105), (11, 110)] {
            keyframes[index] = with_person(keyframes[index].clone(), at);
        }
        let expected: Vec<bool> = (0..20).map(|index| (8..=11).contains(&index)).collect();
        assert_eq!(seen(&keyframes), expected);
    }

    #[test]
    fn whoever_stands_still_becomes_background_and_is_missed_when_gone() {
        let mut keyframes: Vec<Grid> = (0..30).map(street).collect();
        for keyframe in &mut keyframes[5..25] {
            *keyframe = with_person(keyframe.clone(), 700);
        }
        let seen = seen(&keyframes);
        assert!(seen[4..8].iter().all(|&seen| seen), "{seen:?}");
        assert!(!seen[20], "{seen:?}");
        assert!(seen[24] && seen[25], "{seen:?}");
    }

    #[test]
    fn switched_light_and_another_size_are_changes_and_nothing_to_compare_is_one() {
        let dark: Vec<Grid> = (0..8).map(street).collect();
        let mut bright = street(8);
        for (index, square) in bright.cells.iter_mut().enumerate() {
            *square = *square / 2 + (index % 13) as i32 * 30;
        }
        let keyframes = [&dark[..], &[bright]].concat();
        assert!(seen(&keyframes)[7]);
        let wider = Grid { size_px: [1280, 640], ..street(8) };
        assert!(seen(&[&dark[..], &[wider]].concat())[7]);
        assert_eq!(seen(&dark[..1]), [true]);
    }
}
