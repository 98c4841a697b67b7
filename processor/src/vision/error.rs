//! The errors of the vision client: situations in which a segment cannot be finished now.

use std::time::Duration;

use catalog::{CapReached, CatalogError};

use super::look::Look;

/// Tells why a look brought neither a caption nor a failed observation. A request that the server
/// refuses for good is no error: it becomes an [`Answer`](super::Answer) that says so.
#[derive(Debug, thiserror::Error)]
pub enum VisionError {
    /// The job goes back to the queue; asking again before `after` is useless.
    #[error("{reason}")]
    GiveBack { after: Duration, reason: String },
    /// No request of this run can succeed; a person must act.
    #[error("{reason}")]
    Stop { reason: String },
    #[error("{0}")]
    CapReached(CapReached),
    /// Nothing was asked: it goes with a batch, or is with one.
    #[error("it goes with a batch")]
    Unasked(Box<Look>),
    #[error("cannot prepare the vision client: {reason}")]
    Setup { reason: String },
    #[error("cannot keep the ledger of vision calls")]
    Catalog(#[from] CatalogError),
}

impl VisionError {
    /// Tells whether the same look may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::GiveBack { .. } | Self::CapReached(_) | Self::Unasked(_) => true,
            Self::Stop { .. } | Self::Setup { .. } => false,
            Self::Catalog(error) => error.is_retryable(),
        }
    }
}
