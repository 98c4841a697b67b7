//! NanoDet's layout: a row per cell, the score of each class, then how far away each side of the box is, as a
//! distribution over distances of 0, 1, 2 … strides from the cell's middle.

use super::candidate::{Asked, Candidate};
use super::cells::Cell;

/// Of the box: four distributions over 8 or, as a rule, 11 distances.
pub(crate) const COLUMNS: [usize; 2] = [4 * 8, 4 * 11];

pub(crate) fn candidates(numbers: &[f32], cells: &[Cell], asked: Asked<'_>) -> Vec<Candidate> {
    let columns = numbers.len() / cells.len().max(1);
    let rows = cells.iter().zip(numbers.chunks_exact(columns.max(1)));
    rows.flat_map(|(&cell, row)| {
        let (scores, distributions) = row.split_at(asked.wanted.len().min(row.len()));
        asked.among(scores.iter().copied()).map(move |(class, score)| Candidate {
            class,
            score,
            sides: sides(cell, distributions),
        })
    })
    .collect()
}

fn sides(cell: Cell, distributions: &[f32]) -> [f32; 4] {
    let bins = distributions.len() / 4;
    let distance = |side: usize| expectation(&distributions[side * bins..][..bins]);
    let [x, y] = cell.place.map(|place| place + 0.5);
    [x - distance(0), y - distance(1), x + distance(2), y + distance(3)].map(|side| side * cell.stride)
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

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;

    #[test]
    fn a_box_lies_about_the_middle_of_its_cell() {
        for bins in [8, 11] {
            let row = 80 + 4 * bins;
            let mut output = vec![0.0; 3549 * row];
            // Row 53 of stride 8 is the second cell of the second row; the last row is the last of stride 32.
            for (at, class, score, distances) in [(53, 0, 0.9, [1, 1, 2, 3]), (3548, 2, 0.8, [2, 1, 0, 0])] {
                output[at * row + class] = score;
                for (side, distance) in distances.into_iter().enumerate() {
                    output[at * row + 80 + side * bins + distance] = 100.0;
                }
            }
            let asked = Asked { wanted: &[true; 80], min_score: 0.4 };
            let found = candidates(&output, &cells(416), asked);
            assert_eq!(
                found,
                [
                    Candidate { class: 0, score: 0.9, sides: [4.0, 4.0, 28.0, 36.0] },
                    Candidate { class: 2, score: 0.8, sides: [336.0, 368.0, 400.0, 400.0] },
                ]
            );
        }
    }
}
