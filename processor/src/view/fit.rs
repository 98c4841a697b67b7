//! A circle through points, of which many may belong to something else.

/// In pixels, as [`LensModel`](super::lens::LensModel) counts them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Round {
    pub(super) center: [f64; 2],
    pub(super) radius: f64,
}

impl Round {
    /// How far a point lies outside; negative inside.
    pub(super) fn beyond(&self, [x, y]: [f64; 2]) -> f64 {
        (x - self.center[0]).hypot(y - self.center[1]) - self.radius
    }

    /// The point of the circle in a direction, and the way outwards there.
    pub(super) fn at(&self, angle: f64) -> ([f64; 2], [f64; 2]) {
        let (sin, cos) = angle.sin_cos();
        ([self.center[0] + self.radius * cos, self.center[1] + self.radius * sin], [cos, sin])
    }
}

/// Triples of points that are tried; where half of the points lie on the circle, one in eight is right.
const TRIES: usize = 600;

/// Finds the circle that most points are near to. The same points give the same circle.
pub(super) fn by_consent(
    points: &[[f64; 2]],
    near_px: f64,
    is_likely: impl Fn(&Round) -> bool,
) -> Option<Round> {
    let mut random = fastrand::Rng::with_seed(0);
    let mut best: Option<(usize, Round)> = None;
    for _ in 0..TRIES {
        let triple = [0; 3].map(|_| random.choice(points));
        let [Some(&a), Some(&b), Some(&c)] = triple else { return None };
        let Some(round) = through(a, b, c).filter(&is_likely) else { continue };
        let consent = points.iter().filter(|&&point| round.beyond(point).abs() < near_px).count();
        if best.is_none_or(|(most, _)| consent > most) {
            best = Some((consent, round));
        }
    }
    best.map(|(_, round)| round)
}

fn through(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> Option<Round> {
    let [bx, by] = [b[0] - a[0], b[1] - a[1]];
    let [cx, cy] = [c[0] - a[0], c[1] - a[1]];
    let twice_area = 2.0 * (bx * cy - by * cx);
    if twice_area.abs() < 1.0 {
        return None;
    }
    let [b_square, c_square] = [bx * bx + by * by, cx * cx + cy * cy];
    let x = (cy * b_square - by * c_square) / twice_area;
    let y = (bx * c_square - cx * b_square) / twice_area;
    Some(Round { center: [a[0] + x, a[1] + y], radius: x.hypot(y) })
}

/// Moves a circle that is nearly right so that the squares of the points' distances become least: one step of
/// Gauss and Newton, which is enough within a few pixels.
pub(super) fn adjusted(round: Round, points: &[[f64; 2]]) -> Option<Round> {
    // Normal equations of `beyond` by center and radius, three by three, and the right side.
    let mut rows = [[0.0_f64; 4]; 3];
    for &point in points {
        let distance = (point[0] - round.center[0]).hypot(point[1] - round.center[1]);
        if distance < 1.0 {
            continue;
        }
        let outwards = [0, 1].map(|axis| (point[axis] - round.center[axis]) / distance);
        let slope = [outwards[0], outwards[1], 1.0];
        for (row, one) in rows.iter_mut().zip(slope) {
            for (cell, other) in row.iter_mut().zip(slope.into_iter().chain([round.beyond(point)])) {
                *cell += one * other;
            }
        }
    }
    let [x, y, radius] = solved(rows)?;
    Some(Round { center: [round.center[0] + x, round.center[1] + y], radius: round.radius + radius })
}

/// Gauss's elimination; the matrix is symmetric and positive, so that no pivot has to be looked for.
fn solved(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for pivot in 0..3 {
        if rows[pivot][pivot] < 1e-6 {
            return None;
        }
        for row in 0..3 {
            if row != pivot {
                let factor = rows[row][pivot] / rows[pivot][pivot];
                let from = rows[pivot];
                rows[row].iter_mut().zip(from).for_each(|(cell, other)| *cell -= factor * other);
            }
        }
    }
    Some([0, 1, 2].map(|row| rows[row][3] / rows[row][row]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arc(round: Round, points: usize) -> Vec<[f64; 2]> {
        (0..points).map(|index| round.at(index as f64 * 3.5 / points as f64).0).collect()
    }

    proptest! {
        #[test]
        fn the_circle_is_found_among_as_many_strays(
            center in [200.0..400.0_f64, 200.0..400.0_f64],
            radius in 150.0..300.0_f64,
            seed in any::<u64>(),
        ) {
            let round = Round { center, radius };
            let mut random = fastrand::Rng::with_seed(seed);
            let strays = (0..200).map(|_| [random.f64() * 640.0, random.f64() * 640.0]);
            let points: Vec<_> = arc(round, 200).into_iter().chain(strays).collect();
            let found = by_consent(&points, 1.5, |_| true).unwrap();
            prop_assert!((found.radius - radius).abs() < 6.0, "{:?}", found);
            let near: Vec<_> = points.into_iter().filter(|&point| found.beyond(point).abs() < 1e-3).collect();
            prop_assert!(near.len() >= 3);
        }

        #[test]
        fn a_circle_that_is_a_little_off_is_put_right(
            off in [-3.0..3.0_f64, -3.0..3.0_f64, -3.0..3.0_f64],
        ) {
            let round = Round { center: [320.0, 310.0], radius: 280.0 };
            let start = Round { center: [320.0 + off[0], 310.0 + off[1]], radius: 280.0 + off[2] };
            let points = arc(round, 100);
            let found = adjusted(adjusted(start, &points).unwrap(), &points).unwrap();
            prop_assert!((found.radius - 280.0).abs() < 1e-3 && (found.center[0] - 320.0).abs() < 1e-3);
        }
    }

    #[test]
    fn too_few_points_or_a_straight_line_give_none() {
        assert_eq!(by_consent(&[], 1.0, |_| true), None);
        let line: Vec<_> = (0..50).map(|index| [f64::from(index), 2.0 * f64::from(index)]).collect();
        assert_eq!(by_consent(&line, 1.0, |_| true), None);
        assert_eq!(adjusted(Round { center: [0.0; 2], radius: 5.0 }, &[]), None);
    }
}
