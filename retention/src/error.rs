//! What can go wrong with retention.
//!
//! Policy: a file that cannot be moved or deleted is reported with the others of its pass and holds up nothing; a
//! disk that is not the one it should be ends the pass at once.

use std::io;
use std::path::PathBuf;

use catalog::CatalogError;

#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),

    #[error("cannot measure the free space of `storage.root` = `{}`", path.display())]
    Disk { path: PathBuf, source: io::Error },

    #[error("`retention.min_free_gb` asks for {floor} bytes, and the whole disk has {total}; lower it")]
    FloorAboveDisk { floor: u64, total: u64 },
}

impl RetentionError {
    /// Tells whether the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Catalog(source) => source.is_retryable(),
            Self::Disk { .. } | Self::FloorAboveDisk { .. } => false,
        }
    }
}
