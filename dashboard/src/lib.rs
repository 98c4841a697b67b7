//! nightreel's web server.

mod error;
mod listen;
mod serve;

pub use error::DashboardError;
pub use listen::{Reach, bind};
pub use serve::serve;
