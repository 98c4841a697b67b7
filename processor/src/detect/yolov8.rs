//! YOLOv8's layout: a column per cell, the box's middle and size in pixels of the input, then how likely it is of each
//! class.

use super::candidate::{Asked, Candidate, about};
use super::cells::Cell;

/// Of the box.
pub(crate) const ROWS: usize = 4;

pub(crate) fn candidates(numbers: &[f32], cells: &[Cell], asked: Asked<'_>) -> Vec<Candidate> {
    let count = cells.len();
    let at = move |row: usize, column: usize| numbers.get(row * count + column).copied().unwrap_or(f32::NAN);
    (0..count)
        .flat_map(|column| {
            let scores = (0..asked.wanted.len()).map(move |class| at(ROWS + class, column));
            asked.among(scores).map(move |(class, score)| {
                let [x, y, width, height] = [0, 1, 2, 3].map(|row| at(row, column));
                Candidate { class, score, sides: about([x, y], [width, height]) }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;

    #[test]
    fn a_box_is_a_column() {
        let mut output = vec![0.0; 2100 * 6];
        for (row, number) in [100.0, 50.0, 20.0, 40.0, 0.3, 0.9].into_iter().enumerate() {
            output[row * 2100 + 2099] = number;
        }
        let asked = Asked { wanted: &[true; 2], min_score: 0.4 };
        let found = candidates(&output, &cells(320), asked);
        assert_eq!(found, [Candidate { class: 1, score: 0.9, sides: [90.0, 30.0, 110.0, 70.0] }]);
    }
}
