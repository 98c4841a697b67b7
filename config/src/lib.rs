//! nightreel's settings: the only crate that reads TOML or the environment.
//!
//! Raw settings mirror the file; checked settings are what everyone else sees, and cannot be wrong.

mod camera;
mod secret;
mod settings;
mod window;

pub use camera::{Camera, CameraId, InvalidCameraId, Lens, Mount, Projection, Source, View, ViewMode};
pub use secret::Secret;
pub use settings::{AfterProcessing, Detail, Detect, Price, Process, Retention, Settings, Storage, Vision};
pub use window::{InvalidWindow, WindowState, Windows};
