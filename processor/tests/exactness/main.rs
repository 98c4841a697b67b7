//! Exactness: the sampled frames are those of a plain full decode, bit by bit, whatever the file is like.

#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod activity;
mod clips;
mod codecs;
mod containers;
mod damaged;
mod matrix;
#[path = "../../examples/sampling/night.rs"]
mod night;
mod reference;
mod refused;
#[path = "../../examples/sampling/stage.rs"]
mod stage;
mod times;
