//! Tells which nightreel processes are alive, so that the work of a killed one is taken up at once.
//!
//! Each process that leases or pays holds a lock named by its random id; the kernel lets go of it when the
//! process dies, however it dies. Waiting for a lease to run out would cost minutes of the night.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{CatalogError, files};

/// This process's own mark of life, made when it is first needed.
#[derive(Debug)]
pub(crate) struct Alive {
    id: String,
    folder: PathBuf,
    held: Mutex<Option<File>>,
}

impl Alive {
    pub(crate) fn new(state_dir: &Path) -> Self {
        let id = format!("{:016x}", fastrand::u64(..));
        Self { id, folder: state_dir.join("locks"), held: Mutex::new(None) }
    }

    /// Returns this process's id, with its lock held.
    pub(crate) fn id(&self) -> Result<&str, CatalogError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            files::create_folder(&self.folder)?;
            let path = self.path_of(&self.id);
            let file = File::create(&path).map_err(CatalogError::file("make the lock", &path))?;
            file.try_lock().map_err(|e| CatalogError::file("lock", &path)(e.into()))?;
            *held = Some(file);
        }
        Ok(&self.id)
    }

    /// Tells whether a process ended. Its lock file is removed on the way.
    pub(crate) fn is_dead(&self, id: &str) -> bool {
        if id == self.id {
            return false;
        }
        let path = self.path_of(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => return error.kind() == ErrorKind::NotFound,
        };
        // Shared: two that ask at once must not take each other for the living process.
        let dead = file.try_lock_shared().is_ok();
        if dead && let Err(error) = files::remove(&path) {
            tracing::debug!(path = %path.display(), %error, "cannot remove the lock of an ended process");
        }
        dead
    }

    fn path_of(&self, id: &str) -> PathBuf {
        self.folder.join(format!("process.{id}.lock"))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if held.is_some()
            && let Err(error) = files::remove(&self.path_of(&self.id))
        {
            tracing::debug!(%error, "cannot remove the lock of this process");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_while_it_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Alive::new(folder.path()), Alive::new(folder.path()));
        let id = one.id().unwrap().to_owned();
        assert!(!other.is_dead(&id));
        assert!(!one.is_dead(&id));
        drop(one);
        assert!(other.is_dead(&id));
    }

    #[test]
    fn a_lock_without_a_holder_is_a_dead_process() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Alive::new(folder.path());
        alive.id().unwrap();
        let left_behind = folder.path().join("locks/process.killed.lock");
        std::fs::write(&left_behind, "").unwrap();
        assert!(alive.is_dead("killed"));
        assert!(!left_behind.exists());
    }
}
