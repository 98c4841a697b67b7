//! A measured lens: the distance at any angle, between the angles that were measured.
//!
//! Cubic pieces whose slopes are the weighted harmonic means of Fritsch and Butland ("A method for constructing
//! local monotone piecewise cubic interpolants", 1984): smooth, through every pair, and growing wherever the pairs do,
//! which straight or free cubic pieces are not.

/// Distance at an angle in radians, which is held to the table's range.
pub(super) fn distance(pairs: &[[f64; 2]], angle: f64) -> f64 {
    let piece = Piece::at(pairs, angle.to_degrees());
    let (t, rest) = (piece.share, 1.0 - piece.share);
    let [from, to] = piece.radii;
    let [slope_from, slope_to] = piece.slopes.map(|slope| slope * piece.width);
    rest * rest * ((1.0 + 2.0 * t) * from + t * slope_from) + t * t * ((3.0 - 2.0 * t) * to - rest * slope_to)
}

/// Derivative of [`distance`] by the angle in radians.
pub(super) fn growth(pairs: &[[f64; 2]], angle: f64) -> f64 {
    let piece = Piece::at(pairs, angle.to_degrees());
    let (t, rest) = (piece.share, 1.0 - piece.share);
    let [from, to] = piece.slopes;
    let chord = (piece.radii[1] - piece.radii[0]) / piece.width;
    let per_degree = 6.0 * t * rest * chord + rest * (1.0 - 3.0 * t) * from + t * (3.0 * t - 2.0) * to;
    per_degree.to_degrees()
}

/// The stretch between two pairs, and how far along it an angle lies.
struct Piece {
    /// In degrees.
    width: f64,
    /// From 0 to 1.
    share: f64,
    radii: [f64; 2],
    /// Per degree.
    slopes: [f64; 2],
}

impl Piece {
    fn at(pairs: &[[f64; 2]], degrees: f64) -> Self {
        let after = pairs.partition_point(|[measured, _]| *measured <= degrees);
        let right = after.clamp(1, pairs.len() - 1);
        let ([from, inner], [to, outer]) = (pairs[right - 1], pairs[right]);
        Self {
            width: to - from,
            share: ((degrees - from) / (to - from)).clamp(0.0, 1.0),
            radii: [inner, outer],
            slopes: [slope(pairs, right - 1), slope(pairs, right)],
        }
    }
}

/// At the axis the other side looks the same, so that the slope there is that of the first stretch, as it is at the
/// end for lack of a better one.
fn slope(pairs: &[[f64; 2]], at: usize) -> f64 {
    let stretch = |left: usize| {
        let ([from, inner], [to, outer]) = (pairs[left], pairs[left + 1]);
        (to - from, (outer - inner) / (to - from))
    };
    let last = pairs.len() - 1;
    if at == 0 || at == last {
        return stretch(at.min(last - 1)).1;
    }
    let ((before, rise_before), (after, rise_after)) = (stretch(at - 1), stretch(at));
    let (weight_before, weight_after) = (2.0 * after + before, after + 2.0 * before);
    (weight_before + weight_after) / (weight_before / rise_before + weight_after / rise_after)
}

#[cfg(test)]
pub(super) use tests::tables;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pairs out to 90 degrees that grow unevenly.
    pub(in crate::view) fn tables() -> impl Strategy<Value = Vec<[f64; 2]>> {
        proptest::collection::vec([0.1..5.0_f64, 0.01..3.0_f64], 1..40).prop_map(|steps| {
            let mut pairs = vec![[0.0, 0.0]];
            for [degrees, radius] in steps {
                let [before, inner] = pairs[pairs.len() - 1];
                pairs.push([before + degrees, inner + radius]);
            }
            let end = pairs[pairs.len() - 1][0];
            pairs.iter().map(|[degrees, radius]| [degrees * 90.0 / end, *radius]).collect()
        })
    }

    proptest! {
        #[test]
        fn what_was_measured_is_met_and_between_it_all_grows(pairs in tables(), angles in [0.0..90.0_f64, 0.0..90.0_f64]) {
            for [degrees, radius] in &pairs {
                prop_assert!((distance(&pairs, degrees.to_radians()) - radius).abs() < 1e-9);
            }
            let [one, other] = angles.map(|degrees| distance(&pairs, degrees.to_radians()));
            prop_assert!(angles[0] == angles[1] || (angles[0] < angles[1]) == (one < other));
            prop_assert!(angles.iter().all(|degrees| growth(&pairs, degrees.to_radians()) > 0.0));
        }

        #[test]
        fn the_growth_is_that_of_the_distance(pairs in tables(), degrees in 1.0..89.0_f64) {
            let (angle, step) = (degrees.to_radians(), 1e-7);
            let measured = (distance(&pairs, angle + step) - distance(&pairs, angle - step)) / (2.0 * step);
            let growth = growth(&pairs, angle);
            // Where two pieces meet the second derivative jumps.
            prop_assert!((growth - measured).abs() < 1e-2 * (1.0 + growth), "{growth} {measured}");
        }
    }

    #[test]
    fn ten_measurements_of_a_smooth_lens_give_it_back_within_a_thousandth() {
        let radius = |degrees: f64| 2.0 * (degrees.to_radians() / 2.0).sin();
        let pairs: Vec<[f64; 2]> =
            (0..10).map(|step| f64::from(step) * 10.0).map(|d| [d, radius(d)]).collect();
        for tenth in 0..=900 {
            let degrees = f64::from(tenth) / 10.0;
            let apart = (distance(&pairs, degrees.to_radians()) - radius(degrees)).abs();
            assert!(apart < 1e-3, "{degrees}: {apart}");
        }
    }
}
