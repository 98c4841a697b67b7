//! The recorder against a real RTSP server: what was sent must be what lies in the files.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod clip;
mod fake_camera;
mod faults;
mod other_inputs;
mod recording;
mod station;
