//! Tests of the views against ffmpeg's `v360`, which knows most of the lenses, and against a scene whose
//! truth is known.

use config::{Framing, Lens, Mount, Placement, Projection, ViewMode};

use super::lens::LensModel;
use super::map::ViewMap;
use super::rays::Rays;
use super::scene::{ffmpeg, psnr, through_lens, through_view};
use crate::Picture;

const SIDE: usize = 800;
const VIEW: [u32; 2] = [320, 320];
const HFOV_DEG: f64 = 60.0;

/// By their names in `v360`.
const PROJECTIONS: [(&str, Projection); 4] = [
    ("fisheye", Projection::Equidistant),
    ("equisolid", Projection::Equisolid),
    ("og", Projection::Orthographic),
    ("sg", Projection::Stereographic),
];

const BENT: Projection = Projection::KannalaBrandt { k: [0.05, -0.01, 0.002, 0.0] };

/// A lens that is known by six measurements, and follows no formula.
fn measured() -> Projection {
    let pairs = [[0.0, 0.0], [15.0, 0.19], [35.0, 0.43], [55.0, 0.65], [75.0, 0.85], [90.0, 1.0]];
    Projection::Table { pairs: pairs.into() }
}

fn lens(projection: Projection, mount: Mount) -> Lens {
    let placement = Some(Placement::Circle { center: [0.5, 0.5], radius: Some(0.5) });
    Lens { projection, fov_deg: 180.0, placement, mount }
}

fn framing([yaw_deg, pitch_deg, roll_deg]: [f64; 3]) -> Framing {
    Framing { yaw_deg, pitch_deg, roll_deg, hfov_deg: HFOV_DEG, size: VIEW }
}

/// Luma of what the camera records, of the view that is cut out of it, and of what the view should show.
fn cut(lens: &Lens, mode: ViewMode) -> [Vec<u8>; 3] {
    let recorded = through_lens(&LensModel::new(lens, SIDE, SIDE), SIDE, SIDE);
    let [ours, truth] = cut_from(&recorded, lens, mode);
    [recorded.y, ours, truth]
}

fn cut_from(recorded: &Picture, lens: &Lens, mode: ViewMode) -> [Vec<u8>; 2] {
    let rays = Rays::of(lens.mount, mode).unwrap();
    let cut = ViewMap::new(&LensModel::new(lens, SIDE, SIDE), &rays, [SIDE, SIDE]).cut(recorded);
    [cut.y, through_view(&rays).y]
}

/// Sends luma of [`SIDE`]² through a filter and gives what comes out.
fn filtered(filter: &str, luma: Vec<u8>) -> Vec<u8> {
    let size = format!("{SIDE}x{SIDE}");
    let raw = ["-f", "rawvideo", "-pix_fmt", "gray"];
    let input = ["-s", &size, "-i", "pipe:0", "-vf", filter];
    ffmpeg(&[&raw[..], &input[..], &raw[..]].concat(), luma)
}

/// The middle of a plane, without a tenth of its sides all around: the inner 80 %.
fn inner(plane: &[u8], [width, height]: [u32; 2]) -> Vec<u8> {
    let [width, height] = [width as usize, height as usize];
    let rows = height / 10..height - height / 10;
    rows.flat_map(|row| plane[row * width..][..width][width / 10..width - width / 10].to_vec()).collect()
}

#[test]
fn views_agree_with_the_measured_recipes_of_v360() {
    // Mount, [yaw, pitch, roll] of ours, and what v360 must be told for the same view.
    let cases = [
        (Mount::Wall, [30.0, 20.0, 0.0], "yaw=30:pitch=20:rorder=ypr"),
        (Mount::Wall, [-25.0, -10.0, 15.0], "yaw=-25:pitch=-10:roll=15:rorder=ypr"),
        (Mount::Ceiling, [120.0, 45.0, 0.0], "pitch=45:roll=120:rorder=rpy"),
        (Mount::Ceiling, [-70.0, 50.0, 0.0], "pitch=50:roll=-70:rorder=rpy"),
        (Mount::Floor, [120.0, 45.0, 0.0], "pitch=-45:roll=-60:rorder=rpy"),
    ];
    for (name, projection) in PROJECTIONS {
        for (mount, angles, recipe) in cases {
            let [recorded, ours, _] =
                cut(&lens(projection.clone(), mount), ViewMode::Perspective(framing(angles)));
            let [width, height] = VIEW;
            let filter = format!(
                "v360={name}:flat:ih_fov=180:iv_fov=180:h_fov={HFOV_DEG}:v_fov={HFOV_DEG}:{recipe}:w={width}:h={height}:interp=line"
            );
            let agreement = psnr(&ours, &filtered(&filter, recorded));
            assert!(agreement > 38.0, "{name} {mount:?} {angles:?} against {recipe}: {agreement:.1} dB");
        }
    }
}

#[test]
fn panoramas_agree_with_v360s_equirectangular_picture() {
    // Mount, [yaw, pitch, roll] of ours, what v360 must be told, and the pitch at which its picture has ours.
    let cases = [
        (Mount::Wall, [20.0, 0.0, 0.0], "yaw=20:rorder=ypr", 0.0),
        (Mount::Wall, [0.0, -15.0, 10.0], "pitch=-15:roll=10:rorder=ypr", 0.0),
        (Mount::Ceiling, [40.0, 60.0, 0.0], "pitch=90:roll=40:rorder=rpy", 60.0 - 90.0),
        (Mount::Floor, [40.0, 60.0, 0.0], "pitch=-90:roll=-140:rorder=rpy", 90.0 - 60.0),
    ];
    let lens_of = |mount| lens(Projection::Equidistant, mount);
    for (mount, angles, recipe, pitch_deg) in cases {
        // Two pixels a degree: 120 × 40 degrees of v360's whole sphere.
        let hfov_deg = 120.0;
        let framing = Framing { hfov_deg, size: [240, 80], ..framing(angles) };
        let [recorded, ours, truth] = cut(&lens_of(mount), ViewMode::Panorama(framing));
        let top = 180.0 - 2.0 * pitch_deg - 40.0;
        let filter = format!(
            "v360=fisheye:e:ih_fov=180:iv_fov=180:{recipe}:w=720:h=360:interp=line,crop=240:80:240:{top}"
        );
        let agreement = psnr(&ours, &filtered(&filter, recorded));
        assert!(agreement > 30.0, "{mount:?} {angles:?} against {recipe}: {agreement:.1} dB");
        let quality = psnr(&inner(&ours, [240, 80]), &inner(&truth, [240, 80]));
        assert!(quality > 30.0, "{mount:?} {angles:?} against the truth: {quality:.1} dB");
    }
}

#[test]
fn a_scene_comes_back_from_every_lens_and_mount() {
    let framing = framing([40.0, 35.0, 10.0]);
    for (name, projection) in PROJECTIONS.into_iter().chain([("bent", BENT), ("table", measured())]) {
        let model = LensModel::new(&lens(projection.clone(), Mount::Wall), SIDE, SIDE);
        let recorded = through_lens(&model, SIDE, SIDE);
        for (mount, mode) in [
            (Mount::Wall, ViewMode::Perspective(framing)),
            (Mount::Ceiling, ViewMode::Perspective(framing)),
            (Mount::Floor, ViewMode::Perspective(framing)),
            (Mount::Ceiling, ViewMode::Quad(framing)),
            (Mount::Floor, ViewMode::Quad(framing)),
        ] {
            let [ours, truth] = cut_from(&recorded, &lens(projection.clone(), mount), mode);
            let quality = psnr(&inner(&ours, VIEW), &inner(&truth, VIEW));
            assert!(quality >= 30.0, "{name} {mount:?} {mode:?}: {quality:.1} dB");
        }
    }
}

#[test]
fn colours_come_back_as_well() {
    let lens = lens(Projection::Equisolid, Mount::Ceiling);
    let model = LensModel::new(&lens, SIDE, SIDE);
    let rays = Rays::of(lens.mount, ViewMode::Perspective(framing([40.0, 35.0, 10.0]))).unwrap();
    let cut = ViewMap::new(&model, &rays, [SIDE, SIDE]).cut(&through_lens(&model, SIDE, SIDE));
    let truth = through_view(&rays);
    assert!(psnr(&cut.u, &truth.u) > 40.0 && psnr(&cut.v, &truth.v) > 40.0);
}

#[test]
fn a_picture_that_goes_around_is_black_past_the_circle() {
    let beyond = Framing { pitch_deg: 130.0, hfov_deg: 20.0, ..framing([0.0; 3]) };
    let around = Framing { hfov_deg: 360.0, size: [360, 60], ..beyond };
    let white = Picture::filled(SIDE, SIDE, [255, 128, 128]);
    for mount in [Mount::Ceiling, Mount::Floor] {
        for mode in [ViewMode::Quad(beyond), ViewMode::Panorama(around), ViewMode::Perspective(beyond)] {
            let [ours, _] = cut_from(&white, &lens(Projection::Stereographic, mount), mode);
            assert!(ours.iter().all(|&luma| luma == 0), "{mount:?} {mode:?}");
        }
    }
}

#[test]
fn an_error_of_half_a_pixel_would_be_seen() {
    let good = lens(Projection::Equidistant, Mount::Wall);
    let center = [0.5 + 0.5 / SIDE as f64, 0.5];
    let off = Lens { placement: Some(Placement::Circle { center, radius: Some(0.5) }), ..good.clone() };
    let model = LensModel::new(&good, SIDE, SIDE);
    let rays = Rays::of(Mount::Wall, ViewMode::Perspective(framing([0.0; 3]))).unwrap();
    let recorded = through_lens(&model, SIDE, SIDE);
    let truth = through_view(&rays);
    let quality = |lens: &Lens| {
        let model = LensModel::new(lens, SIDE, SIDE);
        psnr(&ViewMap::new(&model, &rays, [SIDE, SIDE]).cut(&recorded).y, &truth.y)
    };
    assert!(quality(&good) > quality(&off) + 3.0, "{:.1} and {:.1} dB", quality(&good), quality(&off));
}
