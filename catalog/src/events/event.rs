//! An event, as it is told: what was seen, from when to when, and where it shows best.

use std::path::PathBuf;

use serde::Serialize;

use crate::{Gist, SegmentId, SegmentState};

/// What an event says besides where it belongs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentEvent {
    pub view: String,
    /// What it is an event of: one label, or none where only captions tell of it.
    pub labels: Vec<String>,
    /// RFC 3339, UTC.
    pub start: String,
    pub end: String,
    /// One object that stayed at its place.
    pub still: bool,
    /// Most objects of the label in one view of one frame.
    pub peak: u32,
    pub captions: Vec<String>,
    /// Absent where no answer was structured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gist: Option<Gist>,
    pub best: BestView,
}

/// The frame in which it shows best: large and certain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestView {
    pub frame: u64,
    pub time: String,
    /// Absent where only captions tell of it.
    pub score: Option<f32>,
    #[serde(rename = "box")]
    pub area: Option<[f32; 4]>,
}

/// An event of the catalogue, over all segments that show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    pub id: i64,
    /// Absent for files that were named on the command line.
    pub camera: Option<String>,
    #[serde(flatten)]
    pub what: SegmentEvent,
    /// The file with the best frame, as the catalogue names it.
    pub file: String,
    /// The state of that file: what was deleted shows nothing any more.
    pub file_state: SegmentState,
    /// A picture of the best frame, where there is one.
    pub thumbnail: Option<PathBuf>,
    #[serde(skip)]
    pub(crate) segment: SegmentId,
}
