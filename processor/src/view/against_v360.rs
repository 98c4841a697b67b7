//! Tests of the views against ffmpeg's `v360`, which knows the equidistant lens, and against a scene whose
//! truth is known.

use config::{Lens, Mount, Projection};

use super::direction::{Aim, Pinhole};
use super::lens::LensModel;
use super::map::ViewMap;
use super::scene::{ffmpeg, psnr, through_lens, through_pinhole};

const SIDE: usize = 800;
const VIEW: [u32; 2] = [320, 320];
const HFOV_DEG: f64 = 60.0;

fn lens(projection: Projection, mount: Mount) -> Lens {
    Lens { projection, fov_deg: 180.0, center: [0.5, 0.5], radius: Some(0.5), mount }
}

fn cut(lens: &Lens, [yaw_deg, pitch_deg, roll_deg]: [f64; 3]) -> [Vec<u8>; 3] {
    let model = LensModel::new(lens, SIDE, SIDE);
    let view = Pinhole::new(lens.mount, Aim { yaw_deg, pitch_deg, roll_deg }, HFOV_DEG, VIEW);
    let recorded = through_lens(&model, SIDE, SIDE);
    let cut = ViewMap::new(&model, &view, VIEW, [SIDE, SIDE]).cut(&recorded);
    let truth = through_pinhole(&view, VIEW);
    assert!(psnr(&cut.u, &truth.u) > 40.0 && psnr(&cut.v, &truth.v) > 40.0);
    [recorded.y, cut.y, truth.y]
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
    for (mount, angles, recipe) in cases {
        let [recorded, ours, _] = cut(&lens(Projection::Equidistant, mount), angles);
        let filter = format!(
            "v360=fisheye:flat:ih_fov=180:iv_fov=180:h_fov={HFOV_DEG}:v_fov={HFOV_DEG}:{recipe}:w={}:h={}:interp=line",
            VIEW[0], VIEW[1]
        );
        let size = format!("{SIDE}x{SIDE}");
        let raw = ["-f", "rawvideo", "-pix_fmt", "gray"];
        let input = ["-s", &size, "-i", "pipe:0", "-vf", &filter];
        let theirs = ffmpeg(&[&raw[..], &input[..], &raw[..]].concat(), recorded);
        let agreement = psnr(&ours, &theirs);
        assert!(agreement > 40.0, "{mount:?} {angles:?} against {recipe}: {agreement:.1} dB");
    }
}

#[test]
fn a_scene_comes_back_from_every_lens_and_mount() {
    let projections = [Projection::Equidistant, Projection::KannalaBrandt { k: [0.05, -0.01, 0.002, 0.0] }];
    for projection in projections {
        for mount in [Mount::Wall, Mount::Ceiling, Mount::Floor] {
            let [_, ours, truth] = cut(&lens(projection, mount), [40.0, 35.0, 10.0]);
            let quality = psnr(&ours, &truth);
            assert!(quality > 30.0, "{projection:?} {mount:?}: {quality:.1} dB");
        }
    }
}

#[test]
fn an_error_of_half_a_pixel_would_be_seen() {
    let good = lens(Projection::Equidistant, Mount::Wall);
    let off = Lens { center: [0.5 + 0.5 / SIDE as f64, 0.5], ..good };
    let model = LensModel::new(&good, SIDE, SIDE);
    let view = Pinhole::new(Mount::Wall, Aim { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 }, HFOV_DEG, VIEW);
    let recorded = through_lens(&model, SIDE, SIDE);
    let truth = through_pinhole(&view, VIEW);
    let quality = |lens: &Lens| {
        let model = LensModel::new(lens, SIDE, SIDE);
        psnr(&ViewMap::new(&model, &view, VIEW, [SIDE, SIDE]).cut(&recorded).y, &truth.y)
    };
    assert!(quality(&good) > quality(&off) + 3.0, "{:.1} and {:.1} dB", quality(&good), quality(&off));
}
