//! The grid: a picture's grey levels, coarse enough that noise averages out and fine enough for a far person.

use crate::Picture;

/// Cells along the longer side, at most. Pixels per cell are a whole number: anything else costs ten times as much.
const MOST_CELLS: usize = 160;

/// Mean grey levels, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    pub(super) size: [usize; 2],
    pub(super) cells: Vec<f32>,
}

impl Grid {
    /// Averages squares of pixels; what is left at the right and lower edge is less than a cell and left out.
    pub(crate) fn of(picture: &Picture) -> Self {
        let (width, height) = (picture.width, picture.height);
        let side = width.max(height).div_ceil(MOST_CELLS).max(1);
        let size = [width / side, height / side];
        let mut sums = vec![0_u32; size[0] * size[1]];
        for (row, pixels) in picture.y.chunks_exact(width.max(1)).take(size[1] * side).enumerate() {
            let sums = &mut sums[row / side * size[0]..][..size[0]];
            for (sum, pixels) in sums.iter_mut().zip(pixels.chunks_exact(side)) {
                *sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
            }
        }
        let pixels = (side * side) as f32;
        Self { size, cells: sums.into_iter().map(|sum| sum as f32 / pixels).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_means_of_whole_squares() {
        let mut picture = Picture::filled(1920, 1080, [10, 128, 128]);
        picture.y[..12].fill(130);
        let grid = Grid::of(&picture);
        assert_eq!(grid.size, [160, 90]);
        assert_eq!((grid.cells[0], grid.cells[1], grid.cells[160]), (20.0, 10.0, 10.0));
    }

    #[test]
    fn pictures_of_any_shape_have_a_grid() {
        for (width, height, size) in [
            (768, 576, [153, 115]),
            (90, 160, [90, 160]),
            (1, 1, [1, 1]),
            (5000, 3, [156, 0]),
            (0, 0, [0, 0]),
        ] {
            assert_eq!(Grid::of(&Picture::filled(width, height, [9, 128, 128])).size, size);
        }
    }
}
