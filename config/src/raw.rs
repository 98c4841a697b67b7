//! Raw settings: the file as written, key by key, with the defaults filled in and nothing checked.

use serde::{Deserialize, Serialize};

use crate::Secret;

mod archive;
mod camera;
#[cfg(test)]
pub(crate) mod keys;
mod retention;
mod snapshots;
mod store;
mod telling;

pub(crate) use archive::{RawArchive, RawStoragePrice};
pub(crate) use camera::{RawCamera, RawCameraVision, RawLens, RawView, RawZone};
pub(crate) use retention::RawRetentionRule;
pub(crate) use snapshots::RawSnapshots;
pub(crate) use store::{RawSecret, RawStore};
pub(crate) use telling::{RawHook, RawMqtt, RawReport};

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSettings {
    pub(crate) storage: RawStorage,
    pub(crate) camera: Vec<RawCamera>,
    pub(crate) process: RawProcess,
    pub(crate) gate: RawGate,
    pub(crate) detect: RawDetect,
    /// Absent: no call is made.
    pub(crate) vision: Option<RawVision>,
    pub(crate) events: RawEvents,
    pub(crate) retention: RawRetention,
    /// Absent: nothing is archived.
    pub(crate) archive: Option<RawArchive>,
    /// Absent: snapshots stay in their folders.
    pub(crate) snapshots: Option<RawSnapshots>,
    /// Absent: nobody is told.
    pub(crate) hook: Option<RawHook>,
    /// Absent: no broker is told.
    pub(crate) mqtt: Option<RawMqtt>,
    /// Absent: no report is written by itself.
    pub(crate) report: Option<RawReport>,
    pub(crate) serve: RawServe,
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawStorage {
    /// The folder of the cameras' folders; required.
    pub(crate) root: Option<String>,
    /// Catalogue and locks, on a local disk; default `<root>/.nightreel`.
    pub(crate) state_dir: Option<String>,
    /// Time zone of the times in file names; default `UTC`.
    pub(crate) name_timezone: String,
    /// Seconds a file of another recorder must stand still before it counts as complete; default 5.
    pub(crate) settle_seconds: i64,
    /// Seconds between two walks over the whole root; default 30.
    pub(crate) scan_seconds: i64,
}

impl Default for RawStorage {
    fn default() -> Self {
        Self {
            root: None,
            state_dir: None,
            name_timezone: "UTC".to_owned(),
            settle_seconds: 5,
            scan_seconds: 30,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawProcess {
    /// Frames 0, N, 2N … of each segment are looked at; default 30.
    pub(crate) every_nth_frame: i64,
    /// `exact`, `activity` or `keyframes`; default `exact`.
    pub(crate) sampling: String,
    /// Time zone of the windows; default `UTC`.
    pub(crate) timezone: String,
    /// When the heavy work may run, such as `22:00-06:00`; default none, which is always.
    pub(crate) windows: Vec<String>,
    /// Footage that began longer ago than this is looked at outside the windows too; default none.
    pub(crate) deadline_hours: Option<f64>,
    /// While less than this is free on the disk of the root, the windows do not count; default none.
    pub(crate) urgent_when_disk_below_gb: Option<f64>,
    /// Segments looked at side by side; default one per processor core.
    pub(crate) workers: Option<i64>,
    /// Failures after which a segment is quarantined; default 3.
    pub(crate) max_attempts: i64,
}

impl Default for RawProcess {
    fn default() -> Self {
        Self {
            every_nth_frame: 30,
            sampling: "exact".to_owned(),
            timezone: "UTC".to_owned(),
            windows: Vec::new(),
            deadline_hours: None,
            urgent_when_disk_below_gb: None,
            workers: None,
            max_attempts: 3,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawGate {
    /// Lets only frames in which something changed be looked at; default true.
    pub(crate) enabled: bool,
    /// Grey levels of 255 by which a tile must change beyond its usual noise; 0.1 to 255, default 4.
    pub(crate) threshold: f64,
    /// Seconds between two frames that are looked at whatever they show; default 600.
    pub(crate) heartbeat_seconds: i64,
    /// Share of the quiet frames that are looked at to measure what is missed; 0 to 1, default 0.01.
    pub(crate) audit_share: f64,
}

impl Default for RawGate {
    fn default() -> Self {
        Self { enabled: true, threshold: 4.0, heartbeat_seconds: 600, audit_share: 0.01 }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawDetect {
    /// Looks for objects at all; default true.
    pub(crate) enabled: bool,
    /// Labels to report; default none named, which is all of the model.
    pub(crate) labels: Vec<String>,
    /// What scores less is not reported; 0 to 1, default 0.40.
    pub(crate) min_score: f64,
    /// Side of the square that a picture is shrunk to, in pixels; default 416, or what the own model takes.
    pub(crate) input_px: Option<i64>,
    /// ONNX file of an own model; default none, the one that ships with the program.
    pub(crate) model: Option<String>,
    /// `nanodet`, `yolox` or `yolov8`; default as the shapes of the own model's outputs tell.
    pub(crate) layout: Option<String>,
    /// Labels of the own model, in its order; default those of COCO.
    pub(crate) model_labels: Vec<String>,
    /// File with these labels, one a line; default none.
    pub(crate) model_labels_file: Option<String>,
    /// ONNX Runtime's shared library, to run the model by; default none, OpenCV runs it.
    pub(crate) onnxruntime: Option<String>,
}

impl Default for RawDetect {
    fn default() -> Self {
        Self {
            enabled: true,
            labels: Vec::new(),
            min_score: 0.40,
            input_px: None,
            model: None,
            layout: None,
            model_labels: Vec::new(),
            model_labels_file: None,
            onnxruntime: None,
        }
    }
}

impl RawDetect {
    /// Tells whether the model's labels are others than COCO's.
    pub(crate) fn has_own_labels(&self) -> bool {
        !self.model_labels.is_empty() || self.model_labels_file.is_some()
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawVision {
    /// Address of an OpenAI-compatible server, up to before `/chat/completions`; required.
    pub(crate) base_url: Option<String>,
    /// Name of the model as the server knows it; required.
    pub(crate) model: Option<String>,
    /// `direct`, `flex` or `batch`, how it is asked; default `direct`.
    pub(crate) mode: String,
    /// Asks at the full price what the flex tier has no room for; default true.
    pub(crate) flex_fallback: bool,
    /// The key itself; default none. Better one of the next two.
    pub(crate) api_key: Option<Secret>,
    /// File that holds the key; default none.
    pub(crate) api_key_file: Option<String>,
    /// Environment variable that holds the key; default none.
    pub(crate) api_key_env: Option<String>,
    /// What every request carries besides; default nothing.
    pub(crate) header: Vec<RawHeader>,
    /// File with certificates (PEM) of authorities that are trusted as well; default none.
    pub(crate) ca_file: Option<String>,
    /// Address of a proxy; default none, whatever the environment says.
    pub(crate) proxy: Option<String>,
    /// What is asked about each picture; default `What is happening?`.
    pub(crate) prompt: Option<String>,
    /// File that holds it; default none.
    pub(crate) prompt_file: Option<String>,
    /// What the model is told beforehand; default nothing.
    pub(crate) system: Option<String>,
    /// File that holds it; default none.
    pub(crate) system_file: Option<String>,
    /// `json` or `text`, what the answer is in; default `json`.
    pub(crate) answer: String,
    /// `low` or `high`, how closely the model looks; default `low`.
    pub(crate) detail: String,
    /// Pictures of one activity that go in one request at most, 1 to 16; default 1.
    pub(crate) frames_per_request: i64,
    /// Sends pictures again, as large as they are, that the model wants to see larger; default false.
    pub(crate) second_look: bool,
    /// Asks at the end of a night for a few sentences per camera on what its captions tell; default false.
    pub(crate) digest: bool,
    /// Longer side of the picture sent, in pixels; default 1024.
    pub(crate) image_max_px: i64,
    /// JPEG quality of the picture sent, 1 to 100; default 80.
    pub(crate) jpeg_quality: i64,
    /// Longest answer, in tokens; default 300.
    pub(crate) max_output_tokens: i64,
    /// US dollars a day that are not exceeded, the rest waits for the next day; default none. Needs the price.
    pub(crate) max_usd_per_day: Option<f64>,
    /// Tokens a day, asked and answered together, that are not exceeded; default none.
    pub(crate) max_tokens_per_day: Option<i64>,
    /// Calls after which the rest waits for the next day; default 1000.
    pub(crate) max_calls_per_day: i64,
    /// Requests under way at once; default 4.
    pub(crate) concurrency: i64,
    /// Requests that go out in a minute at most; default none, no limit.
    pub(crate) requests_per_minute: Option<i64>,
    /// Tokens, asked and answered, in a minute at most; default none, no limit.
    pub(crate) tokens_per_minute: Option<i64>,
    /// Seconds that one request may take; default 120, and 900 with `mode = "flex"`.
    pub(crate) timeout_seconds: Option<i64>,
    /// Limits of batches.
    pub(crate) batch: RawBatch,
    /// What the models cost; default unknown, and costs are then not counted.
    pub(crate) price: Vec<RawPrice>,
}

impl Default for RawVision {
    fn default() -> Self {
        Self {
            base_url: None,
            model: None,
            mode: "direct".to_owned(),
            flex_fallback: true,
            api_key: None,
            api_key_file: None,
            api_key_env: None,
            header: Vec::new(),
            ca_file: None,
            proxy: None,
            prompt: None,
            prompt_file: None,
            system: None,
            system_file: None,
            answer: "json".to_owned(),
            detail: "low".to_owned(),
            frames_per_request: 1,
            second_look: false,
            digest: false,
            image_max_px: 1024,
            jpeg_quality: 80,
            max_output_tokens: 300,
            max_usd_per_day: None,
            max_tokens_per_day: None,
            max_calls_per_day: 1000,
            concurrency: 4,
            requests_per_minute: None,
            tokens_per_minute: None,
            timeout_seconds: None,
            batch: RawBatch::default(),
            price: Vec::new(),
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawBatch {
    /// Requests of one batch; default 50000.
    pub(crate) max_lines: i64,
    /// Megabytes (10⁶ bytes) of one batch; default 200.
    pub(crate) max_mb: f64,
    /// Batches that are begun in an hour; default 2000.
    pub(crate) max_per_hour: i64,
    /// Minutes that a question waits for others to go along; default 30.
    pub(crate) gather_minutes: f64,
    /// Seconds between two looks at what has become of a batch; default 60.
    pub(crate) poll_seconds: f64,
}

impl Default for RawBatch {
    fn default() -> Self {
        Self {
            max_lines: 50_000,
            max_mb: 200.0,
            max_per_hour: 2000,
            gather_minutes: 30.0,
            poll_seconds: 60.0,
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawHeader {
    /// Required.
    pub(crate) name: Option<String>,
    /// What it says; one of these three is required.
    pub(crate) value: Option<Secret>,
    /// File that holds it; default none.
    pub(crate) value_file: Option<String>,
    /// Environment variable that holds it; default none.
    pub(crate) value_env: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawPrice {
    /// Name of the model; required.
    pub(crate) model: Option<String>,
    /// US dollars per million tokens sent; required.
    pub(crate) input_per_million: Option<f64>,
    /// US dollars per million tokens answered; required.
    pub(crate) output_per_million: Option<f64>,
    /// The same in a batch; default half of `input_per_million`.
    pub(crate) batch_input_per_million: Option<f64>,
    /// The same in a batch; default half of `output_per_million`.
    pub(crate) batch_output_per_million: Option<f64>,
    /// Tokens of one picture at most; default reckoned from its size.
    pub(crate) image_tokens: Option<i64>,
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawEvents {
    /// Seconds without a sign after which an event is over; default 60.
    pub(crate) gap_seconds: i64,
    /// Megabytes (10⁶ bytes) of pictures of events that are kept, 0 for none; default 200.
    pub(crate) thumbnails_mb: i64,
}

impl Default for RawEvents {
    fn default() -> Self {
        Self { gap_seconds: 60, thumbnails_mb: 200 }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRetention {
    /// `move` to `processed/`, `keep` where it is, `archive` or `delete`; default `move`.
    pub(crate) after_processing: String,
    /// Days after which a segment is deleted; default none, age deletes nothing.
    pub(crate) max_age_days: Option<f64>,
    /// Gigabytes (10⁹ bytes) kept free by deleting the oldest; default none, no floor.
    pub(crate) min_free_gb: Option<f64>,
    /// Keeps the floor from deleting what was not looked at yet; default true.
    pub(crate) protect_unprocessed: bool,
    /// Days for which neither `after_processing` nor `max_gb` deletes a segment; default none.
    pub(crate) min_age_days: Option<f64>,
    /// Gigabytes that all segments may take together; default none, the disk's end.
    pub(crate) max_gb: Option<f64>,
    /// Days after which a segment is deleted that was given up; default none, never.
    pub(crate) failed_max_age_days: Option<f64>,
    /// Days after which a segment is deleted though nobody looked at it; default none, never.
    pub(crate) max_unprocessed_age_days: Option<f64>,
    /// Share of the segments, or of their bytes, that rules delete at once without being asked; default 0.5.
    pub(crate) guard_share: f64,
    /// What holds for some segments only; the first that fits counts.
    pub(crate) rule: Vec<RawRetentionRule>,
    /// Days after which a processed segment is archived; default none, with `archive` at once.
    pub(crate) archive_after_days: Option<f64>,
    /// Days that the local copy of what was archived stays; default 0.
    pub(crate) delete_after_archive_days: Option<f64>,
    /// Days that the local copy of what was restored stays; default 7.
    pub(crate) keep_restored_days: Option<f64>,
}

impl Default for RawRetention {
    fn default() -> Self {
        Self {
            after_processing: "move".to_owned(),
            max_age_days: None,
            min_free_gb: None,
            protect_unprocessed: true,
            min_age_days: None,
            max_gb: None,
            failed_max_age_days: None,
            max_unprocessed_age_days: None,
            guard_share: 0.5,
            rule: Vec::new(),
            archive_after_days: None,
            delete_after_archive_days: None,
            keep_restored_days: None,
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawServe {
    /// IP and port; default `127.0.0.1:8420`.
    pub(crate) listen: String,
    /// Web pages of other servers that may read the footage; `*` for all; default none.
    pub(crate) cors_origins: Vec<String>,
    /// Who may look; default none, and nobody is asked.
    pub(crate) user: Vec<RawUser>,
    /// Programs that may look; default none.
    pub(crate) token: Vec<RawToken>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawToken {
    /// Required.
    pub(crate) name: Option<String>,
    /// Of the token, as `nightreel serve --new-token` prints it; required.
    pub(crate) sha256: Option<Secret>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawUser {
    /// Required.
    pub(crate) name: Option<String>,
    /// As `nightreel serve --hash-password` prints it; required.
    pub(crate) password_hash: Option<Secret>,
}

impl Default for RawServe {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8420".to_owned(),
            cors_origins: Vec::new(),
            user: Vec::new(),
            token: Vec::new(),
        }
    }
}
