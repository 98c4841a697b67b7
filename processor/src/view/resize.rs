//! Resizing: one plane to another size, by OpenCV.

use opencv::core::{Mat, Size};
use opencv::imgproc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaneSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Smoothing {
    /// Averages all the pixels that fall together: for people and vision models.
    Area,
    /// Mixes the four nearest and passes over the rest: what the detector was trained with.
    Linear,
}

/// Resizes a plane that holds `from.width × from.height` bytes; OpenCV refuses any other length.
pub(crate) fn resize_plane(
    plane: &[u8],
    from: PlaneSize,
    to: PlaneSize,
    smoothing: Smoothing,
) -> opencv::Result<Vec<u8>> {
    let source = Mat::new_rows_cols_with_data(from.height as i32, from.width as i32, plane)?;
    let mut resized = vec![0_u8; to.width * to.height];
    let mut target = Mat::new_rows_cols_with_data_mut(to.height as i32, to.width as i32, &mut resized)?;
    let interpolation = match smoothing {
        Smoothing::Area => imgproc::INTER_AREA,
        Smoothing::Linear => imgproc::INTER_LINEAR,
    };
    let size = Size::new(to.width as i32, to.height as i32);
    imgproc::resize(&source, &mut target, size, 0.0, 0.0, interpolation)?;
    drop(target);
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_averages_all_the_pixels_that_fall_together() {
        let from = PlaneSize { width: 4, height: 2 };
        let to = PlaneSize { width: 2, height: 1 };
        let plane = [0, 100, 8, 8, 100, 200, 8, 8];
        assert_eq!(resize_plane(&plane, from, to, Smoothing::Area).unwrap(), [100, 8]);
    }

    #[test]
    fn a_plane_of_the_wrong_length_is_refused() {
        let size = PlaneSize { width: 4, height: 2 };
        assert!(resize_plane(&[0; 7], size, size, Smoothing::Linear).is_err());
    }
}
