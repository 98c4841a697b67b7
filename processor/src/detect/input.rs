//! The input: a picture as the network wants it.

use super::DetectError;
use super::model::SIDE;
use crate::Picture;
use crate::view::{PlaneSize, Smoothing, resize_plane};

/// Of blue, green and red, in that order, as the model was trained.
const MEAN: [f32; 3] = [103.53, 116.28, 123.675];
const DEVIATION: [f32; 3] = [57.375, 57.12, 58.395];

#[derive(Debug)]
pub(crate) struct NetworkInput {
    /// 3 × [`SIDE`] × [`SIDE`]: the blue plane, the green, the red.
    pub(crate) tensor: Vec<f32>,
    /// Width and height of the picture in the upper left of the square; the rest is black.
    pub(crate) filled: [usize; 2],
}

/// Shrinks or enlarges a picture to the network's square, keeping its shape. Costs 1 ms.
pub(crate) fn prepare(picture: &Picture) -> Result<NetworkInput, DetectError> {
    let filled = fit(picture.width, picture.height);
    let to = PlaneSize { width: filled[0], height: filled[1] };
    let luma = PlaneSize { width: picture.width, height: picture.height };
    let chroma = PlaneSize { width: picture.chroma_width(), height: picture.chroma_height() };
    let planes = [
        resize_plane(&picture.y, luma, to, Smoothing::Linear)?,
        resize_plane(&picture.u, chroma, to, Smoothing::Linear)?,
        resize_plane(&picture.v, chroma, to, Smoothing::Linear)?,
    ];
    Ok(NetworkInput { tensor: tensor(&planes, filled[0]), filled })
}

fn fit(width: usize, height: usize) -> [usize; 2] {
    let longer = width.max(height).max(1);
    [width, height].map(|length| ((length * SIDE + longer / 2) / longer).max(1))
}

/// Converts equally large Y, U and V planes. OpenCV's conversions of planes assume limited range, and would
/// shift every score.
fn tensor([y, u, v]: &[Vec<u8>; 3], width: usize) -> Vec<f32> {
    let mut tensor = Vec::with_capacity(3 * SIDE * SIDE);
    for (mean, deviation) in MEAN.into_iter().zip(DEVIATION) {
        tensor.resize(tensor.len() + SIDE * SIDE, (0.0 - mean) / deviation);
    }
    let rows = y.chunks_exact(width).zip(u.chunks_exact(width)).zip(v.chunks_exact(width));
    for (row, ((y, u), v)) in rows.enumerate() {
        for (column, ((&y, &u), &v)) in y.iter().zip(u).zip(v).enumerate() {
            let colour = blue_green_red([y, u, v]);
            for channel in 0..3 {
                let place = (channel * SIDE + row) * SIDE + column;
                tensor[place] = (colour[channel] - MEAN[channel]) / DEVIATION[channel];
            }
        }
    }
    tensor
}

/// BT.601, full range.
fn blue_green_red([y, u, v]: [u8; 3]) -> [f32; 3] {
    let (y, u, v) = (f32::from(y), f32::from(u) - 128.0, f32::from(v) - 128.0);
    [y + 1.772 * u, y - 0.344_136 * u - 0.714_136 * v, y + 1.402 * v].map(|part| part.clamp(0.0, 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour_at(input: &NetworkInput, column: usize, row: usize) -> [i32; 3] {
        std::array::from_fn(|channel| {
            let value = input.tensor[(channel * SIDE + row) * SIDE + column];
            (value * DEVIATION[channel] + MEAN[channel]).round() as i32
        })
    }

    #[test]
    fn a_wide_picture_fills_the_top_and_the_rest_is_black() {
        let input = prepare(&Picture::filled(1280, 720, [255, 128, 128])).unwrap();
        assert_eq!(input.filled, [416, 234]);
        assert_eq!(input.tensor.len(), 3 * SIDE * SIDE);
        assert_eq!(colour_at(&input, 415, 233), [255, 255, 255]);
        assert_eq!(colour_at(&input, 0, 234), [0, 0, 0]);
    }

    #[test]
    fn a_tall_picture_fills_the_left() {
        let input = prepare(&Picture::filled(100, 300, [255, 128, 128])).unwrap();
        assert_eq!(input.filled, [139, 416]);
        assert_eq!(colour_at(&input, 138, 415), [255, 255, 255]);
        assert_eq!(colour_at(&input, 139, 0), [0, 0, 0]);
    }

    #[test]
    fn channels_come_as_blue_green_red_from_full_range() {
        let cases = [
            ([76, 85, 255], [0, 0, 254]),
            ([150, 44, 21], [1, 255, 0]),
            ([29, 255, 107], [254, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
            ([0, 128, 128], [0, 0, 0]),
        ];
        for (colour, expected) in cases {
            let input = prepare(&Picture::filled(64, 64, colour)).unwrap();
            assert_eq!(colour_at(&input, 200, 200), expected, "{colour:?}");
        }
    }

    #[test]
    fn the_smallest_picture_is_taken() {
        assert_eq!(prepare(&Picture::filled(1, 1, [9, 128, 128])).unwrap().filled, [416, 416]);
    }

    #[test]
    fn an_empty_picture_is_an_error() {
        assert!(prepare(&Picture::filled(0, 0, [0, 128, 128])).is_err());
    }
}
