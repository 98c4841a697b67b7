//! A fisheye camera whose lens is known: the footage is drawn through it, so the settings that undo it are too.

use std::path::{Path, PathBuf};

use super::footage::{Clip, PEDESTRIANS, footage, made_once, make};

/// The settings of the camera `dome` from its mount on: equidistant, 120° across the circle. Its two views
/// together show what the plain camera sees.
pub(crate) const DOME: &str = r#"
mount = "wall"

[camera.lens]
projection = "equidistant"
fov_deg = 120
center = [0.5, 0.5]
radius = 0.5

[[camera.view]]
name = "left"
yaw_deg = -22
hfov_deg = 60
size = [640, 480]

[[camera.view]]
name = "right"
yaw_deg = 22
hfov_deg = 60
size = [640, 480]
"#;

/// Returns footage as the camera `dome` sends it, a keyframe each second.
pub(crate) fn dome_footage(seconds: u32) -> PathBuf {
    footage(Clip {
        seconds,
        encoder: &[
            "-vf",
            "v360=flat:fisheye:ih_fov=95.3:iv_fov=78.9:h_fov=120:v_fov=120:w=960:h=960",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-g",
            "10",
            "-bf",
            "0",
            "-sc_threshold",
            "0",
        ],
        ..Clip::default()
    })
}

/// The circle of [`ceiling_footage`]: centre and radius, as fractions.
pub(crate) const CEILING_CIRCLE: ([f64; 2], f64) = ([710.0 / 1440.0, 620.0 / 1240.0], 600.0 / 1440.0);

/// Returns a second of what a dome on a ceiling sees, made once: the path with its people in each quarter around, grey above the
/// horizon, a dark surround with what stands there in white, as a clock would.
pub(crate) fn ceiling_footage() -> PathBuf {
    let around = "split=4[a][b][c][d];[a][b][c][d]hstack=inputs=4,pad=3072:1536:0:768:color=gray";
    // v360 also draws what lies beyond the circle.
    let inside = "lte(hypot(X-W/2,Y-H/2),W/2)";
    let circle = format!(
        "geq=lum='if({inside},lum(X,Y),16)':cb='if({inside},cb(X,Y),128)':cr='if({inside},cr(X,Y),128)'"
    );
    let clock =
        "drawbox=x=20:y=24:w=300:h=30:color=white:t=fill,drawbox=x=1200:y=1180:w=200:h=30:color=white:t=fill";
    let filter = format!(
        "{around},v360=e:fisheye:h_fov=180:v_fov=180:pitch=-90:w=1200:h=1200,{circle},pad=1440:1240:110:20:black,{clock}"
    );
    made_once("ceiling.mp4", |ffmpeg| {
        ffmpeg
            .args(["-ss", "30", "-t", "1", "-i", PEDESTRIANS])
            .args(["-filter_complex", &filter, "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"])
            .args(["-pix_fmt", "yuv420p", "-bf", "0"]);
    })
}

/// Draws a [`Clip`] as an equidistant dome of 180° on the wall across would have recorded it, filling the picture.
pub(crate) fn through_a_dome(clip: &Path, file: &Path) {
    make(file, |ffmpeg| {
        ffmpeg
            .arg("-i")
            .arg(clip)
            .args(["-vf", "v360=flat:fisheye:ih_fov=95.3:iv_fov=78.9:h_fov=180:v_fov=180:w=1600:h=1600"])
            .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "10", "-bf", "0"]);
    });
}
