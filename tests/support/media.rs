//! The folders that stories look into: which files are there, and whether they stayed as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::footage::{Clip, footage};

/// Lists the files of a folder, not of those below it, in order. A folder that is not there is empty.
fn named(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut found: Vec<_> = files
        .filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Lists the segments that the recorder has closed.
pub(crate) fn finished(folder: &Path) -> Vec<PathBuf> {
    named(folder, |name| name.starts_with("segment_") && name.ends_with(".mp4"))
}

/// Lists the segments that are being recorded.
pub(crate) fn partials(folder: &Path) -> Vec<PathBuf> {
    named(folder, |name| name.ends_with(".partial"))
}

pub(crate) fn sidecars(folder: &Path) -> Vec<PathBuf> {
    named(folder, |name| !name.starts_with('.') && name.ends_with(".json"))
}

/// Returns the names alone, which outlive a move.
pub(crate) fn names(files: &[PathBuf]) -> BTreeSet<String> {
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(name).collect()
}

pub(crate) fn files_under(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_under(&entry.path()));
        } else {
            files.insert(entry.path());
        }
    }
    files
}

/// Returns every file under a root with the hash of its content, but for nightreel's own state.
pub(crate) fn contents(root: &Path) -> BTreeMap<PathBuf, String> {
    let of_state = |file: &PathBuf| file.starts_with(root.join(".nightreel"));
    files_under(root)
        .into_iter()
        .filter(|file| !of_state(file))
        .map(|file| (file.clone(), sha256(&file)))
        .collect()
}

pub(crate) fn sha256(file: &Path) -> String {
    digest(&fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// Hashes bytes, and writes the hash as sidecars do.
pub(crate) fn digest(bytes: &[u8]) -> String {
    catalog::hex(&Sha256::digest(bytes))
}

/// Makes a file look as if it was last written to an hour ago: nobody writes to it any more.
pub(crate) fn let_rest(file: &Path) {
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().append(true).open(file).unwrap().set_modified(an_hour_ago).unwrap();
}

/// Puts so many segments of six seconds into the folder of the camera `gate`, at most ten, as a recorder would that
/// began at 22:00:00.
pub(crate) fn put_segments(root: &Path, count: u32) {
    let gate = root.join("gate");
    fs::create_dir_all(&gate).unwrap();
    for part in 0..count {
        let second = 6 * part;
        let segment = gate.join(format!("segment_20261122_2200{second:02}.mp4"));
        fs::copy(footage(Clip { from_s: second, ..Clip::default() }), &segment).unwrap();
        let_rest(&segment);
    }
}
