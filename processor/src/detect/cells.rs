//! Cells: the squares of the three grids that a network lays over its input, each of which may tell of one thing.

/// Finest grid first, each row by row: the order of all outputs.
const STRIDES: [usize; 3] = [8, 16, 32];

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Upper left corner, in cells of its grid.
    pub(crate) place: [f32; 2],
    /// Side of the cell, in pixels of the input.
    pub(crate) stride: f32,
}

/// Returns all cells of an input of so many pixels a side.
pub(crate) fn cells(input_px: usize) -> Vec<Cell> {
    let grid = |stride: usize| {
        let side = input_px / stride;
        (0..side * side).map(move |index| {
            let place = [index % side, index / side].map(|place| place as f32);
            Cell { place, stride: stride as f32 }
        })
    };
    STRIDES.into_iter().flat_map(grid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_networks_give_rows() {
        for (input_px, count) in [(320, 2100), (416, 3549), (640, 8400)] {
            assert_eq!(cells(input_px).len(), count);
        }
    }
}
