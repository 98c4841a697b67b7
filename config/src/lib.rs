//! nightreel's settings: the only crate that reads TOML or the environment.
//!
//! Raw settings mirror the file; checked settings are what everyone else sees, and cannot be wrong. The page
//! to read first is `load.rs`.

mod archive;
mod asking;
mod camera;
mod check;
mod credentials;
mod detect;
mod dotenv;
mod environment;
mod error;
mod fault;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed;
mod hook;
mod labels;
mod lens;
mod load;
mod loaded;
mod money;
mod mqtt;
mod origin;
mod outputs;
mod overlay;
mod planned;
mod raw;
mod reading;
mod retention;
mod secret;
mod settings;
mod show;
mod source;
mod storage_class;
mod store;
mod template;
mod tree;
mod window;
mod wording;
mod zone;

pub use archive::{Archive, StoragePrice, Thaw, ThawTier};
pub use asking::{Batches, FlexFallback, VisionMode};
pub use camera::{Camera, CameraId, Framing, InvalidCameraId, View, ViewMode};
pub use detect::{Detect, DetectModel, Layout, MOST_INPUT_PX, ModelLabels};
pub use environment::Environment;
pub use error::{ConfigError, MissingSecret};
pub use fault::{Fault, Faults};
pub use hook::{Hook, HookCommand, Webhook};
pub use labels::{COCO_LABELS, plain_label};
pub use lens::{Lens, Mount, Placement, Projection};
pub use load::{FILE_NAME, defaults, load};
pub use loaded::Loaded;
pub use money::{Caps, Price, Rate, Rates, Usd};
pub use mqtt::Mqtt;
pub use origin::Origin;
pub use outputs::{Hls, Recording, Republish, Snapshots};
pub use retention::RetentionRule;
pub use secret::Secret;
pub use settings::{
    AfterProcessing, AnswerForm, CorsOrigins, Detail, Events, Gate, Header, Process, Retention, Sampling,
    SecondLook, Serve, Settings, Storage, Urgent, Vision,
};
pub use show::render_effective;
pub use source::{Input, InvalidAddress, NETWORK_PROTOCOLS, Source, Transport};
pub use store::{AzureLogin, AzurePlace, Bucket, GcsPlace, S3Login, S3Place, StorePlace};
pub use template::{Answers, CameraAnswers, StreamMode, camera_url, template};
pub use window::{InvalidWindow, WindowState, Windows};
pub use wording::{Filling, UnknownVariable, Variable, Wording};
pub use zone::{CameraDetect, Fill, Mask, Polygon, Reported, Zone};
