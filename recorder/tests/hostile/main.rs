//! Cameras that mean harm, or are broken beyond all measure: they cost little, and nobody else a frame.

#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../recorder/clip.rs"]
#[allow(dead_code, reason = "shared with the tests of recording")]
mod clip;
#[path = "../recorder/fake_camera.rs"]
#[allow(dead_code, reason = "shared with the tests of recording")]
mod fake_camera;
#[path = "../recorder/parse.rs"]
#[allow(dead_code, reason = "shared with the tests of recording")]
mod parse;
#[path = "../recorder/station.rs"]
#[allow(dead_code, reason = "shared with the tests of recording")]
mod station;

mod answers;
mod descriptions;
mod farewell;
mod footage;
mod hostile_camera;
mod memory;
mod patience;
mod silence;
mod trial;

#[global_allocator]
static ALLOCATOR: nightreel_recorder::NotingAllocator = nightreel_recorder::NotingAllocator;
