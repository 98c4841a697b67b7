//! Live: a running stream looked at as it comes, by the same stages as a segment.
//!
//! Read `watching.rs` first. `connection` keeps the stream coming, `mailbox` holds the one frame that waits, `presence`
//! tells which events begin.

mod connection;
mod mailbox;
mod presence;
mod watching;

pub use connection::{LiveFault, Reconnect};
pub use presence::Began;
pub use watching::{Live, LiveError, LiveSample, LiveSetup, LiveTally, LiveView};
