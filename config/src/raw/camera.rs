//! `[[camera]]` as written, with its lens and views.

use serde::{Deserialize, Serialize};

use crate::Secret;

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCamera {
    /// Names the camera and its folder under the root; required.
    pub(crate) id: Option<String>,
    /// `rtsp://…`, or by way of ffmpeg others; default none: another recorder fills the folder.
    pub(crate) url: Option<String>,
    /// Default none, or the one in the URL.
    pub(crate) username: Option<String>,
    /// The password itself; default none. Better one of the next two.
    pub(crate) password: Option<Secret>,
    /// File that holds the password; default none.
    pub(crate) password_file: Option<String>,
    /// Environment variable that holds the password; default none.
    pub(crate) password_env: Option<String>,
    /// `tcp` or `udp`, which way `rtsp://` packets travel; default `tcp`.
    pub(crate) transport: Option<String>,
    /// `native` or `ffmpeg`, who speaks with the camera; default `native` for `rtsp://`, else `ffmpeg`.
    pub(crate) input: Option<String>,
    /// Length of a segment, 1 to 3600; default 60.
    pub(crate) segment_seconds: i64,
    /// Records sound where it can be kept; default true.
    pub(crate) audio: bool,
    /// Keeps segments at all; default true.
    pub(crate) record: Option<bool>,
    /// When segments are kept, such as `07:00-19:00`, in `process.timezone`; default none, which is always.
    pub(crate) record_windows: Vec<String>,
    /// Writes a live playlist; default false.
    pub(crate) hls: Option<bool>,
    /// How long the live playlist reaches back; with `record = false` also how long its files are kept;
    /// default 1.
    pub(crate) hls_hours: Option<f64>,
    /// Shortest piece of the live playlist, at most a segment; default 2.
    pub(crate) hls_part_seconds: Option<i64>,
    /// `rtsp://…` of a server that gets the stream; default none.
    pub(crate) republish: Option<String>,
    /// Default none.
    pub(crate) republish_username: Option<String>,
    /// The password itself; default none. Better one of the next two.
    pub(crate) republish_password: Option<Secret>,
    /// File that holds the password; default none.
    pub(crate) republish_password_file: Option<String>,
    /// Environment variable that holds the password; default none.
    pub(crate) republish_password_env: Option<String>,
    /// Seconds between two JPEGs; default none, there are no pictures.
    pub(crate) snapshot_seconds: Option<i64>,
    /// Folder of the JPEGs; default `<root>/<camera>/snapshots`.
    pub(crate) snapshot_dir: Option<String>,
    /// `ceiling`, `wall` or `floor`, which way the lens looks; default `ceiling`. Only with a lens.
    pub(crate) mount: Option<String>,
    /// Default none: pictures are looked at as they are.
    pub(crate) lens: Option<RawLens>,
    /// What is cut out of each picture; required with a lens.
    pub(crate) view: Vec<RawView>,
    /// What nobody may see; default nothing.
    pub(crate) mask: Vec<RawMask>,
    /// Parts of the views that objects are told to be in; default none.
    pub(crate) zone: Vec<RawZone>,
    /// What differs from `[detect]` for this camera.
    pub(crate) detect: RawCameraDetect,
    /// What this camera may spend, within what `[vision]` allows for all.
    pub(crate) vision: RawCameraVision,
}

impl Default for RawCamera {
    fn default() -> Self {
        Self {
            id: None,
            url: None,
            username: None,
            password: None,
            password_file: None,
            password_env: None,
            transport: None,
            input: None,
            segment_seconds: 60,
            audio: true,
            record: None,
            record_windows: Vec::new(),
            hls: None,
            hls_hours: None,
            hls_part_seconds: None,
            republish: None,
            republish_username: None,
            republish_password: None,
            republish_password_file: None,
            republish_password_env: None,
            snapshot_seconds: None,
            snapshot_dir: None,
            mount: None,
            lens: None,
            view: Vec::new(),
            mask: Vec::new(),
            zone: Vec::new(),
            detect: RawCameraDetect::default(),
            vision: RawCameraVision::default(),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLens {
    /// `equidistant`, `equisolid`, `orthographic`, `stereographic`, `kannala_brandt` or `table`; default `equidistant`.
    pub(crate) projection: String,
    /// Degrees seen across the full circle; default 180.
    pub(crate) fov_deg: f64,
    /// Of the circle, as fractions of width and height; default [0.5, 0.5] beside a radius, else found in the
    /// pictures.
    pub(crate) center: Option<Vec<f64>>,
    /// Of the circle, as a fraction of the width; default half of the shorter side beside a centre, else found
    /// in the pictures.
    pub(crate) radius: Option<f64>,
    /// k1 to k4; required for `kannala_brandt`, and for it alone.
    pub(crate) k: Option<Vec<f64>>,
    /// Pairs of degrees off the axis and the radius there, in any unit; required for `table`, and for it alone.
    pub(crate) table: Option<Vec<Vec<f64>>>,
    /// Focal length across in pixels, of a calibration; default none. With it, the circle has no part.
    pub(crate) fx: Option<f64>,
    /// Focal length down in pixels; required with `fx`.
    pub(crate) fy: Option<f64>,
    /// Column of the axis in pixels; required with `fx`.
    pub(crate) cx: Option<f64>,
    /// Row of the axis in pixels; required with `fx`.
    pub(crate) cy: Option<f64>,
    /// Width and height of the pictures the lens was calibrated with; required with `fx`.
    pub(crate) calibration_size: Option<Vec<i64>>,
}

impl Default for RawLens {
    fn default() -> Self {
        Self {
            projection: "equidistant".to_owned(),
            fov_deg: 180.0,
            center: None,
            radius: None,
            k: None,
            table: None,
            fx: None,
            fy: None,
            cx: None,
            cy: None,
            calibration_size: None,
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawView {
    /// Names the view in results; required.
    pub(crate) name: Option<String>,
    /// `perspective`, `quad`, `panorama_180`, `panorama_360` or `original`; default `perspective`.
    pub(crate) mode: Option<String>,
    /// Default 0.
    pub(crate) yaw_deg: Option<f64>,
    /// Default 0; from a ceiling or floor 55 for all but `perspective`.
    pub(crate) pitch_deg: Option<f64>,
    /// Default 0.
    pub(crate) roll_deg: Option<f64>,
    /// Width of a `perspective` view, or of each of the four of a `quad`, 1 to 150; default 90.
    pub(crate) hfov_deg: Option<f64>,
    /// Width and height in pixels, both even; default [1280, 720], `quad` [1920, 1080], `panorama_180`
    /// [1920, 720], `panorama_360` [2560, 480].
    pub(crate) size: Option<Vec<i64>>,
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawMask {
    /// Corners, as fractions of the picture's width and height; required.
    pub(crate) polygon: Vec<Vec<f64>>,
    /// `black` or `blur`; default `black`.
    pub(crate) fill: String,
}

impl Default for RawMask {
    fn default() -> Self {
        Self { polygon: Vec::new(), fill: "black".to_owned() }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawZone {
    /// Names the zone in results; required.
    pub(crate) name: Option<String>,
    /// Name of the view it is drawn in; default the first.
    pub(crate) view: Option<String>,
    /// Corners, as fractions of the view's width and height; required.
    pub(crate) polygon: Vec<Vec<f64>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCameraDetect {
    /// Default as in `[detect]`.
    pub(crate) labels: Option<Vec<String>>,
    /// Default as in `[detect]`.
    pub(crate) min_score: Option<f64>,
    /// Leaves out objects that are in no zone; default false.
    pub(crate) only_in_zones: bool,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCameraVision {
    /// Default none.
    pub(crate) max_usd_per_day: Option<f64>,
    /// Default none.
    pub(crate) max_tokens_per_day: Option<i64>,
    /// Default none.
    pub(crate) max_calls_per_day: Option<i64>,
}
