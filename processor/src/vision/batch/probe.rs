//! The probe of batches: finds out without a billed call whether the vision server has them.

use config::Vision;

use super::super::error::VisionError;
use super::provider::{Provider, has_none};

/// Says what `GET {base_url}/batches` told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchProbe {
    Ready,
    /// The server has no batches.
    None {
        text: String,
    },
    Unreachable {
        text: String,
    },
}

impl BatchProbe {
    /// Asks the server for its list of batches, for `nightreel doctor`.
    pub async fn of(settings: &Vision) -> Result<Self, VisionError> {
        Ok(match Provider::new(settings)?.list(|_| true).await {
            Ok(()) => Self::Ready,
            Err(failure) if has_none(&failure) => Self::None { text: failure.to_string() },
            Err(failure) => Self::Unreachable { text: failure.to_string() },
        })
    }

    /// Tells the operator in one sentence what was found and what to do.
    pub fn advice(&self) -> String {
        match self {
            Self::Ready => "the vision server has batches".to_owned(),
            Self::None { text } => format!(
                "the vision server has no batches ({text}): pictures are asked about at once, at the full price; set \
                 `vision.mode` to `direct` or `flex`"
            ),
            Self::Unreachable { text } => {
                format!("the vision server does not list its batches ({text}): may the key use them?")
            }
        }
    }
}
