//! A fisheye lens: how it draws, where on the picture, and which way it looks.

use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    Ceiling,
    Wall,
    Floor,
}

/// How the lens maps an angle θ from its axis to a distance r from the picture's centre.
#[derive(Clone, Debug, PartialEq)]
pub enum Projection {
    /// r = f·θ
    Equidistant,
    /// r = 2f·sin(θ/2)
    Equisolid,
    /// r = f·sin θ; sees half a sphere at most
    Orthographic,
    /// r = 2f·tan(θ/2); sees less than the whole sphere
    Stereographic,
    /// r = f·θ(1 + k1θ² + k2θ⁴ + k3θ⁶ + k4θ⁸), as OpenCV's `fisheye` model.
    KannalaBrandt { k: [f64; 4] },
    /// As measured: degrees off the axis and the distance there, in any unit. Both grow from pair to pair, from
    /// `[0, 0]` to half of the field of view or beyond.
    Table { pairs: Arc<[[f64; 2]]> },
}

/// Describes a fisheye lens. Fractions are of the recorded picture, so that they hold for every stream of
/// the camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    pub projection: Projection,
    /// Of the full circle, in degrees; nothing is shown beyond.
    pub fov_deg: f64,
    /// Absent where it is to be looked for in the pictures. Where that fails, the circle is taken to lie in the
    /// middle, its radius half of the shorter side.
    pub placement: Option<Placement>,
    pub mount: Mount,
}

/// Where on the picture, and how large, the lens draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Placement {
    /// `fov_deg` reaches to the circle's edge.
    Circle {
        /// Fractions of width and height.
        center: [f64; 2],
        /// A fraction of the width; where absent, half of the shorter side.
        radius: Option<f64>,
    },
    /// A measured lens; all as fractions of width and height.
    Calibrated { focal: [f64; 2], center: [f64; 2] },
}
