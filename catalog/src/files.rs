//! Durable files: what appears is whole and synced, what is renamed replaces nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::CatalogError;

/// Makes a folder and its parents; the folder's own name is synced.
pub fn create_folder(folder: &Path) -> Result<(), CatalogError> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(CatalogError::file("make the folder", folder))?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => Ok(()),
    }
}

/// Makes names in `folder` survive a power cut.
pub fn sync_folder(folder: &Path) -> Result<(), CatalogError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(CatalogError::file("sync the folder", folder))
}

/// Renames without replacing and syncs both folders. A taken name is `NameTaken`.
pub fn rename(from: &Path, to: &Path) -> Result<(), CatalogError> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Err(CatalogError::NameTaken { path: to.into() }),
        // File systems without RENAME_NOREPLACE (some FUSE and network ones) say INVAL: a hard link refuses a
        // taken name just as well.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => link_and_unlink(from, to)?,
        Err(errno) => return Err(CatalogError::file("rename", from)(errno.into())),
    }
    let folder_of = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    sync_folder(&folder_of(to))?;
    if folder_of(from) != folder_of(to) {
        sync_folder(&folder_of(from))?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is the module that removes")]
fn link_and_unlink(from: &Path, to: &Path) -> Result<(), CatalogError> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from).map_err(CatalogError::file("unlink", from)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Err(CatalogError::NameTaken { path: to.into() })
        }
        Err(e) => Err(CatalogError::file("rename", from)(e)),
    }
}

/// Writes a small file by staging name, sync and rename; an older file of that name is replaced whole.
#[expect(clippy::disallowed_methods, reason = "replaces on purpose, and syncs")]
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), CatalogError> {
    let staged = staging_name(path);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&staged)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&staged, path)
    };
    write().map_err(CatalogError::file("write", path))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Hidden, so that no listing of media or sidecars shows it.
fn staging_name(path: &Path) -> std::path::PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".staged");
    path.with_file_name(name)
}

/// Removes a file that may be gone already.
#[expect(clippy::disallowed_methods, reason = "this is the module that removes")]
pub(crate) fn remove(path: &Path) -> Result<(), CatalogError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(CatalogError::file("delete", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rename_never_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "a").unwrap();
        std::fs::write(&b, "b").unwrap();
        assert!(matches!(rename(&a, &b), Err(CatalogError::NameTaken { .. })));
        assert!(matches!(link_and_unlink(&a, &b), Err(CatalogError::NameTaken { .. })));
        assert_eq!(std::fs::read_to_string(&b).unwrap(), "b");
        assert_eq!(std::fs::read_to_string(&a).unwrap(), "a");
    }

    #[test]
    fn an_atomic_write_leaves_only_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
