//! Snapshots as files: which ones wait in a folder to be sent, and how one leaves it.

use std::io;
use std::path::{Path, PathBuf};

use crate::{CatalogError, files};

/// Tells whether the recorder names snapshots so: `YYYYMMDD_HHMMSS.jpg`, with an offset in an hour that the clocks
/// pass twice, and with a number where a name was taken.
pub fn is_picture(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".jpg") else { return false };
    let (Some(date), Some(rest)) = (stem.get(..9), stem.get(9..)) else { return false };
    let (Some(time), Some(rest)) = (rest.get(..6), rest.get(6..)) else { return false };
    let (offset, number) = rest.split_once('_').map_or((rest, "1"), |(offset, number)| (offset, number));
    let is_offset = |text: &str| text.len() == 5 && text.starts_with(['+', '-']) && are_digits(&text[1..]);
    date.strip_suffix('_').is_some_and(are_digits)
        && are_digits(time)
        && (offset.is_empty() || is_offset(offset))
        && are_digits(number)
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lists up to `most` snapshots of a folder, oldest names first. A folder that is not there holds none.
pub fn waiting(folder: &Path, most: usize) -> Result<Vec<PathBuf>, CatalogError> {
    let unread = |e| CatalogError::file("read the folder", folder)(e);
    let entries = match folder.read_dir() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unread)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let is_named = entry.file_name().to_str().is_some_and(is_picture);
        if is_named && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            found.push(entry.path());
        }
        if found.len() == most {
            break;
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a snapshot that is held elsewhere. Refuses whatever else.
pub fn remove(path: &Path) -> Result<(), CatalogError> {
    if !path.file_name().and_then(|name| name.to_str()).is_some_and(is_picture) {
        let refused = io::Error::new(io::ErrorKind::InvalidInput, "it is no snapshot");
        return Err(CatalogError::file("delete", path)(refused));
    }
    files::remove(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_told_by_its_name() {
        for name in ["20261122_115442.jpg", "20261122_115442_2.jpg", "20261025_023000+0200_12.jpg"] {
            assert!(is_picture(name), "{name}");
        }
        for name in [
            "",
            ".jpg",
            "holiday.jpg",
            "20261122_115442.jpeg",
            ".20261122_115442.jpg.staged",
            "20261122_115442_.jpg",
            "20261122_115442_x.jpg",
            "20261122-115442.jpg",
            "20261122_115442 (1).jpg",
            "20261122_11544ä.jpg",
            "20261122_115442+02.jpg",
        ] {
            assert!(!is_picture(name), "{name}");
        }
    }

    #[test]
    fn only_snapshots_wait_and_only_they_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            ["20261122_115443.jpg", "20261122_115442.jpg", "holiday.jpg", "segment_20261122_115442.mp4"]
        {
            std::fs::write(at(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("holiday.jpg"), at("20261122_115444.jpg")).unwrap();
        let found = waiting(folder.path(), 10).unwrap();
        assert_eq!(found, [at("20261122_115442.jpg"), at("20261122_115443.jpg")]);
        assert_eq!(waiting(folder.path(), 1).unwrap().len(), 1);
        assert!(waiting(&at("absent"), 10).unwrap().is_empty());
        assert!(remove(&at("holiday.jpg")).is_err() && at("holiday.jpg").exists());
        remove(&found[0]).unwrap();
        assert!(!found[0].exists());
    }
}
