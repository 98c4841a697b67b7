//! The pipeline on real clips, with a real catalogue and a real media folder: what a run leaves behind.

#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[expect(dead_code, reason = "the tests of exactness share the clips and make more of them")]
#[path = "../exactness/clips.rs"]
mod clips;
#[expect(dead_code, reason = "the program's own tests share the server and use other parts of it")]
#[path = "../../../tests/support/vision_server.rs"]
mod vision_server;

mod asking;
mod backlog;
mod ending;
mod home;
mod isolation;
mod named;
mod quarantine;
mod stills;
mod windows;
