//! Parts of a picture, drawn as polygons: masks that hide, zones that name, and what is looked for there.

/// Corners as fractions of a picture's width and height; at least three.
pub type Polygon = Vec<[f64; 2]>;

/// Hides a part of a camera's picture, as it is displayed, from everyone who looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    pub polygon: Polygon,
    pub fill: Fill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    Black,
    /// Only large blocks of the mean colour are left.
    Blur,
}

impl Fill {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Blur => "blur",
        }
    }
}

/// Names a part of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub name: String,
    /// Name of the view it is drawn in.
    pub view: String,
    pub polygon: Polygon,
}

/// What differs from `[detect]` for a camera.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CameraDetect {
    /// Absent: as in `[detect]`.
    pub labels: Option<Vec<String>>,
    /// Absent: as in `[detect]`.
    pub min_score: Option<f32>,
    pub reported: Reported,
}

/// Which objects are reported, by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reported {
    #[default]
    Everywhere,
    OnlyInZones,
}
