//! The recorder against a real RTSP server: what was sent must be what lies in the files.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]
#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]

mod clip;
mod clock;
mod disk;
mod fake_camera;
mod faults;
mod gaps;
mod hls;
mod log;
mod other_inputs;
mod parse;
#[path = "../../src/hls/check.rs"]
mod playlist;
mod recording;
mod recovery;
mod recovery_campaign;
mod republish;
mod snapshots;
mod station;
