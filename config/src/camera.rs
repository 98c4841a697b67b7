//! A camera: who it is, and the views cut out of its pictures.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;

use crate::{CameraDetect, Hls, Lens, Mask, Recording, Republish, Snapshots, Source, Windows, Zone};

/// Names a camera and its folder under the root: letters, digits, `-`, `_` and `.`, at most 64, beginning
/// with a letter or digit, and not the name of one of nightreel's own folders.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraId(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a camera: use letters, digits, `-`, `_` and `.`, at most 64, beginning with a letter \
     or digit; `processed` and `failed` are taken"
)]
pub struct InvalidCameraId(pub String);

impl CameraId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CameraId {
    type Err = InvalidCameraId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let valid = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(plain)
            && !matches!(text, "processed" | "failed");
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidCameraId(text.to_owned())) }
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug)]
pub struct Camera {
    pub id: CameraId,
    /// Absent for a folder that another recorder fills.
    pub source: Option<Source>,
    pub segment_length: Duration,
    /// Records the camera's sound where it can be kept.
    pub audio: bool,
    /// Off without a source, as are the outputs that follow.
    pub recording: Recording,
    pub hls: Option<Hls>,
    pub republish: Option<Republish>,
    pub snapshots: Option<Snapshots>,
    /// Absent for a lens without distortion worth correcting.
    pub lens: Option<Lens>,
    /// What is looked at in each sampled frame; the one view `original` where no lens is described.
    pub views: Vec<View>,
    /// What nobody may see of its pictures.
    pub masks: Vec<Mask>,
    pub zones: Vec<Zone>,
    pub detect: CameraDetect,
}

impl Camera {
    /// Makes what the settings make of an id and perhaps a stream, with nothing else said.
    pub fn new(id: CameraId, source: Option<Source>) -> Self {
        let recording = match source {
            Some(_) => Recording::During(Windows::always(Tz::UTC)),
            None => Recording::Off,
        };
        Self {
            id,
            source,
            segment_length: Duration::from_secs(60),
            audio: true,
            recording,
            hls: None,
            republish: None,
            snapshots: None,
            lens: None,
            views: vec![View { name: "original".to_owned(), mode: ViewMode::Original }],
            masks: Vec::new(),
            zones: Vec::new(),
            detect: CameraDetect::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub name: String,
    pub mode: ViewMode,
}

/// The signs of the angles are in docs/configuration.md.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ViewMode {
    /// The frame as it is.
    Original,
    /// A rectilinear picture in the direction named.
    Perspective(Framing),
    /// Four rectilinear pictures in one of `size`, two by two, read like a page: at `yaw_deg`, then 90, 180 and
    /// 270 degrees on. Each is `hfov_deg` wide.
    Quad(Framing),
    /// Equally many degrees per pixel, across and down. From a ceiling or floor it goes around the axis, and
    /// `pitch_deg` is the elevation in the middle.
    Panorama(Framing),
}

/// Where a view looks, and how much it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    pub yaw_deg: f64,
    pub pitch_deg: f64,
    pub roll_deg: f64,
    pub hfov_deg: f64,
    pub size: [u32; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_plain_names_that_are_no_folder_of_ours() {
        let long = "a".repeat(65);
        for (text, valid) in [
            ("gate", true),
            ("2nd-floor_a.b", true),
            (&long[..64], true),
            (&long, false),
            ("", false),
            (".nightreel", false),
            ("-a", false),
            ("a b", false),
            ("a/b", false),
            ("tür", false),
            ("processed", false),
            ("failed", false),
        ] {
            assert_eq!(text.parse::<CameraId>().is_ok(), valid, "{text}");
        }
    }
}
