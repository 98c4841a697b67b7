//! Tests of the geometry and of the fixed-point mixing against OpenCV's own fisheye model and `remap`.

use config::{Framing, Lens, Mount, Placement, Projection, ViewMode};
use opencv::core::{BORDER_CONSTANT, CV_16SC2, CV_32FC1, Mat, Scalar, Size};
use opencv::prelude::*;
use opencv::{calib3d, imgproc};

use super::lens::LensModel;
use super::map::ViewMap;
use super::rays::Rays;
use super::scene;

const SIDE: usize = 900;
const FOCAL_PX: f64 = 300.0;
const SIZE: [u32; 2] = [640, 360];
const HFOV_DEG: f64 = 80.0;

/// The lens whose focal length is [`FOCAL_PX`], described by the edge of its circle 65° off the axis.
fn lens(k: [f64; 4], edge: f64) -> Lens {
    let square = edge * edge;
    let distance = edge * (1.0 + square * (k[0] + square * (k[1] + square * (k[2] + square * k[3]))));
    Lens {
        projection: if k == [0.0; 4] { Projection::Equidistant } else { Projection::KannalaBrandt { k } },
        fov_deg: 2.0 * edge.to_degrees(),
        placement: Some(Placement::Circle {
            center: [0.52, 0.47],
            radius: Some(FOCAL_PX * distance / SIDE as f64),
        }),
        mount: Mount::Wall,
    }
}

/// OpenCV counts from the middle of the first pixel, we from its corner.
fn camera_matrix(focal_px: f64, center: [f64; 2]) -> Mat {
    let rows = [[focal_px, 0.0, center[0] - 0.5], [0.0, focal_px, center[1] - 0.5], [0.0, 0.0, 1.0]];
    Mat::from_slice_2d(&rows).unwrap()
}

/// Makes OpenCV's maps for a view turned to the right by `yaw`.
fn opencv_maps(k: [f64; 4], yaw_deg: f64, kind: i32) -> [Mat; 2] {
    let center = [0.52, 0.47].map(|fraction| fraction * SIDE as f64);
    let view_center = SIZE.map(|length| f64::from(length) / 2.0);
    let view_focal_px = view_center[0] / (HFOV_DEG / 2.0).to_radians().tan();
    // OpenCV wants the turn from the camera to the view; ours is the way back.
    let (sin, cos) = yaw_deg.to_radians().sin_cos();
    let turn = Mat::from_slice_2d(&[[cos, 0.0, -sin], [0.0, 1.0, 0.0], [sin, 0.0, cos]]).unwrap();
    let mut maps = [Mat::default(), Mat::default()];
    let [first, second] = &mut maps;
    calib3d::fisheye_init_undistort_rectify_map(
        &camera_matrix(FOCAL_PX, center),
        &Mat::from_slice(&k).unwrap(),
        &turn,
        &camera_matrix(view_focal_px, view_center),
        Size::new(SIZE[0] as i32, SIZE[1] as i32),
        kind,
        first,
        second,
    )
    .unwrap();
    maps
}

fn view(yaw_deg: f64) -> Rays {
    let framing = Framing { yaw_deg, pitch_deg: 0.0, roll_deg: 0.0, hfov_deg: HFOV_DEG, size: SIZE };
    Rays::of(Mount::Wall, ViewMode::Perspective(framing)).unwrap()
}

const LENSES: [([f64; 4], f64); 3] =
    [([0.0; 4], 1.5), ([0.05, -0.01, 0.002, 0.0], 1.4), ([-0.03, 0.004, -0.0007, 0.0001], 1.5)];

#[test]
fn directions_fall_where_opencvs_fisheye_model_puts_them() {
    for (k, edge) in LENSES {
        for yaw_deg in [0.0, 25.0, -40.0] {
            let lens = lens(k, edge);
            let model = LensModel::new(&lens, SIDE, SIDE);
            let view = view(yaw_deg);
            let [map_x, map_y] = opencv_maps(k, yaw_deg, CV_32FC1);
            let mut compared = 0;
            for row in 0..SIZE[1] as i32 {
                for column in 0..SIZE[0] as i32 {
                    let seen = [f64::from(column) + 0.5, f64::from(row) + 0.5];
                    let Some([x, y]) = view.ray(seen).and_then(|ray| model.project(ray)) else { continue };
                    let theirs =
                        [&map_x, &map_y].map(|map| f64::from(*map.at_2d::<f32>(row, column).unwrap()) + 0.5);
                    let apart = (x - theirs[0]).hypot(y - theirs[1]);
                    assert!(apart < 2e-4, "k {k:?}, yaw {yaw_deg}, {seen:?}: {apart} px apart");
                    compared += 1;
                }
            }
            assert!(compared > 200_000, "only {compared} pixels were inside the lens");
        }
    }
}

#[test]
fn a_calibration_of_opencvs_is_taken_as_it_is() {
    let (k, edge) = LENSES[1];
    let center = [0.52, 0.47];
    let placement = Some(Placement::Calibrated { focal: [FOCAL_PX / SIDE as f64; 2], center });
    let calibrated = Lens { placement, fov_deg: 160.0, ..lens(k, edge) };
    let [of_circle, of_calibration] =
        [lens(k, edge), calibrated].map(|lens| LensModel::new(&lens, SIDE, SIDE));
    for ray in [[0.0, 0.0, 1.0], [0.3, -0.2, 0.9], [-0.9, 0.1, 0.4]] {
        let [one, other] = [&of_circle, &of_calibration].map(|model| model.project(ray).unwrap());
        assert!((one[0] - other[0]).hypot(one[1] - other[1]) < 1e-9, "{ray:?}: {one:?}, {other:?}");
    }
}

#[test]
fn mixed_pixels_are_those_of_opencvs_fixed_point_remap() {
    for (k, edge) in LENSES {
        let lens = lens(k, edge);
        let model = LensModel::new(&lens, SIDE, SIDE);
        let picture = scene::through_lens(&model, SIDE, SIDE);
        let ours = ViewMap::new(&model, &view(10.0), [SIDE, SIDE]).cut(&picture);
        let [places, fractions] = opencv_maps(k, 10.0, CV_16SC2);
        let source = Mat::new_rows_cols_with_data(SIDE as i32, SIDE as i32, &picture.y).unwrap();
        let mut theirs = Mat::default();
        let black = Scalar::default();
        imgproc::remap(
            &source,
            &mut theirs,
            &places,
            &fractions,
            imgproc::INTER_LINEAR,
            BORDER_CONSTANT,
            black,
        )
        .unwrap();
        let apart =
            ours.y.iter().zip(theirs.data_bytes().unwrap()).map(|(ours, theirs)| ours.abs_diff(*theirs));
        let greatest = apart.max();
        assert!(greatest <= Some(3), "k {k:?}: luma differs by {greatest:?}");
    }
}
