//! Live footage: the files that only the playlist needs, and their end.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use catalog::{CatalogError, files};

use crate::name;

/// Removes files of ours from a folder of live footage: those older than `keep` that are not `needed`. A file of
/// which the playlist lists something is, however old. The rest stays until the next file begins, so that a player
/// finds what it saw in the playlist a moment ago.
pub(crate) fn remove_old(
    folder: &Path,
    keep: Duration,
    now: SystemTime,
    is_needed: impl Fn(&str) -> bool,
) -> Result<(), CatalogError> {
    remove_where(folder, |finished, found| {
        let age = found.modified().ok().and_then(|at| now.duration_since(at).ok());
        !is_needed(finished) && age.is_some_and(|age| age > keep)
    })
}

/// Removes all files of ours: there is no playlist any more.
pub(super) fn remove_all(folder: &Path) -> Result<(), CatalogError> {
    remove_where(folder, |_, _| true)
}

fn remove_where(folder: &Path, is_over: impl Fn(&str, &Metadata) -> bool) -> Result<(), CatalogError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(finished) = name.to_str().and_then(finished_name) else { continue };
        let Ok(found) = entry.metadata() else { continue };
        if found.is_file() && is_over(finished, &found) {
            files::remove_live(&entry.path())?;
        }
    }
    Ok(())
}

/// Returns the name that a file of ours has or, left behind by a kill, was to have.
fn finished_name(name: &str) -> Option<&str> {
    let finished = name.strip_suffix(name::PARTIAL).and_then(|stem| stem.strip_suffix('.')).unwrap_or(name);
    (finished.starts_with(name::BEGINS) && finished.ends_with(".mp4")).then_some(finished)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    #[test]
    fn only_old_files_of_ours_that_nobody_needs_are_removed() {
        let camera = tempfile::tempdir().unwrap();
        let folder = camera.path().join("live");
        std::fs::create_dir_all(folder.join("segment_20261125_000000.mp4x")).unwrap();
        let keep = Duration::from_secs(3600);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let cases = [
            // name, age, is removed
            ("segment_20261125_100000.mp4", 3601, true),
            ("segment_20261125_100000_2.mp4.partial", 3601, true),
            ("segment_20261125_100100.mp4", 3601, false),
            ("segment_20261125_100200.mp4", 3599, false),
            ("segment_20261125_090000.mp4", 0, false),
            ("holiday.mp4", 9999, false),
            ("segment_20261125_100000.mp4.json", 9999, false),
            ("note.txt", 9999, false),
        ];
        for (name, age, _) in cases {
            let file = File::create(folder.join(name)).unwrap();
            let modified = now - Duration::from_secs(age);
            file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        }
        remove_old(&folder, keep, now, |name| name == "segment_20261125_100100.mp4").unwrap();
        for (name, _, removed) in cases {
            assert_eq!(folder.join(name).exists(), !removed, "{name}");
        }
        remove_old(&camera.path().join("none"), keep, now, |_| false).unwrap();
    }
}
