//! YOLOX's layout: a row per cell, the box's middle in strides from the cell's corner, the logarithm of its size in
//! strides, how likely there is anything, then how likely it is of each class.

use super::candidate::{Asked, Candidate, about};
use super::cells::Cell;

/// Of the box, and whether there is one.
pub(crate) const COLUMNS: usize = 5;

pub(crate) fn candidates(numbers: &[f32], cells: &[Cell], asked: Asked<'_>) -> Vec<Candidate> {
    let rows = cells.iter().zip(numbers.chunks_exact(COLUMNS + asked.wanted.len()));
    rows.flat_map(|(&Cell { place, stride }, row)| {
        let (head, classes) = row.split_at(COLUMNS);
        let middle = [0, 1].map(|axis| (place[axis] + head[axis]) * stride);
        let size = [head[2], head[3]].map(|size| size.exp() * stride);
        let anything = head[4];
        asked.among(classes.iter().map(move |score| score * anything)).map(move |(class, score)| Candidate {
            class,
            score,
            sides: about(middle, size),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::cells::cells;
    use super::*;

    #[test]
    fn a_box_lies_about_a_place_in_its_cell() {
        let mut output = vec![0.0; 8400 * 7];
        // The second cell of the second row of stride 8, and the first of stride 32.
        output[81 * 7..][..7].copy_from_slice(&[0.5, 0.25, 2_f32.ln(), 4_f32.ln(), 0.8, 0.0, 1.0]);
        output[8000 * 7..][..7].copy_from_slice(&[0.0, 0.0, 0.0, 0.0, 0.5, 0.7, 0.9]);
        let asked = Asked { wanted: &[true; 2], min_score: 0.4 };
        let found = candidates(&output, &cells(640), asked);
        let boxes: Vec<_> =
            found.iter().map(|found| (found.class, found.score, found.sides.map(f32::round))).collect();
        assert_eq!(boxes, [(1, 0.8, [4.0, -6.0, 20.0, 26.0]), (1, 0.45, [-16.0, -16.0, 16.0, 16.0])]);
    }
}
