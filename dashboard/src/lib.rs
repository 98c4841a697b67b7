//! nightreel's web server: for now the media folder, read-only, with byte ranges.
//!
//! `media` wires the router; a request for a file goes host → path → open → answer. `serve` attends to the
//! connections.

mod answer;
mod error;
mod host;
mod kind;
mod listen;
mod media;
mod open;
mod origin;
mod path;
mod range;
mod serve;

pub use error::DashboardError;
pub use listen::{Reach, bind};
pub use media::{MediaServer, media};
pub use serve::serve;
