//! What stops a whole run of processing, as opposed to what befalls one segment.
//!
//! Policy: what is wrong with a segment is told through its job (given back, or buried with the reason) and
//! never ends the run; what is wrong with the settings, the model, the key or the catalogue ends it at once,
//! with every lease given back.

use std::error::Error;

use catalog::CatalogError;

use crate::decoding::DecodeError;
use crate::detect::DetectError;
use crate::view::ViewError;
use crate::vision::VisionError;

#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    #[error("camera `{camera}` cannot be dewarped; look at its `lens` and `view` keys")]
    View { camera: String, source: ViewError },

    #[error("the detector cannot be used; `detect.enabled = false` turns it off")]
    Detect(#[from] DetectError),

    #[error("no file can be decoded")]
    Decode(#[source] DecodeError),

    #[error("the vision model cannot be asked")]
    Vision(#[source] VisionError),

    #[error(transparent)]
    Catalog(#[from] CatalogError),

    #[error("a worker panicked; this is a fault of nightreel")]
    Panicked,
}

/// Returns the text of an error and of everything that caused it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
