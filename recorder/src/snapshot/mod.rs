//! Snapshots: keyframes at even intervals, as JPEGs in a folder.
//!
//! `tap` picks the keyframes; `studio` has pictures made of them, on a thread of its own, by a maker from outside:
//! this crate decodes nothing.

mod maker;
mod studio;
mod tap;

pub use maker::{SnapshotMaker, lacks_decoder};
pub(crate) use studio::start;
