//! Events: observations told by object and place. Read `sighting.rs`, `link.rs`, `settle.rs` in this order.
//!
//! A segment's sightings follow from its results alone. Which sighting follows which is decided by those near it,
//! and chains of them are events: so the events are the same in whatever order segments are processed.

mod catch_up;
mod event;
mod link;
mod list;
mod page;
mod refresh;
mod rows;
mod settle;
mod sighting;
#[cfg(test)]
mod tests;
mod untold;
mod within;

pub use event::{BestView, Event, SegmentEvent};
pub use list::EventFilter;
pub(crate) use list::{EVENT, as_json, conditions, read_event, under};
pub use page::Place;
pub(crate) use settle::replace;
pub(crate) use within::within;

/// Seconds without a sign after which an event is over, where nobody says otherwise.
pub const DEFAULT_GAP_S: u32 = 60;
