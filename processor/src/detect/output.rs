//! The output: the network's numbers as boxes, each thing once.

use super::labels::CLASSES;
use super::model::SIDE;

const STRIDES: [usize; 3] = [8, 16, 32];
/// Each side of a box is a distribution over so many distances, 0 to 10 strides from the cell's centre.
const BINS: usize = 11;
const ROW: usize = CLASSES + 4 * BINS;
/// One row per cell of the grids of the three strides, each row-major.
pub(crate) const OUTPUT_NUMBERS: usize = 3549 * ROW;
/// Of two boxes of one class that overlap more, only the likelier is kept.
const SAME_THING_OVERLAP: f32 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) class: usize,
    pub(crate) score: f32,
    /// Left, top, right, bottom, in pixels of the network's square.
    pub(crate) sides: [f32; 4],
}

/// Finds the boxes that score at least `min_score` in a class that is wanted, likeliest first.
pub(crate) fn objects(output: &[f32], wanted: &[bool; CLASSES], min_score: f32) -> Vec<Candidate> {
    let mut candidates: Vec<_> = cells()
        .zip(output.chunks_exact(ROW))
        .flat_map(|(cell, row)| {
            let scores = row[..CLASSES].iter().zip(wanted).enumerate();
            scores.filter(move |(_, (score, wanted))| **wanted && **score >= min_score).map(
                move |(class, (&score, _))| Candidate { class, score, sides: cell.sides(&row[CLASSES..]) },
            )
        })
        .collect();
    candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
    each_thing_once(candidates)
}

#[derive(Clone, Copy)]
struct Cell {
    center: [f32; 2],
    stride: f32,
}

fn cells() -> impl Iterator<Item = Cell> {
    STRIDES.into_iter().flat_map(|stride| {
        let side = SIDE / stride;
        (0..side * side).map(move |index| {
            let center = [index % side, index / side].map(|place| (place as f32 + 0.5) * stride as f32);
            Cell { center, stride: stride as f32 }
        })
    })
}

impl Cell {
    fn sides(self, distributions: &[f32]) -> [f32; 4] {
        let distance = |side: usize| self.stride * expectation(&distributions[side * BINS..][..BINS]);
        let [x, y] = self.center;
        [x - distance(0), y - distance(1), x + distance(2), y + distance(3)]
    }
}

/// Mean of the distribution whose softmax is given as raw numbers.
fn expectation(logits: &[f32]) -> f32 {
    // Without the shift by the greatest, exp() of a confident network would overflow.
    let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weighted = |(sum, moment): (f32, f32), (bin, logit): (usize, &f32)| {
        let weight = (logit - greatest).exp();
        (sum + weight, moment + weight * bin as f32)
    };
    let (sum, moment) = logits.iter().enumerate().fold((0.0, 0.0), weighted);
    moment / sum
}

/// Keeps, per class, what no likelier box covers. The candidates come likeliest first.
fn each_thing_once(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let covers = |known: &Candidate| {
            known.class == candidate.class && overlap(known.sides, candidate.sides) > SAME_THING_OVERLAP
        };
        if !kept.iter().any(covers) {
            kept.push(candidate);
        }
    }
    kept
}

/// Intersection over union.
fn overlap(one: [f32; 4], other: [f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let shared =
        area([one[0].max(other[0]), one[1].max(other[1]), one[2].min(other[2]), one[3].min(other[3])]);
    let both = area(one) + area(other) - shared;
    if both > 0.0 { shared / both } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PERSON: usize = 0;
    const CAR: usize = 2;

    /// An output in which nothing is seen, but for the cells named: row, class, score, and how many strides
    /// away each side of the box is.
    fn output(seen: &[(usize, usize, f32, [usize; 4])]) -> Vec<f32> {
        let mut output = vec![0.0; OUTPUT_NUMBERS];
        for &(row, class, score, sides) in seen {
            let row = &mut output[row * ROW..][..ROW];
            row[class] = score;
            for (side, bin) in sides.into_iter().enumerate() {
                row[CLASSES + side * BINS + bin] = 100.0;
            }
        }
        output
    }

    #[test]
    fn the_output_has_the_shape_of_the_model() {
        assert_eq!((OUTPUT_NUMBERS, ROW), (3549 * 124, 124));
        assert_eq!(cells().count(), 3549);
    }

    #[test]
    fn a_box_lies_about_the_centre_of_its_cell() {
        // Row 53 of stride 8 is the second cell of the second row; the last row is the last of stride 32.
        let output = output(&[(53, PERSON, 0.9, [1, 1, 2, 3]), (3548, CAR, 0.8, [2, 1, 0, 0])]);
        let found = objects(&output, &[true; CLASSES], 0.4);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].class, found[0].sides), (PERSON, [4.0, 4.0, 28.0, 36.0]));
        assert_eq!((found[1].class, found[1].sides), (CAR, [336.0, 368.0, 400.0, 400.0]));
    }

    #[test]
    fn one_thing_seen_by_two_cells_is_reported_once() {
        let output = output(&[(52, PERSON, 0.6, [3, 3, 3, 3]), (53, PERSON, 0.9, [4, 3, 2, 3])]);
        let found = objects(&output, &[true; CLASSES], 0.4);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].score, 0.9);
    }

    #[test]
    fn things_of_two_classes_at_one_place_are_both_reported() {
        let output = output(&[(52, PERSON, 0.6, [3, 3, 3, 3]), (53, CAR, 0.9, [4, 3, 2, 3])]);
        assert_eq!(objects(&output, &[true; CLASSES], 0.4).len(), 2);
    }

    #[test]
    fn what_is_not_asked_for_is_not_reported() {
        let output =
            output(&[(52, PERSON, 0.6, [3; 4]), (2000, CAR, 0.9, [3; 4]), (3000, PERSON, 0.39, [3; 4])]);
        let mut wanted = [false; CLASSES];
        wanted[PERSON] = true;
        let found = objects(&output, &wanted, 0.4);
        assert_eq!(
            found.iter().map(|object| (object.class, object.score)).collect::<Vec<_>>(),
            [(PERSON, 0.6)]
        );
    }

    #[test]
    fn a_number_that_is_none_is_not_an_object() {
        let output = output(&[(52, PERSON, f32::NAN, [3; 4])]);
        assert!(objects(&output, &[true; CLASSES], 0.0).iter().all(|object| object.score == 0.0));
    }

    proptest! {
        #[test]
        fn overlap_is_a_fraction_and_the_same_both_ways(
            one in [0.0..400.0_f32, 0.0..400.0_f32, 0.0..400.0_f32, 0.0..400.0_f32],
            other in [0.0..400.0_f32, 0.0..400.0_f32, 0.0..400.0_f32, 0.0..400.0_f32],
        ) {
            let shared = overlap(one, other);
            prop_assert!((0.0..=1.0 + 1e-6).contains(&shared));
            prop_assert_eq!(shared, overlap(other, one));
        }

        #[test]
        fn no_two_objects_of_a_class_are_one_thing(
            seen in prop::collection::vec((0..3549_usize, 0..2_usize, 0.41..1.0_f32, [0..BINS, 0..BINS, 0..BINS, 0..BINS]), 1..40),
        ) {
            let found = objects(&output(&seen), &[true; CLASSES], 0.4);
            prop_assert!(!found.is_empty());
            for (index, one) in found.iter().enumerate() {
                for other in &found[index + 1..] {
                    prop_assert!(one.score >= other.score);
                    let same_thing = overlap(one.sides, other.sides) > SAME_THING_OVERLAP;
                    prop_assert!(one.class != other.class || !same_thing);
                }
            }
        }
    }
}
