//! A folder as a store, and what a dead process left of an object there.

use std::path::Path;
use std::sync::Arc;

use catalog::files;
use object_store::local::LocalFileSystem;

use super::ArchiveError;

pub(super) fn open(folder: &Path) -> Result<Arc<LocalFileSystem>, ArchiveError> {
    if !folder.is_dir() {
        return Err(ArchiveError::NoFolder { folder: folder.to_owned() });
    }
    let unopened = |source| ArchiveError::Open { url: format!("file://{}", folder.display()), source };
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder).map_err(unopened)?.with_fsync(true)))
}

/// A folder's unfinished objects lie beside the finished one, as `NAME#1`.
pub(super) fn remove_staged(object: &Path) -> Result<(), ArchiveError> {
    let (Some(folder), Some(name)) = (object.parent(), object.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(());
    };
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    for entry in entries.flatten() {
        let of_this = |found: &str| found.strip_prefix(name).is_some_and(|rest| rest.starts_with('#'));
        if entry.file_name().to_str().is_some_and(of_this) {
            files::take_back(&entry.path())?;
        }
    }
    Ok(())
}
