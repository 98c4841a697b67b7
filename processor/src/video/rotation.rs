//! Quarter turns a container asks players for, and how a picture is turned.

use crate::Picture;

/// Says how far a picture is turned clockwise before it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Rotation {
    /// Reads FFmpeg's display matrix: nine numbers of 32 bits, row by row. Turns that are no quarter
    /// turns and mirroring are left undone, as no camera asks for them.
    pub(super) fn from_display_matrix(bytes: &[u8]) -> Self {
        let numbers: Vec<i32> = bytes
            .chunks_exact(4)
            .map(|chunk| i32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]))
            .collect();
        match numbers.as_slice() {
            [a, 0, _, 0, d, ..] if *a < 0 && *d < 0 => Self::Half,
            [0, b, _, c, 0, ..] if *b > 0 && *c < 0 => Self::Quarter,
            [0, b, _, c, 0, ..] if *b < 0 && *c > 0 => Self::ThreeQuarters,
            _ => Self::None,
        }
    }

    /// Turns all planes.
    pub(super) fn apply(self, picture: Picture) -> Picture {
        if self == Self::None {
            return picture;
        }
        let luma = [picture.width, picture.height];
        let chroma = [picture.chroma_width(), picture.chroma_height()];
        let [width, height] = match self {
            Self::None | Self::Half => luma,
            Self::Quarter | Self::ThreeQuarters => [picture.height, picture.width],
        };
        Picture {
            width,
            height,
            y: self.turn(&picture.y, luma),
            u: self.turn(&picture.u, chroma),
            v: self.turn(&picture.v, chroma),
        }
    }

    fn turn(self, plane: &[u8], [width, height]: [usize; 2]) -> Vec<u8> {
        match self {
            Self::None => plane.to_vec(),
            Self::Half => plane.iter().rev().copied().collect(),
            Self::Quarter => {
                (0..width).flat_map(|x| (0..height).rev().map(move |y| plane[y * width + x])).collect()
            }
            Self::ThreeQuarters => {
                (0..width).rev().flat_map(|x| (0..height).map(move |y| plane[y * width + x])).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three: 1 2 3 / 4 5 6.
    const PLANE: [u8; 6] = [1, 2, 3, 4, 5, 6];

    #[test]
    fn turns_clockwise() {
        let size = [3, 2];
        assert_eq!(Rotation::Quarter.turn(&PLANE, size), [4, 1, 5, 2, 6, 3]);
        assert_eq!(Rotation::Half.turn(&PLANE, size), [6, 5, 4, 3, 2, 1]);
        assert_eq!(Rotation::ThreeQuarters.turn(&PLANE, size), [3, 6, 2, 5, 1, 4]);
    }

    #[test]
    fn a_quarter_turn_swaps_width_and_height() {
        let turned = Rotation::Quarter.apply(Picture::filled(6, 4, [1, 2, 3]));
        assert_eq!((turned.width, turned.height), (4, 6));
        assert_eq!((turned.chroma_width(), turned.u.len()), (2, 6));
    }

    #[test]
    fn reads_display_matrices() {
        let matrix =
            |numbers: [i32; 9]| numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<u8>>();
        let one = 1 << 16;
        let cases = [
            ([one, 0, 0, 0, one, 0, 0, 0, 1 << 30], Rotation::None),
            ([0, one, 0, -one, 0, 0, 0, 0, 1 << 30], Rotation::Quarter),
            ([-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30], Rotation::Half),
            ([0, -one, 0, one, 0, 0, 0, 0, 1 << 30], Rotation::ThreeQuarters),
            ([-one, 0, 0, 0, one, 0, 0, 0, 1 << 30], Rotation::None),
        ];
        for (numbers, rotation) in cases {
            assert_eq!(Rotation::from_display_matrix(&matrix(numbers)), rotation, "{numbers:?}");
        }
        assert_eq!(Rotation::from_display_matrix(&[1, 2]), Rotation::None);
    }
}
