//! The walk over the media folder: which files are footage. Links are not followed; hidden files and live footage
//! are passed over.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use config::{CameraId, Settings};
use walkdir::{DirEntry, WalkDir};

use crate::carry::stat_of;
use crate::paths::{camera_of, is_live, special_folder};
use crate::{FileStat, MediaRoot, is_media};

/// The camera folders of a root.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    root: PathBuf,
    /// Empty: every folder is a camera's.
    cameras: BTreeSet<CameraId>,
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What cameras and other recorders put there.
    Incoming,
    /// What was moved into `processed/` and `failed/`.
    SetAside,
}

/// A file as it was found; its path is relative to the root.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) stat: FileStat,
}

impl Walk {
    pub(crate) fn new(root: &MediaRoot, settings: &Settings) -> Self {
        let cameras = settings.cameras.iter().map(|c| c.id.clone()).collect();
        Self { root: root.path().into(), cameras }
    }

    /// Calls `each` for every file of footage, or with what could not be read or taken, in words.
    pub(crate) fn each(&self, reach: Reach, mut each: impl FnMut(Result<Found, String>)) {
        self.each_entry(reach, |entry| match entry {
            Ok(entry) => self.look_at(&entry).into_iter().for_each(&mut each),
            Err(trouble) => each(Err(trouble)),
        });
    }

    /// Calls `each` for every file and folder.
    pub(crate) fn each_entry(&self, reach: Reach, mut each: impl FnMut(Result<DirEntry, String>)) {
        for folder in self.folders(&mut |trouble| each(Err(trouble))) {
            let walk = WalkDir::new(&folder).follow_root_links(false).same_file_system(true).into_iter();
            for entry in walk.filter_entry(|e| self.is_wanted(reach, e)) {
                match entry {
                    Ok(entry) => each(Ok(entry)),
                    Err(e) if is_gone(&e) => {}
                    Err(e) => each(Err(e.to_string())),
                }
            }
        }
    }

    /// Looks at one file of which an event told, if a walk would have found it.
    pub(crate) fn find(&self, file: &Path) -> Option<Found> {
        let path = file.strip_prefix(&self.root).ok()?.to_owned();
        let camera: CameraId = camera_of(&path)?.parse().ok()?;
        let known = self.cameras.is_empty() || self.cameras.contains(&camera);
        let hidden = path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
        let incoming =
            special_folder(&path).is_none() && !is_live(&path) && path.to_str().is_some() && is_media(&path);
        let mut folders = path.ancestors().skip(1).filter(|f| !f.as_os_str().is_empty());
        let in_place = folders.all(|f| self.root.join(f).symlink_metadata().is_ok_and(|m| m.is_dir()));
        let stat = stat_of(file).ok()??;
        (known && !hidden && incoming && in_place).then_some(Found { path, stat })
    }

    fn folders(&self, tell: &mut impl FnMut(String)) -> Vec<PathBuf> {
        if !self.cameras.is_empty() {
            let folders = self.cameras.iter().map(|camera| self.root.join(camera.as_str()));
            return folders.filter(|folder| is_folder(folder, tell)).collect();
        }
        let mut folders = Vec::new();
        for entry in WalkDir::new(&self.root).min_depth(1).max_depth(1).sort_by_file_name() {
            match entry {
                Ok(e) if e.file_type().is_dir() && names_a_camera(&e) => folders.push(e.into_path()),
                Ok(_) => {}
                Err(e) => tell(e.to_string()),
            }
        }
        folders
    }

    fn is_wanted(&self, reach: Reach, entry: &DirEntry) -> bool {
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let relative = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
        let set_aside = special_folder(relative).is_some();
        let right = match reach {
            Reach::Incoming => !set_aside,
            Reach::SetAside => entry.depth() == 0 || set_aside,
        };
        !hidden && !is_live(relative) && right
    }

    pub(crate) fn look_at(&self, entry: &DirEntry) -> Option<Result<Found, String>> {
        if entry.file_type().is_dir() || !is_media(entry.path()) {
            return None;
        }
        if !entry.file_type().is_file() {
            return Some(Err(format!("`{}` is {}", entry.path().display(), kind(entry))));
        }
        let path = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
        if path.to_str().is_none() {
            return Some(Err(format!(
                "`{}` has a name that is not UTF-8; rename it",
                entry.path().display()
            )));
        }
        match entry.metadata() {
            Ok(metadata) => Some(Ok(Found { path: path.into(), stat: FileStat::of(&metadata) })),
            Err(e) if is_gone(&e) => None,
            Err(e) => Some(Err(e.to_string())),
        }
    }
}

/// What went away while it was walked by was moved or deleted, as is the way of the world.
fn is_gone(error: &walkdir::Error) -> bool {
    error.io_error().is_some_and(|e| e.kind() == ErrorKind::NotFound)
}

fn is_folder(folder: &Path, tell: &mut impl FnMut(String)) -> bool {
    match folder.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            let folder = folder.display();
            tell(format!("`{folder}` is a link, which is not followed; mount the disk there instead"));
            false
        }
        Ok(metadata) => metadata.is_dir(),
        Err(_) => false,
    }
}

/// What is named like footage and is no file, with what to do.
fn kind(entry: &DirEntry) -> &'static str {
    match entry.file_type() {
        kind if kind.is_symlink() => "a link, which is not followed; put the file itself there",
        kind if kind.is_fifo() => "a pipe, not a file; take it away",
        _ => "a device or a socket, not a file; take it away",
    }
}

fn names_a_camera(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|n| n.parse::<CameraId>().is_ok() && n != "lost+found")
}
