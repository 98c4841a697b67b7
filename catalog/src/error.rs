//! What can go wrong with the catalogue and the media folder.
//!
//! Policy: a lock held by another process is waited for by SQLite itself (5 s) and is then retryable; a changed
//! root stops recording, reconciling and deleting until a person has looked; everything else is reported where
//! it is met, once.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("cannot {doing} in the catalogue `{}`", path.display())]
    Database { doing: &'static str, path: PathBuf, source: rusqlite::Error },

    #[error("the catalogue `{}` cannot be brought to this version's layout; it may come from a newer nightreel", path.display())]
    Migration { path: PathBuf, source: rusqlite_migration::Error },

    #[error("cannot {doing} `{}`", path.display())]
    File { doing: &'static str, path: PathBuf, source: io::Error },

    #[error(
        "`{}` is on a network file system, where SQLite loses data; set `storage.state_dir` to a folder on a local disk",
        path.display()
    )]
    NetworkDisk { path: PathBuf },

    #[error(
        "`storage.root` = `{}` is not the folder this catalogue belongs to ({found}); is its disk mounted? \
         nothing was recorded, moved or deleted",
        root.display()
    )]
    RootChanged { root: PathBuf, found: &'static str },

    #[error("camera `{camera}` is already in the hands of another nightreel ({role}); stop that one first")]
    CameraLocked { camera: String, role: &'static str },

    #[error("`{}` is taken", path.display())]
    NameTaken { path: PathBuf },

    #[error(
        "`{}` lies outside the media folder, by {by}; nothing there is moved or deleted: put it back, or take the \
         segment off the catalogue by moving the file away",
        path.display()
    )]
    OutsideRoot { path: PathBuf, by: &'static str },

    #[error("the catalogue in `{}` is in use by another nightreel; stop that one first", path.display())]
    InUse { path: PathBuf },

    #[error("segment {id} is not in the catalogue")]
    UnknownSegment { id: i64 },

    #[error("segment {id} was deleted")]
    SegmentDeleted { id: i64 },

    #[error("cannot watch `{}` for changes", path.display())]
    Watch { path: PathBuf, source: notify::Error },

    #[error("stored results of segment {id} cannot be read")]
    BrokenResults { id: i64, source: serde_json::Error },
}

impl CatalogError {
    /// Tells whether the same call may succeed later without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Database { source: rusqlite::Error::SqliteFailure(code, _), .. }
            if matches!(code.code, rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
    }

    /// Tells whether the disk with the catalogue takes nothing now: it is full, read-only or out of order.
    pub fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DiskFull, ReadOnly, SystemIoFailure};
        matches!(self, Self::Database { source: rusqlite::Error::SqliteFailure(code, _), .. }
            if matches!(code.code, CannotOpen | DiskFull | ReadOnly | SystemIoFailure))
    }

    /// Returns a closure for `map_err` that names the file and what was being done to it.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
