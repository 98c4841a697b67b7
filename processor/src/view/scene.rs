//! A drawn scene for tests: what every direction looks like is known, so every lens and view has a truth.

use std::process::{Command, Stdio};

use config::Lens;

use super::lens::LensModel;
use super::map::ViewMap;
use super::rays::Rays;
use crate::Picture;

/// Colour in a direction, of any length: waves on the walls of a room, fine enough to show an error of half a
/// pixel.
fn colour(ray: [f64; 3]) -> [u8; 3] {
    let length = ray.iter().map(|part| part * part).sum::<f64>().sqrt();
    let [x, y, z] = ray.map(|part| part / length);
    let luma = 128.0 + 60.0 * (23.0 * x + 5.0 * z).sin() + 50.0 * (19.0 * y - 7.0 * x * z).cos();
    let (blue, red) = (128.0 + 50.0 * (3.0 * x + y).sin(), 128.0 + 50.0 * (2.0 * y - z).cos());
    [luma, blue, red].map(|part| part.round().clamp(0.0, 255.0) as u8)
}

/// Draws a picture, given the ray of each place; black where there is none.
fn draw(width: usize, height: usize, ray: impl Fn([f64; 2]) -> Option<[f64; 3]>) -> Picture {
    let colour_at = |place| ray(place).map_or([0, 128, 128], colour);
    let mut picture = Picture::filled(width, height, [0, 128, 128]);
    for (index, luma) in picture.y.iter_mut().enumerate() {
        *luma = colour_at([(index % width) as f64 + 0.5, (index / width) as f64 + 0.5])[0];
    }
    let chroma_width = picture.chroma_width();
    for (index, (u, v)) in picture.u.iter_mut().zip(&mut picture.v).enumerate() {
        let (column, row) = (index % chroma_width, index / chroma_width);
        [_, *u, *v] = colour_at([column as f64 * 2.0 + 1.0, row as f64 * 2.0 + 1.0]);
    }
    picture
}

/// Draws the scene as a camera with this lens records it.
pub(crate) fn through_lens(lens: &LensModel, width: usize, height: usize) -> Picture {
    draw(width, height, |place| lens.unproject(place))
}

/// Draws the scene as a view should show it.
pub(crate) fn through_view(rays: &Rays) -> Picture {
    let [width, height] = rays.size().map(|length| length as usize);
    draw(width, height, |place| rays.ray(place))
}

/// Draws some part of the scene.
pub(crate) fn picture(width: usize, height: usize) -> Picture {
    draw(width, height, |[x, y]| Some([x / width as f64 - 0.5, y / width as f64 - 0.5, 1.0]))
}

/// Draws a picture taken without distortion, at a focal length in pixels, as a camera with this lens would
/// have recorded it in a square.
pub(crate) fn as_if_recorded(picture: &Picture, focal_px: f64, lens: &Lens, side: usize) -> Picture {
    let model = LensModel::new(lens, side, side);
    let source = [picture.width, picture.height];
    let straight = |place| {
        let [x, y, z] = model.unproject(place)?;
        Some([x / z * focal_px + source[0] as f64 / 2.0, y / z * focal_px + source[1] as f64 / 2.0])
    };
    ViewMap::from_places([side, side], source, straight).cut(picture)
}

/// Signal-to-noise ratio of two planes, in decibels.
pub(crate) fn psnr(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let squares = one.iter().zip(other).map(|(one, other)| (f64::from(*one) - f64::from(*other)).powi(2));
    10.0 * (255.0_f64.powi(2) / (squares.sum::<f64>() / one.len() as f64).max(1e-9)).log10()
}

/// Sends a picture through ffmpeg and gives what comes out as `gray` or `yuvj420p` bytes.
pub(crate) fn ffmpeg(arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(arguments)
        .arg("pipe:1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "ffmpeg {arguments:?} failed");
    output.stdout
}
