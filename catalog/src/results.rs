//! The results of looking at a segment: what the sidecar says, and what the rows keep. See docs/results.md.

use serde::{Deserialize, Serialize};

use crate::events::{self, DEFAULT_GAP_S, SegmentEvent};
use crate::{CatalogError, Decision, Description, GateTally, StartSource};

pub(crate) const SCHEMA: &str = "nightreel.results/1";

/// One segment under one profile. Its JSON form is the sidecar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    pub schema: String,
    pub segment: SegmentFacts,
    pub profile: Profile,
    /// What the gate decided, counted; absent where every sample was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateTally>,
    pub samples: Vec<Sample>,
    pub calls: Vec<Call>,
    /// Seconds without a sign after which an event is over.
    #[serde(default = "default_gap_s")]
    pub event_gap_s: u32,
}

fn default_gap_s() -> u32 {
    DEFAULT_GAP_S
}

/// What the sidecar says beyond the rows: the events follow from them.
#[derive(Serialize)]
struct Sidecar<'a> {
    #[serde(flatten)]
    results: &'a Results,
    events: Vec<SegmentEvent>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentFacts {
    /// Absent for files that were named on the command line.
    pub camera: Option<String>,
    /// The file's name; the sidecar lies beside it.
    pub file: String,
    /// RFC 3339, UTC.
    pub start: String,
    pub start_source: StartSource,
    pub duration_s: f64,
    pub frames: u64,
    pub codec: String,
    pub width: u32,
    pub height: u32,
    pub sha256: String,
    /// What could not be decoded, in words; empty for a sound file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// How it was looked at: another profile, other results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub id: String,
    pub every_nth_frame: u32,
    /// `exact`, `activity` or `keyframes`.
    #[serde(default = "exact")]
    pub sampling: String,
    pub views: Vec<String>,
    pub detector: Option<String>,
    pub vision_model: Option<String>,
}

/// What sidecars mean that were written before there was a choice.
fn exact() -> String {
    "exact".to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub frame: u64,
    /// RFC 3339, UTC.
    pub time: String,
    /// Absent where there was no gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Decision>,
    /// Empty for a frame that was not looked at.
    pub views: Vec<ViewResult>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewResult {
    pub view: String,
    pub objects: Vec<Object>,
    pub caption: Option<String>,
    /// Absent where answers are plain text, or none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Relative to the sidecar.
    pub jpeg: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    pub label: String,
    pub score: f32,
    /// Left, top, width and height as fractions of the view.
    #[serde(rename = "box")]
    pub area: [f32; 4],
    /// The zones that its foot is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
}

/// A request to the vision model, as in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub request_id: String,
    pub model: String,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cost_usd: Option<f64>,
    pub status: String,
}

impl Results {
    pub fn new(segment: SegmentFacts, profile: Profile, samples: Vec<Sample>, calls: Vec<Call>) -> Self {
        let gate = GateTally::of(&samples);
        let (schema, event_gap_s) = (SCHEMA.to_owned(), DEFAULT_GAP_S);
        Self { schema, segment, profile, gate, samples, calls, event_gap_s }
    }

    /// Returns the sidecar's text.
    pub fn to_json(&self) -> Result<Vec<u8>, CatalogError> {
        let mut text = serde_json::to_vec_pretty(&Sidecar { results: self, events: self.events() })
            .map_err(|source| CatalogError::BrokenResults { id: 0, source })?;
        text.push(b'\n');
        Ok(text)
    }

    /// Returns the events of this segment by itself; the catalogue joins them over segments. None where a time in
    /// the results is none, which the rows refuse.
    pub fn events(&self) -> Vec<SegmentEvent> {
        events::within(self).unwrap_or_default()
    }

    /// Calls `each` for every object that was seen.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.samples.iter().flat_map(|s| &s.views).flat_map(|v| &v.objects)
    }
}
