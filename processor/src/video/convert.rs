//! From whatever the decoder gives to full-range BT.601 planes of 4:2:0, as JPEG wants them.

use ffmpeg::color::{Range, Space};
use ffmpeg::format::Pixel;
use ffmpeg::frame;
use ffmpeg::software::scaling;
use ffmpeg_the_third as ffmpeg;

use super::error::VideoError;
use super::ffi;
use super::matrix;
use crate::Picture;

/// Converts one decoded frame.
///
/// 4:2:0 of 8 bits is copied, through a range table where it is of limited range; all other formats go
/// through swscale first. BT.709 is turned into BT.601; frames that do not name their matrix are taken
/// as BT.601, as OpenCV and FFmpeg do.
pub(super) fn to_picture(decoded: &frame::Video) -> Result<Picture, VideoError> {
    let mut picture = match decoded.format() {
        // swscale aborts the program when it is asked about these.
        Pixel::None => return Err(unconvertible(decoded)),
        Pixel::YUVJ420P => planes(decoded, Range::JPEG)?,
        Pixel::YUV420P => planes(decoded, decoded.color_range())?,
        format => {
            let (target, range) = target(format, decoded.color_range());
            planes(&scaled(decoded, target)?, range)?
        }
    };
    if decoded.color_space() == Space::BT709 {
        matrix::to_bt601(&mut picture);
    }
    Ok(picture)
}

pub(super) fn unconvertible(decoded: &frame::Video) -> VideoError {
    VideoError::Unconvertible {
        width: decoded.width(),
        height: decoded.height(),
        format: format!("{:?}", decoded.format()),
    }
}

/// Picks swscale's output so that it never clips: a plain format that is flagged as full range keeps its
/// numbers in plain 4:2:0, everything else is stretched by swscale itself.
fn target(format: Pixel, range: Range) -> (Pixel, Range) {
    let says_full = matches!(
        format,
        Pixel::YUVJ411P | Pixel::YUVJ422P | Pixel::YUVJ440P | Pixel::YUVJ444P | Pixel::GRAY8 | Pixel::RGB24
    );
    if range == Range::JPEG && !says_full {
        (Pixel::YUV420P, Range::JPEG)
    } else {
        (Pixel::YUVJ420P, Range::JPEG)
    }
}

fn scaled(decoded: &frame::Video, target: Pixel) -> Result<frame::Video, VideoError> {
    let failed = |_| unconvertible(decoded);
    let (width, height) = (decoded.width(), decoded.height());
    let flags = scaling::Flags::BILINEAR | scaling::Flags::ACCURATE_RND;
    let mut context = scaling::Context::get(decoded.format(), width, height, target, width, height, flags)
        .map_err(failed)?;
    let mut output = frame::Video::empty();
    context.run(decoded, &mut output).map_err(failed)?;
    Ok(output)
}

/// Copies the planes of 8-bit 4:2:0 out of their padding.
fn planes(frame: &frame::Video, range: Range) -> Result<Picture, VideoError> {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let chroma = [width.div_ceil(2), height.div_ceil(2)];
    let (luma_table, chroma_table) = match range {
        Range::JPEG => (None, None),
        _ => (Some(&LIMITED_LUMA), Some(&LIMITED_CHROMA)),
    };
    let picture = Picture {
        width,
        height,
        y: plane(frame, 0, [width, height], luma_table),
        u: plane(frame, 1, chroma, chroma_table),
        v: plane(frame, 2, chroma, chroma_table),
    };
    let is_whole = picture.y.len() == width * height
        && picture.u.len() == chroma[0] * chroma[1]
        && picture.v.len() == picture.u.len();
    if is_whole { Ok(picture) } else { Err(unconvertible(frame)) }
}

fn plane(frame: &frame::Video, index: usize, size: [usize; 2], table: Option<&[u8; 256]>) -> Vec<u8> {
    let mut plane = Vec::with_capacity(size[0] * size[1]);
    for row in ffi::rows(frame, index, size) {
        match table {
            Some(table) => plane.extend(row.iter().map(|&sample| table[usize::from(sample)])),
            None => plane.extend_from_slice(row),
        }
    }
    plane
}

const LIMITED_LUMA: [u8; 256] = stretch(16, 219, 0);
const LIMITED_CHROMA: [u8; 256] = stretch(128, 224, 128);

/// Tabulates `(sample - zero) × 255 / span + centre`, rounded and clipped.
const fn stretch(zero: i32, span: i32, centre: i32) -> [u8; 256] {
    let mut table = [0; 256];
    let mut sample = 0;
    while sample < 256 {
        let doubled = (sample - zero) * 255 * 2;
        let rounded = (doubled + span).div_euclid(2 * span) + centre;
        let clipped = if rounded < 0 {
            0
        } else if rounded > 255 {
            255
        } else {
            rounded
        };
        table[sample as usize] = clipped as u8;
        sample += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(format: Pixel, [y, u, v]: [u8; 3]) -> frame::Video {
        let mut frame = frame::Video::new(format, 6, 4);
        for (plane, value) in [y, u, v].into_iter().enumerate() {
            frame.data_mut(plane).fill(value);
        }
        frame
    }

    #[test]
    fn stretches_limited_range_to_the_full_one() {
        let picture = to_picture(&gray(Pixel::YUV420P, [16, 16, 240])).expect("planes");
        assert_eq!(picture, Picture::filled(6, 4, [0, 1, 255]));
        let picture = to_picture(&gray(Pixel::YUV420P, [235, 128, 128])).expect("planes");
        assert_eq!(picture, Picture::filled(6, 4, [255, 128, 128]));
    }

    #[test]
    fn copies_full_range_as_it_is() {
        let picture = to_picture(&gray(Pixel::YUVJ420P, [16, 17, 240])).expect("planes");
        assert_eq!(picture, Picture::filled(6, 4, [16, 17, 240]));
        let mut flagged = gray(Pixel::YUV420P, [16, 17, 240]);
        flagged.set_color_range(Range::JPEG);
        assert_eq!(to_picture(&flagged).expect("planes"), Picture::filled(6, 4, [16, 17, 240]));
    }

    #[test]
    fn brings_other_formats_to_the_same_picture() {
        for (format, sample) in [(Pixel::YUV422P, [126, 100, 150]), (Pixel::YUV444P, [126, 100, 150])] {
            let picture = to_picture(&gray(format, sample)).expect("planes");
            let expected = to_picture(&gray(Pixel::YUV420P, sample)).expect("planes");
            assert!(picture.y[0].abs_diff(expected.y[0]) <= 1, "{format:?}");
            assert!(picture.u[0].abs_diff(expected.u[0]) <= 1, "{format:?}");
            assert!(picture.v[0].abs_diff(expected.v[0]) <= 1, "{format:?}");
        }
    }

    #[test]
    fn keeps_full_range_when_the_format_changes() {
        let mut frame = gray(Pixel::YUV422P, [3, 128, 250]);
        frame.set_color_range(Range::JPEG);
        let picture = to_picture(&frame).expect("planes");
        assert_eq!((picture.y[0], picture.v[0]), (3, 250));
    }

    #[test]
    fn turns_bt709_into_bt601() {
        // Full-range pure green is (182, 30, 12) by BT.709 and (150, 44, 21) by BT.601.
        let mut frame = gray(Pixel::YUVJ420P, [182, 30, 12]);
        frame.set_color_space(Space::BT709);
        let picture = to_picture(&frame).expect("planes");
        for (sample, expected) in [(picture.y[0], 150_u8), (picture.u[0], 44), (picture.v[0], 21)] {
            assert!(sample.abs_diff(expected) <= 1, "{sample} is not {expected}");
        }
    }

    #[test]
    fn refuses_frames_without_pixels() {
        assert!(matches!(to_picture(&frame::Video::empty()), Err(VideoError::Unconvertible { .. })));
    }
}
