//! Why a segment has no results yet, and the sign of life that a long look gives.

use std::time::Duration;

use crate::draft::Draft;
use crate::error::ProcessorError;
use crate::vision::VisionError;

/// What kept a segment from being finished; each has its own way back into the queue.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    /// Looking again is no use.
    #[error("{0}")]
    Unreadable(String),
    /// May go well next time; counts as an attempt.
    #[error("{0}")]
    Retry(String),
    #[error("the file changed while it was looked at: somebody still writes to it")]
    Changed,
    /// The vision model is out of reach.
    #[error("{reason}")]
    Later { after: Duration, reason: String },
    #[error("{reason}")]
    CapReached { camera: Option<String>, reason: String },
    /// It was looked at; its answers come with a batch.
    #[error("waits for answers that come with a batch")]
    Gathered(Box<Draft>),
    /// Not all answers of a draft are there: the footage has to be looked at again.
    #[error("not all of its answers came with a batch")]
    NotAnswered,
    #[error("the run is ending")]
    Ending,
    /// Another worker has it now.
    #[error("the lease ran out")]
    LeaseLost,
    #[error(transparent)]
    Fatal(#[from] ProcessorError),
}

/// Is called between steps: prolongs the lease, and says when to stop.
pub(crate) type Progress<'a> = dyn FnMut() -> Result<(), Unfinished> + 'a;

impl From<VisionError> for Unfinished {
    fn from(error: VisionError) -> Self {
        match error {
            VisionError::GiveBack { after, reason } => Self::Later { after, reason },
            VisionError::CapReached(reached) => {
                Self::CapReached { reason: reached.to_string(), camera: reached.camera }
            }
            VisionError::Unasked(_) => Self::NotAnswered,
            VisionError::Catalog(source) => Self::Fatal(source.into()),
            VisionError::Stop { .. } | VisionError::Setup { .. } => {
                Self::Fatal(ProcessorError::Vision(error))
            }
        }
    }
}

impl From<catalog::CatalogError> for Unfinished {
    fn from(error: catalog::CatalogError) -> Self {
        Self::Fatal(error.into())
    }
}
