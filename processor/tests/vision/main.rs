//! The vision client against servers that misbehave: what it sends, what it pays for, when it gives up.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

#[path = "../../../tests/support/vision_server.rs"]
mod vision_server;

mod aimock;
mod campaign;
mod faults;
mod flex;
mod money;
mod outage;
mod requests;
mod setting;
