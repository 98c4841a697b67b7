//! nightreel's web server: pages, the API, and the media folder with byte ranges.
//!
//! `dashboard` wires all of it, `media` the footage alone: there a request goes host → path → open → answer. A page is
//! made on a blocking thread from the catalogue (`site`, `pages`, `page/`). `serve` attends to the connections.

mod access;
mod answer;
mod api;
mod bearer;
mod error;
mod fault;
mod figures;
mod host;
mod kept;
mod kind;
mod listen;
mod makers;
mod media;
mod metrics;
mod open;
mod origin;
mod packed;
mod page;
mod pages;
mod params;
mod password;
mod path;
mod range;
mod report;
mod serve;
mod sessions;
mod site;
mod token;

pub use bearer::NewToken;
pub use error::DashboardError;
pub use listen::{Reach, bind};
pub use makers::{Clip, ClipMaker, Footage, Makers, Moment, NotMade, StillMaker};
pub use media::{MediaServer, dashboard, media};
pub use password::hash_password;
pub use report::{night_before, night_span, report};
pub use serve::serve;
pub use site::{Figure, FigureError, Figures, Site};
