//! The disk under the root, measured.

use std::path::Path;

use catalog::Disk;

use crate::RetentionError;

/// Measures the file system on which the root lies.
pub fn measure(root: &Path) -> Result<Disk, RetentionError> {
    Disk::measure(root).map_err(|source| RetentionError::Disk { path: root.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_no_more_free_than_in_all() {
        let folder = tempfile::tempdir().unwrap();
        let disk = measure(folder.path()).unwrap();
        assert!(disk.total > 0 && disk.free <= disk.total, "{disk:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = measure(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().contains("`/nowhere/at/all`"), "{error}");
        assert!(!error.is_retryable());
    }
}
