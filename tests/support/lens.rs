//! A fisheye camera whose lens is known: the footage is drawn through it, so the settings that undo it are too.

use std::path::PathBuf;

use super::footage::{Clip, footage};

/// The settings of the camera `dome` from its mount on: equidistant, 120° across the circle. Its two views
/// together show what the plain camera sees.
pub(crate) const DOME: &str = r#"
mount = "wall"

[camera.lens]
projection = "equidistant"
fov_deg = 120

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
