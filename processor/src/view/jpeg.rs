//! JPEG: a picture as it is sent and kept, made from its planes without a detour over RGB.

use std::borrow::Cow;

use turbojpeg::{Compressor, Subsamp, YuvPlanesImage};

use super::{PlaneSize, Smoothing, ViewError, resize_plane};
use crate::Picture;

/// Writes a picture as JPEG with 4:2:0 chroma; `quality` is 1 to 100.
pub fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, ViewError> {
    if picture.width == 0 || picture.height == 0 {
        return Err(ViewError::NoPixels);
    }
    let mut compressor = Compressor::new()?;
    compressor.set_quality(i32::from(quality))?;
    let chroma_stride = picture.chroma_width();
    let luma = even_luma(picture);
    let planes = YuvPlanesImage {
        y_plane: &*luma,
        u_plane: picture.u.as_slice(),
        v_plane: picture.v.as_slice(),
        width: picture.width,
        height: picture.height,
        y_stride: 2 * chroma_stride,
        u_stride: chroma_stride,
        v_stride: chroma_stride,
        subsamp: Subsamp::Sub2x2,
    };
    Ok(compressor.compress_yuv_planes_to_vec(&planes)?)
}

/// Repeats the last column and row where their number is odd: libjpeg-turbo reads luma in pairs.
fn even_luma(picture: &Picture) -> Cow<'_, [u8]> {
    let (width, height) = (picture.width, picture.height);
    if width.is_multiple_of(2) && height.is_multiple_of(2) {
        return Cow::Borrowed(&picture.y);
    }
    let (even_width, even_height) = (2 * picture.chroma_width(), 2 * picture.chroma_height());
    let row = |row: usize| {
        let pixels = &picture.y[row.min(height - 1) * width..][..width];
        pixels.iter().chain(pixels.last()).take(even_width).copied()
    };
    (0..even_height).flat_map(row).collect()
}

/// Shrinks a picture until its longer side has `max_px` pixels, keeping its shape; a smaller one is handed
/// back as it is.
pub fn shrink_to(picture: &Picture, max_px: u32) -> Result<Cow<'_, Picture>, ViewError> {
    let longer = picture.width.max(picture.height);
    let max_px = max_px.max(1) as usize;
    if longer <= max_px {
        return Ok(Cow::Borrowed(picture));
    }
    let shrunk = |length: usize| ((length * max_px + longer / 2) / longer).max(1);
    let (width, height) = (shrunk(picture.width), shrunk(picture.height));
    let luma = |plane: &[u8]| {
        let from = PlaneSize { width: picture.width, height: picture.height };
        resize_plane(plane, from, PlaneSize { width, height }, Smoothing::Area)
    };
    let chroma = |plane: &[u8]| {
        let from = PlaneSize { width: picture.chroma_width(), height: picture.chroma_height() };
        let to = PlaneSize { width: width.div_ceil(2), height: height.div_ceil(2) };
        resize_plane(plane, from, to, Smoothing::Area)
    };
    let (y, u, v) = (luma(&picture.y)?, chroma(&picture.u)?, chroma(&picture.v)?);
    Ok(Cow::Owned(Picture { width, height, y, u, v }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::scene;

    #[test]
    fn a_jpeg_shows_the_picture_it_was_made_from() {
        let picture = scene::picture(320, 200);
        let jpeg = encode(&picture, 90).unwrap();
        let read = turbojpeg::decompress_to_yuv(&jpeg).unwrap();
        assert_eq!((read.width, read.height), (320, 200));
        let planes = read.as_deref();
        let luma: Vec<u8> = (0..200).flat_map(|row| planes.pixels[row * 320..][..320].to_vec()).collect();
        assert!(scene::psnr(&picture.y, &luma) > 38.0);
    }

    #[test]
    fn odd_sizes_are_written() {
        for (width, height) in [(1, 1), (5, 3), (31, 17)] {
            let jpeg = encode(&Picture::filled(width, height, [90, 128, 128]), 80).unwrap();
            let header = turbojpeg::read_header(&jpeg).unwrap();
            assert_eq!((header.width, header.height), (width, height));
        }
    }

    #[test]
    fn a_picture_without_pixels_is_an_error() {
        assert!(matches!(encode(&Picture::filled(0, 0, [0, 128, 128]), 80), Err(ViewError::NoPixels)));
    }

    #[test]
    fn shrinking_keeps_the_shape_and_the_colours() {
        let picture = Picture::filled(1920, 1080, [60, 90, 170]);
        let small = shrink_to(&picture, 512).unwrap();
        assert_eq!(*small, Picture::filled(512, 288, [60, 90, 170]));
    }

    #[test]
    fn a_picture_that_is_small_enough_is_not_copied() {
        let picture = Picture::filled(512, 288, [60, 90, 170]);
        assert!(matches!(shrink_to(&picture, 512).unwrap(), Cow::Borrowed(_)));
    }
}
