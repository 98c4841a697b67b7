//! What can go wrong with the archive.
//!
//! Policy: nothing local goes unless the store was seen to hold it, so that any of these only means that a bundle
//! waits for the next pass. What concerns one bundle is reported with it; a store that is out of reach ends the pass.

use std::io;
use std::path::PathBuf;

use catalog::CatalogError;
use object_store::Error as StoreError;

/// What S3 and Azure call a read of what is frozen, or thaws.
const FROZEN: [&str; 3] = ["InvalidObjectState", "BlobArchived", "BlobBeingRehydrated"];

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),

    #[error("the store `{url}` cannot be opened; see `[archive]` or `[snapshots]`")]
    Open { url: String, source: StoreError },

    #[error("the store's folder `{}` is not there; is its disk mounted?", folder.display())]
    NoFolder { folder: PathBuf },

    #[error(
        "the archive `{url}` holds none of the bundles that the catalogue knows of; is its disk mounted? \
         nothing was sent or deleted"
    )]
    Changed { url: String },

    #[error(
        "the store refuses to {doing} `{key}`: is the key of `[archive]` or `[snapshots]` the right one, and may it do \
         that?"
    )]
    Refused { doing: &'static str, key: String, source: StoreError },

    #[error("`{key}` must be thawed before it can be read: `nightreel restore` asks for it")]
    Frozen { key: String },

    #[error("the archive does not hold `{key}`")]
    Absent { key: String },

    #[error("cannot {doing} `{key}` in the store")]
    Unreachable { doing: &'static str, key: String, source: StoreError },

    #[error("the store answered {status} when asked to {doing} `{key}`: {text}")]
    Answered { doing: &'static str, key: String, status: u16, text: String },

    #[error("cannot {doing} `{key}` in the store")]
    Request { doing: &'static str, key: String, source: reqwest::Error },

    #[error("what the archive holds as `{key}` is not what was sent: {what}")]
    Damaged { key: String, what: &'static str },

    #[error("`{}` changed while it was bundled", file.display())]
    Moved { file: PathBuf },

    #[error("cannot read `{}`", file.display())]
    Read { file: PathBuf, source: io::Error },

    #[error("cannot write `{}`", file.display())]
    Write { file: PathBuf, source: io::Error },

    #[error("cannot seal for `archive.recipients`: {what}")]
    Seal { what: String },

    #[error(
        "`{key}` is sealed for {recipients}: set `archive.identity_file` to the file with the secret key of one \
         of them"
    )]
    NoKey { key: String, recipients: String },

    #[error(
        "`{key}` is sealed for {recipients}, and `archive.identity_file`, `{}`, holds the secret key of none of \
         them",
        file.display()
    )]
    OtherKey { key: String, recipients: String, file: PathBuf },

    #[error(
        "`archive.identity_file`, `{}`, holds no secret key: a line that begins with `AGE-SECRET-KEY-1`, as \
         `age-keygen` writes it",
        file.display()
    )]
    Keyless { file: PathBuf },

    #[error("cannot start the runtime of the archive")]
    Runtime { source: io::Error },

    #[error("`{key}` is in another archive, `{store}`; set `archive.url` to it")]
    OtherStore { key: String, store: String },

    /// The program is ending.
    #[error("ended before it was done")]
    Ended,
}

impl ArchiveError {
    /// Says what the store's error means.
    pub(super) fn of_store(doing: &'static str, key: &str, source: StoreError) -> Self {
        let key = key.to_owned();
        match source {
            StoreError::NotFound { .. } => Self::Absent { key },
            // S3 says 403 both to strangers and of what is frozen; Azure says 409.
            source if FROZEN.iter().any(|code| told(&source).contains(code)) => Self::Frozen { key },
            StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                Self::Refused { doing, key, source }
            }
            source => Self::Unreachable { doing, key, source },
        }
    }

    /// Tells whether the next bundle would fare the same.
    pub fn is_of_the_store(&self) -> bool {
        matches!(
            self,
            Self::Open { .. }
                | Self::NoFolder { .. }
                | Self::Changed { .. }
                | Self::Refused { .. }
                | Self::Unreachable { .. }
                | Self::Request { .. }
                | Self::Ended
        )
    }
}

/// Returns an error and its causes as one text.
fn told(error: &StoreError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
