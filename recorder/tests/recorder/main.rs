//! The recorder against a real RTSP server: what was sent must be what lies in the files.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]
#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]

mod clip;
mod clock;
mod codecs;
mod disk;
mod fake_camera;
mod faults;
mod gaps;
mod hls;
#[path = "../hostile/hostile_camera.rs"]
#[allow(dead_code, reason = "shared with the tests of hostile cameras")]
mod hostile_camera;
mod log;
mod other_inputs;
mod parameters;
mod parse;
#[path = "../../src/hls/check.rs"]
mod playlist;
mod recording;
mod recovery;
mod republish;
mod snapshots;
mod station;
