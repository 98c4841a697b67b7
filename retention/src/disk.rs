//! The disk under the root, measured.

use std::path::Path;

use serde::Serialize;

use crate::RetentionError;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// What a user without privileges can still write.
    pub free: u64,
    pub total: u64,
}

impl Disk {
    /// Measures the file system on which `path` lies.
    pub fn measure(path: &Path) -> Result<Self, RetentionError> {
        let found = rustix::fs::statvfs(path)
            .map_err(|errno| RetentionError::Disk { path: path.into(), source: errno.into() })?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_no_more_free_than_in_all() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::measure(folder.path()).unwrap();
        assert!(disk.total > 0 && disk.free <= disk.total, "{disk:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Disk::measure(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().contains("`/nowhere/at/all`"), "{error}");
        assert!(!error.is_retryable());
    }
}
