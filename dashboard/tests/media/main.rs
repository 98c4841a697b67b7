//! The media folder over real connections.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod client;
mod growing;
mod pages;
mod ranges;
mod refused;
mod site;
