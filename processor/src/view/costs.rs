//! What the steps cost, measured: run alone on an idle machine with
//! `cargo test --release -p nightreel-processor costs -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use config::{Detect, DetectModel, Framing, Lens, Mount, Projection, ViewMode};
use opencv::core::{BORDER_CONSTANT, CV_16SC2, CV_32FC1, Mat, Scalar};
use opencv::imgproc;
use opencv::prelude::*;

use super::lens::LensModel;
use super::map::ViewMap;
use super::rays::Rays;
use super::{encode, find_circle, scene, shrink_to};
use crate::Picture;
use crate::detect::{Detector, Model, Wanted};

const SIDE: usize = 2560;
const SIZE: [u32; 2] = [1280, 720];

fn ceiling_lens() -> Lens {
    let projection = Projection::Equidistant;
    Lens { projection, fov_deg: 180.0, placement: None, mount: Mount::Ceiling }
}

fn framing() -> Framing {
    Framing { yaw_deg: 120.0, pitch_deg: 50.0, roll_deg: 0.0, hfov_deg: 90.0, size: SIZE }
}

fn rays(mode: ViewMode) -> Rays {
    Rays::of(Mount::Ceiling, mode).unwrap()
}

/// Best of some runs: what else the machine does can only add to it.
fn cost<T>(what: &str, mut step: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        black_box(step());
        start.elapsed()
    };
    let best = (0..15).map(once).min().unwrap_or_default();
    println!("{what}: {:.2} ms", best.as_secs_f64() * 1e3);
    best
}

/// What OpenCV would do: its fixed-point remap of the three planes, with the same places.
fn opencv_cut(lens: &LensModel) -> impl Fn(&Picture) -> [Mat; 3] {
    let rays = rays(ViewMode::Perspective(framing()));
    let maps = |spacing: usize| {
        let (width, height) = (SIZE[0] as usize / spacing, SIZE[1] as usize / spacing);
        let place = |index: usize| {
            let seen = [index % width, index / width].map(|at| (at as f64 + 0.5) * spacing as f64);
            let place = rays.ray(seen).and_then(|ray| lens.project(ray)).unwrap_or([-1e4, -1e4]);
            place.map(|at| (at / spacing as f64 - 0.5) as f32)
        };
        let (x, y): (Vec<f32>, Vec<f32>) = (0..width * height).map(place).map(|[x, y]| (x, y)).unzip();
        let floats = [x, y].map(|places| {
            let rows = Mat::from_slice(&places).unwrap();
            rows.reshape(1, height as i32).unwrap().try_clone().unwrap()
        });
        assert_eq!(floats[0].typ(), CV_32FC1);
        let (mut whole, mut fraction) = (Mat::default(), Mat::default());
        imgproc::convert_maps(&floats[0], &floats[1], &mut whole, &mut fraction, CV_16SC2, false).unwrap();
        [whole, fraction]
    };
    let (luma, chroma) = (maps(1), maps(2));
    move |picture| {
        let plane = |bytes: &[u8], side: usize, [whole, fraction]: &[Mat; 2]| {
            let source = Mat::new_rows_cols_with_data(side as i32, side as i32, bytes).unwrap();
            let mut target = Mat::default();
            let black = Scalar::default();
            imgproc::remap(
                &source,
                &mut target,
                whole,
                fraction,
                imgproc::INTER_LINEAR,
                BORDER_CONSTANT,
                black,
            )
            .unwrap();
            target
        };
        [
            plane(&picture.y, SIDE, &luma),
            plane(&picture.u, SIDE / 2, &chroma),
            plane(&picture.v, SIDE / 2, &chroma),
        ]
    }
}

#[test]
#[ignore = "measures time"]
fn following_the_map_is_cheaper_than_opencvs_remap() {
    opencv::core::set_num_threads(1).unwrap();
    let picture = scene::picture(SIDE, SIDE);
    let lens = LensModel::new(&ceiling_lens(), SIDE, SIDE);
    let make = || ViewMap::new(&lens, &rays(ViewMode::Perspective(framing())), [SIDE, SIDE]);
    cost("map of a 1280 x 720 view", make);
    let map = make();
    let ours = cost("view of 1280 x 720 out of 2560 x 2560", || map.cut(&picture));
    let opencv_cut = opencv_cut(&lens);
    let theirs = cost("the same by OpenCV's remap", || opencv_cut(&picture));
    let view = map.cut(&picture);
    cost("JPEG of 1280 x 720, quality 80", || encode(&view, 80).unwrap());
    cost("shrunk to 512 and JPEG", || encode(&shrink_to(&view, 512).unwrap(), 80).unwrap());
    assert!(ours < theirs, "{ours:?} against {theirs:?}");
}

#[test]
#[ignore = "measures time"]
fn a_panorama_and_a_quad_cost_what_their_pixels_cost() {
    let picture = scene::picture(SIDE, SIDE);
    let lens = LensModel::new(&ceiling_lens(), SIDE, SIDE);
    let modes = [
        ("quad of 1920 x 1080", ViewMode::Quad(Framing { size: [1920, 1080], ..framing() })),
        (
            "panorama of 2560 x 480",
            ViewMode::Panorama(Framing { hfov_deg: 360.0, size: [2560, 480], ..framing() }),
        ),
    ];
    for (what, mode) in modes {
        let make = || ViewMap::new(&lens, &rays(mode), [SIDE, SIDE]);
        cost(&format!("map of a {what}"), make);
        let map = make();
        cost(what, || map.cut(&picture));
    }
    cost("search for the circle in five pictures", || find_circle(&vec![picture.clone(); 5]).unwrap());
}

#[test]
#[ignore = "measures time"]
fn a_detector_is_ready_within_two_seconds_and_sees_four_pictures_a_second() {
    let wanted = Wanted { labels: Vec::new(), min_score: 0.4 };
    let detect = Detect { labels: Vec::new(), min_score: 0.4, model: DetectModel::default() };
    let model = Model::open(&detect).unwrap();
    let picture = scene::picture(1280, 720);
    let ready = cost("load the detector", || Detector::new(&model, &wanted).unwrap());
    let mut detector = Detector::new(&model, &wanted).unwrap();
    let looked = cost("detect in 1280 x 720", || detector.detect(&picture).unwrap());
    assert!(ready < Duration::from_secs(2) && looked < Duration::from_millis(250), "{ready:?}, {looked:?}");
}
