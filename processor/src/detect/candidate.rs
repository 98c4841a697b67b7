//! Candidates: the boxes a network gives, and which of them are things of their own.

/// Of two boxes of one class that overlap more, only the likelier is kept.
const SAME_THING_OVERLAP: f32 = 0.5;

/// The likeliest so many are compared with each other; a model whose scores are none would give a million.
const MOST: usize = 2000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) class: usize,
    pub(crate) score: f32,
    /// Left, top, right, bottom, in pixels of the network's input.
    pub(crate) sides: [f32; 4],
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// By class.
    pub(crate) wanted: &'a [bool],
    pub(crate) min_score: f32,
}

impl Asked<'_> {
    /// Returns the classes that are asked for and score enough, given the score of each.
    pub(crate) fn among(self, scores: impl Iterator<Item = f32>) -> impl Iterator<Item = (usize, f32)> {
        let wanted = self.wanted.iter().zip(scores).enumerate();
        wanted.filter_map(move |(class, (&wanted, score))| {
            (wanted && score >= self.min_score).then_some((class, score))
        })
    }
}

/// Turns a box's middle and size into its sides.
pub(crate) fn about([x, y]: [f32; 2], [width, height]: [f32; 2]) -> [f32; 4] {
    [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
}

/// Keeps, per class, what no likelier box covers, likeliest first.
pub(crate) fn each_thing_once(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    // A network with a number that is none among its weights gives more of them.
    candidates.retain(|candidate| candidate.sides.iter().all(|side| side.is_finite()));
    candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
    candidates.truncate(MOST);
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

    fn candidate(class: usize, score: f32, sides: [f32; 4]) -> Candidate {
        Candidate { class, score, sides }
    }

    #[test]
    fn one_thing_seen_twice_is_reported_once() {
        let found = [candidate(0, 0.6, [0.0, 0.0, 10.0, 10.0]), candidate(0, 0.9, [1.0, 0.0, 11.0, 10.0])];
        assert_eq!(each_thing_once(found.to_vec()), found[1..]);
    }

    #[test]
    fn things_of_two_classes_at_one_place_are_both_reported() {
        let found = [candidate(0, 0.9, [0.0, 0.0, 10.0, 10.0]), candidate(2, 0.6, [0.0, 0.0, 10.0, 10.0])];
        assert_eq!(each_thing_once(found.to_vec()), found);
    }

    #[test]
    fn a_box_without_a_place_is_none() {
        let found = [f32::NAN, f32::INFINITY].map(|side| candidate(0, 0.9, [0.0, 0.0, side, 10.0]));
        assert_eq!(each_thing_once(found.to_vec()), []);
    }

    #[test]
    fn what_is_not_asked_for_or_scores_less_is_left_out() {
        let asked = Asked { wanted: &[true, false, true, true], min_score: 0.4 };
        let found: Vec<_> = asked.among([0.6, 0.9, 0.39, f32::NAN].into_iter()).collect();
        assert_eq!(found, [(0, 0.6)]);
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
            seen in prop::collection::vec(
                (0..2_usize, 0.41..1.0_f32, [0.0..400.0_f32, 0.0..400.0_f32], [1.0..90.0_f32, 1.0..90.0_f32]),
                1..40,
            ),
        ) {
            let seen = seen.into_iter().map(|(class, score, at, size)| candidate(class, score, about(at, size)));
            let found = each_thing_once(seen.collect());
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
