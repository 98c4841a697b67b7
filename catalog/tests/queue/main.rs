//! The work queue: its contract, and what only the one in the catalogue does.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod embedded;
mod suite;
