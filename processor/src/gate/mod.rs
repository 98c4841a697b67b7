//! The gate: which of the sampled frames are looked at.
//!
//! Every frame becomes a small grid of grey levels, which is compared, tile by tile, with the background of its
//! own segment. Read `judge.rs` for what is decided, `background.rs` for what counts as a change.

mod audit;
mod background;
mod grid;
mod judge;
mod median;
mod warm_up;

pub(crate) use audit::{Audit, is_in_place};
pub(crate) use background::Background;
pub(crate) use grid::Grid;
pub(crate) use judge::{Gate, Moment, Surroundings};
