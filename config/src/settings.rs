//! Checked settings: complete, consistent, and what every other crate sees.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    Archive, Batches, Camera, CameraId, Caps, Detect, FlexFallback, Hook, Mqtt, Price, Rates, RetentionRule,
    Secret, StorePlace, VisionMode, Windows, Wording,
};

#[derive(Clone, Debug)]
pub struct Settings {
    pub storage: Storage,
    /// Empty: every folder under the root is a camera's.
    pub cameras: Vec<Camera>,
    pub process: Process,
    /// Absent: every sampled frame is looked at.
    pub gate: Option<Gate>,
    /// Absent when detection is turned off.
    pub detect: Option<Detect>,
    /// Absent: no call is made.
    pub vision: Option<Vision>,
    pub events: Events,
    pub retention: Retention,
    /// Absent: nothing is archived.
    pub archive: Option<Archive>,
    /// Where snapshots go when they are made; absent: they stay in their folders.
    pub snapshot_store: Option<StorePlace>,
    /// Absent: nobody is told of events.
    pub hook: Option<Hook>,
    /// Absent: no broker is told of them.
    pub mqtt: Option<Mqtt>,
    /// The folder of the nights' reports; absent: none is written by itself.
    pub report_dir: Option<PathBuf>,
    pub serve: Serve,
}

#[derive(Clone, Debug)]
pub struct Storage {
    pub root: PathBuf,
    /// Catalogue and locks; on a local disk.
    pub state_dir: PathBuf,
    /// Of the times in file names.
    pub name_timezone: Tz,
    /// How long a file that nightreel did not see being closed must stand still before it counts as complete.
    pub settle: Duration,
    /// Time between two walks over the whole root.
    pub scan_interval: Duration,
}

#[derive(Clone, Debug)]
pub struct Process {
    pub every_nth_frame: NonZeroU32,
    pub sampling: Sampling,
    pub windows: Windows,
    /// What does not wait for them.
    pub urgent: Urgent,
    /// Segments looked at side by side.
    pub workers: usize,
    /// After so many failures a segment is quarantined.
    pub max_attempts: u32,
}

/// When work is begun although the window is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Urgent {
    /// Footage that began longer ago.
    pub older_than: Option<Duration>,
    /// All, while fewer bytes are free.
    pub disk_below: Option<u64>,
}

/// Which frames of a segment are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Sampling {
    /// All of frames 0, N, 2N …
    Exact,
    /// Those of them around which something changed.
    Activity,
    /// Keyframes, at most one in N frames.
    Keyframes,
}

impl Sampling {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Activity => "activity",
            Self::Keyframes => "keyframes",
        }
    }
}

/// Which of the sampled frames are looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// In grey levels of 255, by which a tile must change beyond its usual noise.
    pub threshold: f32,
    /// Between two frames that are looked at whatever they show.
    pub heartbeat: Duration,
    /// Of the frames that are dropped, 0 to 1: looked at all the same, to measure what is missed.
    pub audit_share: f64,
}

#[derive(Clone, Debug)]
pub struct Vision {
    /// Ends before `/chat/completions`.
    pub base_url: Url,
    pub model: String,
    pub mode: VisionMode,
    pub flex_fallback: FlexFallback,
    pub batches: Batches,
    /// Local servers need none.
    pub api_key: Option<Secret>,
    /// What every request carries besides.
    pub headers: Vec<Header>,
    /// Certificates (PEM) of authorities that are trusted as well.
    pub ca_file: Option<PathBuf>,
    /// Its address, which may carry a password; absent: none, whatever the environment says.
    pub proxy: Option<Secret>,
    pub prompt: Wording,
    pub system: Option<Wording>,
    pub answer: AnswerForm,
    pub detail: Detail,
    /// Pictures of one activity that go in one request at most.
    pub frames_per_request: usize,
    /// Whether pictures that the model wants to see larger are sent again as large as they are.
    pub second_look: SecondLook,
    /// Whether each night gets a text per camera of what its captions tell.
    pub digest: bool,
    /// The longer side of the picture that is sent, in pixels; larger views are shrunk.
    pub image_max_px: u32,
    /// 1 to 100.
    pub jpeg_quality: u8,
    pub max_output_tokens: u32,
    /// Of all cameras together.
    pub caps: Caps,
    /// Of one camera alone, beside the above.
    pub camera_caps: BTreeMap<CameraId, Caps>,
    /// Requests under way at once, over all workers.
    pub concurrency: usize,
    /// Of all workers of a run together.
    pub requests_per_minute: Option<u64>,
    /// The same for tokens, of questions and answers.
    pub tokens_per_minute: Option<u64>,
    /// Of one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// By model name.
    pub prices: Vec<Price>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Low,
    High,
}

/// A header of the operator's.
#[derive(Clone, Debug)]
pub struct Header {
    pub name: String,
    pub value: Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondLook {
    Never,
    WhereAsked,
}

/// What the model is asked to answer in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    /// JSON by a schema; plain text of servers that know none.
    Json,
    Text,
}

impl Vision {
    /// Returns what the model costs, where it is listed.
    pub fn price(&self) -> Option<&Price> {
        self.prices.iter().find(|price| price.model == self.model)
    }

    /// Returns what the tokens of the model cost when it is asked in this way.
    pub fn rates_by(&self, mode: VisionMode) -> Option<Rates> {
        self.price().map(|price| price.rates_by(mode))
    }
}

impl Detail {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events {
    /// Seconds without a sign after which an event is over.
    pub gap_s: u32,
    /// Bytes of pictures of events that are kept; 0 for none.
    pub thumbnails: u64,
}

#[derive(Clone, Debug)]
pub struct Retention {
    pub after_processing: AfterProcessing,
    /// Counted from the segment's start; absent: age deletes nothing.
    pub max_age: Option<Duration>,
    /// Bytes kept free on the root's file system; absent: no floor.
    pub min_free: Option<u64>,
    /// Keeps the floor from deleting what was not looked at yet.
    pub protect_unprocessed: bool,
    /// Until then only age and floor delete.
    pub min_age: Option<Duration>,
    /// Bytes of all segments together.
    pub max_bytes: Option<u64>,
    /// Of what was given up.
    pub failed_max_age: Option<Duration>,
    /// Of what nobody looked at.
    pub max_unprocessed_age: Option<Duration>,
    /// Of segments or bytes, 0 to 1, that rules delete at once without being asked.
    pub guard_share: f64,
    /// The first that fits a segment holds for it.
    pub rules: Vec<RetentionRule>,
    /// Counted from the segment's start; absent: age archives nothing.
    pub archive_after: Option<Duration>,
    /// How long the local copy of what was archived stays.
    pub delete_after_archive: Duration,
    /// How long the local copy of what was restored stays.
    pub keep_restored: Duration,
}

impl Retention {
    /// Tells whether anything is ever archived.
    pub fn archives(&self) -> bool {
        let archive = Some(AfterProcessing::Archive);
        let by_rule = self.rules.iter().any(|rule| rule.after_processing == archive);
        by_rule || self.after_processing == AfterProcessing::Archive || self.archive_after.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterProcessing {
    Keep,
    Move,
    Archive,
    Delete,
}

#[derive(Clone, Debug)]
pub struct Serve {
    /// Port 0 takes any that is free.
    pub listen: SocketAddr,
    pub cors_origins: CorsOrigins,
    /// Who may look, with the Argon2 hash of the password.
    pub users: BTreeMap<String, Secret>,
    /// Programs that may look, with the SHA-256 of what they send.
    pub tokens: BTreeMap<String, Secret>,
}

impl Serve {
    /// Tells whether everybody is asked who they are.
    pub fn asks(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty()
    }
}

/// The web pages of other servers that may read what is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// As browsers send them, such as `https://example.org`; none where it is empty.
    Only(Vec<String>),
    Any,
}
