//! Locks: one holder per camera and role, one mover of media and one opener of the catalogue at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use config::CameraId;

use crate::{Catalog, CatalogError, files};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Record,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
        }
    }
}

/// Held until dropped; the kernel lets go of it when the process dies. The file itself stays: removing it
/// would let two processes lock two files of one name.
#[derive(Debug)]
pub struct CameraLock {
    _file: File,
}

impl CameraLock {
    pub fn take(state_dir: &Path, camera: &CameraId, role: Role) -> Result<Self, CatalogError> {
        let (file, path) = open(state_dir, &format!("{camera}.{}.lock", role.as_str()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(CatalogError::CameraLocked { camera: camera.to_string(), role: role.as_str() })
            }
            Err(TryLockError::Error(e)) => Err(CatalogError::file("lock", path)(e)),
        }
    }
}

/// The right to talk with the provider of batches: one holder per catalogue.
#[derive(Debug)]
pub struct BatchLock {
    _file: File,
}

impl BatchLock {
    /// Returns `None` where another thread or process has it.
    pub fn try_take(catalog: &Catalog) -> Result<Option<Self>, CatalogError> {
        let (file, path) = open(catalog.state_dir(), ".batch.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(CatalogError::file("lock", path)(e)),
        }
    }
}

/// The turn to move or delete: one holder per catalogue, over all threads and processes. Held for one file.
#[derive(Debug)]
pub(crate) struct MediaLock {
    _file: File,
}

impl MediaLock {
    /// Waits for the turn.
    pub(crate) fn take(state_dir: &Path) -> Result<Self, CatalogError> {
        let (file, path) = open(state_dir, ".media.lock")?;
        file.lock().map_err(CatalogError::file("lock", path))?;
        Ok(Self { _file: file })
    }
}

/// The turn to send bundles: one sender per catalogue, over all threads and processes. Held for hours.
#[derive(Debug)]
pub struct ArchiveLock {
    _file: File,
}

impl ArchiveLock {
    /// Nothing where another holds it.
    pub(crate) fn take(state_dir: &Path) -> Result<Option<Self>, CatalogError> {
        let (file, path) = open(state_dir, ".archive.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(CatalogError::file("lock", path)(e)),
        }
    }
}

/// The turn to open the catalogue, since making its tables is not for two at once. Held for a moment.
#[derive(Debug)]
pub(crate) struct OpeningLock {
    _file: File,
}

impl OpeningLock {
    /// Waits for the turn.
    pub(crate) fn take(state_dir: &Path) -> Result<Self, CatalogError> {
        let (file, path) = open(state_dir, ".opening.lock")?;
        file.lock().map_err(CatalogError::file("lock", path))?;
        Ok(Self { _file: file })
    }
}

fn open(state_dir: &Path, name: &str) -> Result<(File, PathBuf), CatalogError> {
    let folder = state_dir.join("locks");
    files::create_folder(&folder)?;
    let path = folder.join(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(CatalogError::file("open the lock", &path))?;
    Ok((file, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let camera: CameraId = "gate".parse().unwrap();
        let first = CameraLock::take(folder.path(), &camera, Role::Record).unwrap();
        let refused = CameraLock::take(folder.path(), &camera, Role::Record).unwrap_err();
        assert!(refused.to_string().contains("gate"), "{refused}");
        drop(first);
        CameraLock::take(folder.path(), &camera, Role::Record).unwrap();
    }
}
