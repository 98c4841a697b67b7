//! The input: a picture as the network wants it.

use config::Layout;

use super::DetectError;
use crate::Picture;
use crate::view::{PlaneSize, Smoothing, resize_plane};

/// How the models of a layout were trained to see.
struct Form {
    /// For each of the network's channels: which of blue, green and red it is.
    colours: [usize; 3],
    /// By the network's channels.
    mean: [f32; 3],
    deviation: [f32; 3],
    /// Of what the picture does not fill, before it is normalised.
    pad: f32,
    anchor: Anchor,
}

enum Anchor {
    TopLeft,
    Middle,
}

impl Form {
    fn of(layout: Layout) -> Self {
        const BLUE_GREEN_RED: [usize; 3] = [0, 1, 2];
        const RED_GREEN_BLUE: [usize; 3] = [2, 1, 0];
        match layout {
            Layout::NanoDet => Self {
                colours: BLUE_GREEN_RED,
                mean: [103.53, 116.28, 123.675],
                deviation: [57.375, 57.12, 58.395],
                pad: 0.0,
                anchor: Anchor::TopLeft,
            },
            Layout::Yolox => Self {
                colours: BLUE_GREEN_RED,
                mean: [0.0; 3],
                deviation: [1.0; 3],
                pad: 114.0,
                anchor: Anchor::TopLeft,
            },
            Layout::Yolov8 => Self {
                colours: RED_GREEN_BLUE,
                mean: [0.0; 3],
                deviation: [255.0; 3],
                pad: 114.0,
                anchor: Anchor::Middle,
            },
        }
    }

    fn normalised(&self, channel: usize, value: f32) -> f32 {
        (value - self.mean[channel]) / self.deviation[channel]
    }
}

#[derive(Debug)]
pub(crate) struct NetworkInput {
    /// Three planes of a square.
    pub(crate) tensor: Vec<f32>,
    /// Left and top of the picture in the square.
    pub(crate) at: [usize; 2],
    /// Width and height of the picture in the square.
    pub(crate) filled: [usize; 2],
}

/// Shrinks or enlarges a picture to the network's square, keeping its shape. Costs 1 ms at 416 pixels.
pub(crate) fn prepare(picture: &Picture, layout: Layout, side: usize) -> Result<NetworkInput, DetectError> {
    let form = Form::of(layout);
    let filled = fit(picture.width, picture.height, side);
    let at = match form.anchor {
        Anchor::TopLeft => [0; 2],
        Anchor::Middle => filled.map(|length| (side - length) / 2),
    };
    let to = PlaneSize { width: filled[0], height: filled[1] };
    let luma = PlaneSize { width: picture.width, height: picture.height };
    let chroma = PlaneSize { width: picture.chroma_width(), height: picture.chroma_height() };
    let planes = [
        resize_plane(&picture.y, luma, to, Smoothing::Linear)?,
        resize_plane(&picture.u, chroma, to, Smoothing::Linear)?,
        resize_plane(&picture.v, chroma, to, Smoothing::Linear)?,
    ];
    let mut input = NetworkInput { tensor: Vec::with_capacity(3 * side * side), at, filled };
    for channel in 0..3 {
        input.tensor.resize((channel + 1) * side * side, form.normalised(channel, form.pad));
    }
    fill(&mut input, &planes, (&form, side));
    Ok(input)
}

fn fit(width: usize, height: usize, side: usize) -> [usize; 2] {
    let longer = width.max(height).max(1);
    [width, height].map(|length| ((length * side + longer / 2) / longer).max(1))
}

/// Converts equally large Y, U and V planes. OpenCV's conversions of planes assume limited range, and would
/// shift every score.
fn fill(input: &mut NetworkInput, [y, u, v]: &[Vec<u8>; 3], (form, side): (&Form, usize)) {
    let ([left, top], width) = (input.at, input.filled[0]);
    let rows = y.chunks_exact(width).zip(u.chunks_exact(width)).zip(v.chunks_exact(width));
    for (row, ((y, u), v)) in rows.enumerate() {
        for (column, ((&y, &u), &v)) in y.iter().zip(u).zip(v).enumerate() {
            let colour = blue_green_red([y, u, v]);
            for channel in 0..3 {
                let place = (channel * side + top + row) * side + left + column;
                input.tensor[place] = form.normalised(channel, colour[form.colours[channel]]);
            }
        }
    }
}

/// BT.601, full range.
fn blue_green_red([y, u, v]: [u8; 3]) -> [f32; 3] {
    let (y, u, v) = (f32::from(y), f32::from(u) - 128.0, f32::from(v) - 128.0);
    [y + 1.772 * u, y - 0.344_136 * u - 0.714_136 * v, y + 1.402 * v].map(|part| part.clamp(0.0, 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 416;

    fn prepare(picture: &Picture) -> Result<NetworkInput, DetectError> {
        super::prepare(picture, Layout::NanoDet, SIDE)
    }

    fn colour_at(input: &NetworkInput, column: usize, row: usize) -> [i32; 3] {
        colour_as(Layout::NanoDet, input, [column, row])
    }

    fn colour_as(layout: Layout, input: &NetworkInput, [column, row]: [usize; 2]) -> [i32; 3] {
        let form = Form::of(layout);
        std::array::from_fn(|channel| {
            let value = input.tensor[(channel * SIDE + row) * SIDE + column];
            (value * form.deviation[channel] + form.mean[channel]).round() as i32
        })
    }

    #[test]
    fn each_layout_has_its_own_colours_and_place() {
        // Nearly red.
        let picture = Picture::filled(416, 208, [76, 85, 255]);
        let yolox = super::prepare(&picture, Layout::Yolox, SIDE).unwrap();
        assert_eq!((yolox.at, yolox.filled), ([0, 0], [416, 208]));
        assert_eq!(colour_as(Layout::Yolox, &yolox, [0, 0]), [0, 0, 254]);
        assert_eq!(colour_as(Layout::Yolox, &yolox, [0, 208]), [114; 3]);
        let yolov8 = super::prepare(&picture, Layout::Yolov8, SIDE).unwrap();
        assert_eq!((yolov8.at, yolov8.filled), ([0, 104], [416, 208]));
        assert_eq!(colour_as(Layout::Yolov8, &yolov8, [0, 103]), [114; 3]);
        assert_eq!(colour_as(Layout::Yolov8, &yolov8, [415, 104]), [254, 0, 0]);
        assert!(yolov8.tensor.iter().all(|value| (0.0..=1.0).contains(value)));
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
