//! Where things lie in the media folder: pure functions over relative paths.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The folder below a camera's for what was looked at.
pub const PROCESSED: &str = "processed";
/// The folder below a camera's for what cannot be looked at.
pub const FAILED: &str = "failed";
/// The folder below a camera's for footage that is only shown live; no scan looks into it.
pub const LIVE: &str = "live";
/// A camera's live playlist, in its folder.
pub const PLAYLIST: &str = "stream.m3u8";

const MEDIA_EXTENSIONS: [&str; 7] = ["mp4", "m4v", "mkv", "ts", "avi", "mov", "mts"];

/// Tells by the name whether a file is footage. Hidden files, `.partial`s and maps are not.
pub fn is_media(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    !hidden && !is_map(path) && extension.is_some_and(|e| MEDIA_EXTENSIONS.contains(&e.as_str()))
}

/// Tells by the name whether a file is a map, the head of a live playlist's parts: `init.mp4`, `init_2.mp4` …
pub fn is_map(path: &Path) -> bool {
    let number = |name: &str| name.strip_prefix("init")?.strip_suffix(".mp4").map(str::to_owned);
    let number = path.file_name().and_then(|name| name.to_str()).and_then(number);
    number.is_some_and(|number| match number.strip_prefix('_') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => number.is_empty(),
    })
}

/// Returns the sidecar's path: the file's whole name and `.json`.
pub fn sidecar_of(path: &Path) -> PathBuf {
    with_suffix(path, ".json")
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Returns the camera (first folder) of a path relative to the root.
pub(crate) fn camera_of(relative: &Path) -> Option<&str> {
    match relative.components().next()? {
        Component::Normal(first) if relative.components().nth(1).is_some() => first.to_str(),
        _ => None,
    }
}

/// Tells in which of a camera's special folders a relative path lies, if in one.
pub(crate) fn special_folder(relative: &Path) -> Option<&'static str> {
    let second = relative.components().nth(1)?.as_os_str().to_str()?;
    [PROCESSED, FAILED].into_iter().find(|special| *special == second)
}

/// Tells whether a relative path lies in a camera's folder of live footage, or is that folder.
pub(crate) fn is_live(relative: &Path) -> bool {
    relative.components().nth(1).is_some_and(|second| second.as_os_str() == LIVE)
}

/// Moves a relative path of a camera into one of its special folders, or out of it with `None`; what lies
/// below keeps its order: `gate/2026/11/a.mp4` becomes `gate/processed/2026/11/a.mp4`.
pub(crate) fn in_folder(relative: &Path, folder: Option<&str>) -> PathBuf {
    let mut parts = relative.components();
    let camera = parts.next().map(|c| PathBuf::from(c.as_os_str())).unwrap_or_default();
    let below = parts.as_path();
    let below = match special_folder(relative) {
        Some(special) => below.strip_prefix(special).unwrap_or(below),
        None => below,
    };
    match folder {
        Some(folder) => camera.join(folder).join(below),
        None => camera.join(below),
    }
}

/// Returns `name`, or where that is taken `name_2`, `name_3` … before the extension.
pub(crate) fn free_name<E>(wanted: &Path, taken: impl Fn(&Path) -> Result<bool, E>) -> Result<PathBuf, E> {
    let mut candidate = wanted.to_owned();
    let mut number = 2u64;
    while taken(&candidate)? {
        let mut name = wanted.file_stem().unwrap_or_default().to_owned();
        name.push(format!("_{number}"));
        if let Some(extension) = wanted.extension() {
            name.push(".");
            name.push(extension);
        }
        candidate = wanted.with_file_name(name);
        number += 1;
    }
    Ok(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn footage_is_told_by_its_name() {
        let media = ["a.mp4", "x/b.MKV", "c.ts", "d.avi", "e.mov"];
        let other =
            ["a.mp4.partial", "a.mp4.json", ".a.mp4", "mp4", "x.jpg", ".a.mp4.json.staged", "gate/init.mp4"];
        assert!(media.iter().all(|n| is_media(Path::new(n))));
        assert!(!other.iter().any(|n| is_media(Path::new(n))));
    }

    #[test]
    fn a_map_is_told_by_its_whole_name() {
        let maps = ["init.mp4", "gate/init_2.mp4", "init_10.mp4"];
        let other = ["init_.mp4", "init_a.mp4", "initial.mp4", "init2.mp4", "init.mkv", "xinit.mp4", "init"];
        assert!(maps.iter().all(|name| is_map(Path::new(name)) && !is_media(Path::new(name))));
        assert!(!other.iter().any(|name| is_map(Path::new(name))));
        assert!(is_media(Path::new("init_.mp4")));
    }

    #[test]
    fn live_footage_lies_in_a_folder_of_the_camera() {
        assert!(["gate/live", "gate/live/a.mp4", "gate/live/x/a.mp4"].iter().all(|p| is_live(Path::new(p))));
        assert!(!["live/a.mp4", "gate/a/live/a.mp4", "live"].iter().any(|p| is_live(Path::new(p))));
    }

    #[test]
    fn folders_are_changed_and_undone() {
        let cases = [
            ("gate/a.mp4", Some(PROCESSED), "gate/processed/a.mp4"),
            ("gate/2026/11/a.mp4", Some(PROCESSED), "gate/processed/2026/11/a.mp4"),
            ("gate/failed/a.mp4", Some(PROCESSED), "gate/processed/a.mp4"),
            ("gate/failed/x/a.mp4", None, "gate/x/a.mp4"),
            ("gate/a.mp4", None, "gate/a.mp4"),
        ];
        for (from, folder, to) in cases {
            assert_eq!(in_folder(Path::new(from), folder), Path::new(to), "{from}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = |p: &Path| Ok::<_, ()>(["a/b.mp4", "a/b_2.mp4"].contains(&p.to_str().unwrap()));
        assert_eq!(free_name(Path::new("a/b.mp4"), taken).unwrap(), Path::new("a/b_3.mp4"));
        assert_eq!(free_name(Path::new("a/c.mp4"), taken).unwrap(), Path::new("a/c.mp4"));
        assert_eq!(free_name(Path::new("a/c.mp4"), |_| Err("broken")), Err("broken"));
    }

    #[test]
    fn a_sidecar_keeps_the_whole_name() {
        assert_eq!(sidecar_of(Path::new("x/a.mp4")), Path::new("x/a.mp4.json"));
    }
}
