//! Durable files: what appears is whole and synced, what is renamed replaces nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{CatalogError, LIVE, PLAYLIST, is_map};

/// Makes a folder and its parents; the name of each that is made is synced.
pub fn create_folder(folder: &Path) -> Result<(), CatalogError> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new(""));
    create_folder(parent)?;
    match std::fs::create_dir(folder) {
        // Made by somebody else a moment ago: whether its name is synced already is not known.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made.map_err(CatalogError::file("make the folder", folder))?,
    }
    sync_folder(parent)
}

/// Makes names in `folder` survive a power cut.
pub fn sync_folder(folder: &Path) -> Result<(), CatalogError> {
    // The parent of a bare name.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
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

#[expect(clippy::disallowed_methods, reason = "this is the module that renames and removes")]
fn link_and_unlink(from: &Path, to: &Path) -> Result<(), CatalogError> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from).map_err(CatalogError::file("unlink", from)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Err(CatalogError::NameTaken { path: to.into() })
        }
        // Without hard links either (exFAT by FUSE) a look at the name has to do.
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
            if to.symlink_metadata().is_ok() {
                return Err(CatalogError::NameTaken { path: to.into() });
            }
            std::fs::rename(from, to).map_err(CatalogError::file("rename", from))
        }
        Err(e) => Err(CatalogError::file("rename", from)(e)),
    }
}

/// Writes a small file by staging name, sync and rename; an older file of that name is replaced whole.
#[expect(clippy::disallowed_methods, reason = "replaces on purpose, and syncs")]
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), CatalogError> {
    let staged = stage(path, &mut &content[..]).map_err(CatalogError::file("write", path))?;
    staged.file.sync_all().map_err(CatalogError::file("write", path))?;
    std::fs::rename(&staged.path, path).map_err(CatalogError::file("write", path))?;
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

/// As `write_atomically`, but for what is large and comes piece by piece; where it ends with an error nothing stays.
#[expect(clippy::disallowed_methods, reason = "replaces on purpose, and syncs")]
pub fn write_atomically_from(path: &Path, content: &mut impl Read) -> Result<(), CatalogError> {
    let staged = match stage(path, content) {
        Ok(staged) => staged,
        Err(error) => {
            remove(&staging_name(path))?;
            return Err(CatalogError::file("write", path)(error));
        }
    };
    staged.file.sync_all().map_err(CatalogError::file("write", path))?;
    std::fs::rename(&staged.path, path).map_err(CatalogError::file("write", path))?;
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

/// As `write_atomically`, but syncs nothing: readers see the whole old or the whole new file, and only a power
/// cut may leave neither. For what is written anew every few seconds and can be done without.
#[expect(clippy::disallowed_methods, reason = "replaces on purpose; its callers can do without the file")]
pub fn replace_unsynced(path: &Path, content: &[u8]) -> Result<(), CatalogError> {
    let staged = stage(path, &mut &content[..]).map_err(CatalogError::file("write", path))?;
    std::fs::rename(&staged.path, path).map_err(CatalogError::file("write", path))
}

/// As `write_atomically`, but a file that is there already stays, and is `NameTaken`.
pub fn create_atomically(path: &Path, content: &[u8]) -> Result<(), CatalogError> {
    let staged = stage(path, &mut &content[..]).map_err(CatalogError::file("write", path))?;
    staged.file.sync_all().map_err(CatalogError::file("write", path))?;
    let created = rename(&staged.path, path);
    if created.is_err() {
        remove(&staged.path)?;
    }
    created
}

struct Staged {
    path: PathBuf,
    /// Locked until the file has its name.
    file: File,
}

/// Writes under the staging name. The name is always the same, so that a kill leaves nothing behind
/// that the next try does not take away; a lock keeps two writers from writing into one file.
fn stage(path: &Path, content: &mut impl Read) -> io::Result<Staged> {
    let staged = staging_name(path);
    loop {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&staged)?;
        match file.lock() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // Not every network file system has locks; there a second writer has to be risked.
            Err(error) => tracing::debug!(path = %staged.display(), %error, "cannot lock"),
            Ok(()) => {}
        }
        // Whoever held the lock has given the file its name by now.
        if !staged.symlink_metadata().is_ok_and(|m| m.ino() == file.metadata().map_or(0, |own| own.ino())) {
            continue;
        }
        file.set_len(0)?;
        io::copy(content, &mut file)?;
        return Ok(Staged { path: staged, file });
    }
}

/// Hidden, so that no listing of media or sidecars shows it.
fn staging_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".staged");
    path.with_file_name(name)
}

/// Takes back a file that the caller has just made and could not put anything into.
pub fn take_back(made: &Path) -> Result<(), CatalogError> {
    remove(made)
}

/// Removes what is there for a live playlist alone: footage in a folder of that name, a map, or the playlist with
/// what a kill left of writing it. Refuses whatever else, so that no fault of a playlist can cost a recording.
pub fn remove_live(path: &Path) -> Result<(), CatalogError> {
    let folder = path.parent().and_then(Path::file_name);
    let is_playlist = path.file_name().is_some_and(|name| name == PLAYLIST);
    if folder.is_none_or(|name| name != LIVE) && !is_map(path) && !is_playlist {
        let refused = io::Error::new(io::ErrorKind::InvalidInput, "it is no live footage");
        return Err(CatalogError::file("delete", path)(refused));
    }
    if is_playlist {
        remove(&staging_name(path))?;
    }
    remove(path)
}

/// Puts `new` in the place of `current`, which stays beside as `kept`. At every moment one of the two is there, whole.
#[expect(clippy::disallowed_methods, reason = "replaces on purpose, and keeps what was there")]
pub(crate) fn replace_keeping(current: &Path, new: &Path, kept: &Path) -> Result<(), CatalogError> {
    match std::fs::hard_link(current, kept) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // A file system without hard links.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            std::fs::copy(current, kept).map_err(CatalogError::file("keep", current))?;
        }
        Err(error) => return Err(CatalogError::file("keep", current)(error)),
    }
    let folder = current.parent().unwrap_or(Path::new(""));
    sync_folder(folder)?;
    std::fs::rename(new, current).map_err(CatalogError::file("put into place", new))?;
    sync_folder(folder)
}

/// Renames a file that may not be there; what is at `to` already makes it fail.
pub(crate) fn set_aside(from: &Path, to: &Path) -> Result<(), CatalogError> {
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    rename(from, to)
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

    #[test]
    fn a_reader_sees_whole_files_while_they_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream.m3u8");
        let texts = ["a".repeat(100_000), "b".repeat(50_000)];
        replace_unsynced(&path, texts[0].as_bytes()).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for text in texts.iter().cycle().take(200) {
                    replace_unsynced(&path, text.as_bytes()).unwrap();
                }
            });
            while !writer.is_finished() {
                assert!(texts.contains(&std::fs::read_to_string(&path).unwrap()));
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_replaced_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let [current, new, kept] = ["current", "new", "kept"].map(|name| folder.path().join(name));
        std::fs::write(&current, "former").unwrap();
        for text in ["one", "two"] {
            std::fs::write(&new, text).unwrap();
            let replaced = replace_keeping(&current, &new, &kept);
            // What is kept is never replaced in its turn.
            assert_eq!(replaced.is_ok(), text == "one");
        }
        assert_eq!(std::fs::read_to_string(&current).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "former");
    }

    #[test]
    fn only_live_footage_and_maps_are_removed_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("live")).unwrap();
        let (recorded, live, map) = (path("a.mp4"), path("live/a.mp4"), path("init_2.mp4"));
        let (playlist, staged, other) = (path(PLAYLIST), staging_name(&path(PLAYLIST)), path("a.m3u8"));
        [&recorded, &live, &map, &playlist, &staged, &other]
            .into_iter()
            .for_each(|file| std::fs::write(file, "x").unwrap());
        assert!(remove_live(&recorded).is_err() && remove_live(&other).is_err());
        remove_live(&playlist).unwrap();
        remove_live(&live).unwrap();
        remove_live(&map).unwrap();
        remove_live(&map).unwrap();
        assert!(recorded.exists() && other.exists() && !live.exists() && !map.exists());
        assert!(!playlist.exists() && !staged.exists());
    }

    #[test]
    fn what_a_killed_write_left_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(staging_name(&path), "a longer text that was cut sho").unwrap();
        write_atomically(&path, b"whole").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn writers_of_one_file_never_mix_their_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let texts = ["a".repeat(100_000), "b".repeat(50_000)];
        std::thread::scope(|scope| {
            for text in &texts {
                let path = &path;
                scope.spawn(move || {
                    (0..50).for_each(|_| write_atomically(path, text.as_bytes()).unwrap());
                });
            }
        });
        assert!(texts.contains(&std::fs::read_to_string(&path).unwrap()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn creating_leaves_alone_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("id");
        create_atomically(&path, b"first").unwrap();
        assert!(matches!(create_atomically(&path, b"second"), Err(CatalogError::NameTaken { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_are_made_with_their_parents_by_many_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| create_folder(&deep).unwrap());
            }
        });
        assert!(deep.is_dir());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(create_folder(&folder.path().join("file")).is_err());
    }
}
