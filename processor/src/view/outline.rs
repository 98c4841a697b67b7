//! The outline: what the lens and the views cover, drawn on the recorded picture, so that people can see it.

use opencv::boxed_ref::BoxedRefMut;
use opencv::core::{Mat, Point, Scalar, Vector};
use opencv::imgproc;

use super::ViewError;
use super::lens::LensModel;
use super::rays::Rays;
use super::views::Views;
use crate::Picture;

/// Of the circle and its centre.
const WHITE: [f64; 3] = [255.0, 255.0, 255.0];
/// Of the views, one after another: easy to tell apart, also on grey.
const COLOURS: [[f64; 3]; 6] = [
    [255.0, 220.0, 0.0],
    [0.0, 220.0, 255.0],
    [255.0, 90.0, 200.0],
    [90.0, 255.0, 90.0],
    [255.0, 130.0, 40.0],
    [150.0, 150.0, 255.0],
];
/// Points along a side of a view; straight between them.
const STEPS: u32 = 96;

/// Draws the lens's circle with its centre, and the outline of each view with its name, upper sides thick. A
/// picture of a camera without a lens comes back as it is.
pub fn outlined(picture: &Picture, views: &Views) -> Result<Picture, ViewError> {
    let Some(lens) = views.lens() else { return Ok(picture.clone()) };
    if picture.width == 0 || picture.height == 0 {
        return Err(ViewError::NoPixels);
    }
    let model = LensModel::new(lens, picture.width, picture.height);
    let mut sheet = Sheet::new(picture.clone());
    let (center, radius) = model.circle();
    // A stroke inside, since the circle often touches the picture's edge.
    sheet.line(&around(center, radius.map(|radius| radius - sheet.stroke_px)), WHITE, 1)?;
    let arm = radius[0] / 30.0;
    for [x, y] in [[arm, 0.0], [0.0, arm]] {
        sheet.line(&[[center[0] - x, center[1] - y], [center[0] + x, center[1] + y]], WHITE, 1)?;
    }
    let visible = views.rays().filter_map(|(name, rays)| Some((name, rays?)));
    for ((name, rays), colour) in visible.zip(COLOURS.into_iter().cycle()) {
        draw(&mut sheet, &model, (name, rays, colour))?;
    }
    Ok(sheet.picture)
}

fn draw(
    sheet: &mut Sheet,
    model: &LensModel,
    (name, rays, colour): (&str, &Rays, [f64; 3]),
) -> Result<(), ViewError> {
    let place = |seen| model.project(rays.ray(seen)?);
    for [left, top, width, height] in rays.frames() {
        // A hair inside: what lies on the border between two quarters would belong to the next one.
        let inset = 0.01;
        let (right, bottom) = (left + width - inset, top + height - inset);
        let (left, top) = (left + inset, top + inset);
        let corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
        for (index, side) in corners.windows(2).enumerate() {
            let thickness = if index == 0 { 3 } else { 1 };
            for piece in seen_pieces(side[0], side[1], place) {
                sheet.line(&piece, colour, thickness)?;
            }
        }
    }
    let [left, top, width, height] = rays.frames()[0];
    match place([left + width / 2.0, top + height / 2.0]) {
        Some(middle) => sheet.text(name, middle, colour),
        None => Ok(()),
    }
}

/// Follows a side of a view and breaks it where the lens does not reach.
fn seen_pieces(
    from: [f64; 2],
    to: [f64; 2],
    place: impl Fn([f64; 2]) -> Option<[f64; 2]>,
) -> Vec<Vec<[f64; 2]>> {
    let mut pieces = vec![Vec::new()];
    for step in 0..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        match place([0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * part)) {
            Some(seen) => pieces.last_mut().expect("there always is one").push(seen),
            None => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

fn around(center: [f64; 2], radius: [f64; 2]) -> Vec<[f64; 2]> {
    let at = |step: u32| {
        let (sin, cos) = (f64::from(step) * std::f64::consts::TAU / f64::from(4 * STEPS)).sin_cos();
        [center[0] + radius[0] * cos, center[1] + radius[1] * sin]
    };
    (0..=4 * STEPS).map(at).collect()
}

/// A picture that is drawn upon, plane by plane.
struct Sheet {
    picture: Picture,
    /// Of the thinnest line.
    stroke_px: f64,
}

impl Sheet {
    fn new(picture: Picture) -> Self {
        let stroke_px = (picture.width.max(picture.height) as f64 / 480.0).max(2.0);
        Self { picture, stroke_px }
    }

    fn line(&mut self, points: &[[f64; 2]], colour: [f64; 3], strokes: i32) -> Result<(), ViewError> {
        let stroke_px = self.stroke_px;
        self.on_each_plane(colour, |plane, value, scale| {
            let points: Vector<Point> = points
                .iter()
                .map(|place| place.map(|at| (at * scale - 0.5).round() as i32))
                .map(|[x, y]| Point::new(x, y))
                .collect();
            let thickness = ((stroke_px * scale).round() as i32).max(1) * strokes;
            imgproc::polylines(plane, &points, false, value, thickness, imgproc::LINE_8, 0)
        })
    }

    fn text(&mut self, text: &str, [x, y]: [f64; 2], colour: [f64; 3]) -> Result<(), ViewError> {
        let stroke_px = self.stroke_px;
        self.on_each_plane(colour, |plane, value, scale| {
            let size = 0.35 * stroke_px * scale;
            // OpenCV's letters are about 20 pixels wide at size 1
            let left = x * scale - 10.0 * size * text.len() as f64;
            let origin = Point::new(left.round() as i32, (y * scale).round() as i32);
            let thickness = ((stroke_px * scale).round() as i32).max(1);
            imgproc::put_text(
                plane,
                text,
                origin,
                imgproc::FONT_HERSHEY_SIMPLEX,
                size,
                value,
                thickness,
                imgproc::LINE_8,
                false,
            )
        })
    }

    fn on_each_plane(
        &mut self,
        [red, green, blue]: [f64; 3],
        draw: impl Fn(&mut BoxedRefMut<'_, Mat>, Scalar, f64) -> opencv::Result<()>,
    ) -> Result<(), ViewError> {
        // BT.601, full range, as JPEG.
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        let chroma = [128.0 + (blue - luma) * 0.564, 128.0 + (red - luma) * 0.713];
        let size = [self.picture.width, self.picture.height];
        let half = [self.picture.chroma_width(), self.picture.chroma_height()];
        let planes = [
            (&mut self.picture.y, size, luma, 1.0),
            (&mut self.picture.u, half, chroma[0], 0.5),
            (&mut self.picture.v, half, chroma[1], 0.5),
        ];
        for (bytes, [width, height], value, scale) in planes {
            let mut plane = Mat::new_rows_cols_with_data_mut(height as i32, width as i32, bytes)?;
            draw(&mut plane, Scalar::all(value), scale)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use config::{Framing, Lens, Mount, Projection, View, ViewMode};

    use super::*;

    fn drawn(modes: &[ViewMode]) -> Picture {
        let lens = Lens {
            projection: Projection::Equidistant,
            fov_deg: 180.0,
            placement: None,
            mount: Mount::Ceiling,
        };
        let view = |(index, mode): (usize, &ViewMode)| View { name: format!("v{index}"), mode: *mode };
        let views: Vec<_> = modes.iter().enumerate().map(view).collect();
        let views = Views::new(Some(&lens), &views).unwrap();
        outlined(&Picture::filled(400, 400, [0, 128, 128]), &views).unwrap()
    }

    fn framing(pitch_deg: f64) -> Framing {
        Framing { yaw_deg: 90.0, pitch_deg, roll_deg: 0.0, hfov_deg: 60.0, size: [64, 48] }
    }

    #[test]
    fn the_circle_and_its_centre_are_marked() {
        let picture = drawn(&[ViewMode::Original]);
        let is_white = |x: usize, y: usize| picture.y[y * 400 + x] == 255;
        assert!(is_white(200, 200));
        for edge in [0..4, 396..400] {
            assert!(
                edge.clone().any(|x| is_white(x, 200)) && edge.clone().any(|y| is_white(200, y)),
                "{edge:?}"
            );
        }
        assert_eq!(picture.y[100 * 400 + 200], 0);
    }

    #[test]
    fn a_view_is_marked_where_it_looks_in_its_colour() {
        let plain = drawn(&[ViewMode::Original]);
        let marked = drawn(&[ViewMode::Perspective(framing(45.0))]);
        let changed: Vec<_> = (0..marked.y.len())
            .filter(|&index| plain.y[index] != marked.y[index])
            .map(|index| index % 400)
            .collect();
        // Azimuth 90 is right of the centre.
        assert!(changed.len() > 300 && changed.iter().all(|&x| x > 200), "{}", changed.len());
        assert!(plain.u.iter().all(|&chroma| chroma == 128) && marked.u.iter().any(|&chroma| chroma < 60));
    }

    #[test]
    fn a_view_that_sees_nothing_is_not_marked() {
        assert_eq!(drawn(&[ViewMode::Perspective(framing(170.0))]), drawn(&[ViewMode::Original]));
    }

    #[test]
    fn all_modes_are_marked_on_any_shape_of_picture() {
        let framing = Framing { hfov_deg: 360.0, size: [256, 48], ..framing(55.0) };
        let quad = Framing { hfov_deg: 90.0, ..framing };
        let many = drawn(&[ViewMode::Panorama(framing), ViewMode::Quad(quad)]);
        assert!(many.y.iter().filter(|&&luma| luma > 100).count() > 2000);
    }
}
