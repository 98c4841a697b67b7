//! Maps: what a player reads before the parts of a playlist, `init.mp4`, `init_2.mp4` …
//!
//! A number is never given to another content, because players keep what they have read under its name.

use std::path::{Path, PathBuf};

use catalog::{CatalogError, files};

use super::playlist::{Map, map_name};
use crate::mp4::{FileHead, is_map};

/// No map is larger: it holds parameter sets.
const SIZE_MAX: u64 = 1 << 20;

/// Those in a camera's folder.
#[derive(Debug)]
pub(crate) struct Maps {
    folder: PathBuf,
    /// Its number and content; what was found is of an earlier run.
    newest: Option<(u32, Vec<u8>)>,
    oldest: u32,
}

impl Maps {
    /// Looks at what an earlier run has left.
    pub(crate) fn open(folder: &Path) -> Self {
        let numbers = numbers_in(folder);
        let newest = numbers.iter().max().map(|&number| (number, read(&folder.join(map_name(number)))));
        Self { folder: folder.into(), newest, oldest: numbers.into_iter().min().unwrap_or(1) }
    }

    /// Returns the map for files with this head. It is written, and synced, where it is not the same as the newest.
    pub(crate) fn take(&mut self, head: &FileHead) -> Result<Map, CatalogError> {
        let content = head.map();
        let bytes = content.len() as u64;
        if let Some((number, newest)) = &self.newest
            && *newest == content
        {
            return Ok(Map { number: *number, bytes });
        }
        let number = self.newest.as_ref().map_or(0, |(number, _)| *number).saturating_add(1);
        files::write_atomically(&self.folder.join(map_name(number)), &content)?;
        self.newest = Some((number, content));
        Ok(Map { number, bytes })
    }

    pub(crate) fn is_there(&self, map: Map) -> bool {
        let found = self.folder.join(map_name(map.number)).metadata();
        found.is_ok_and(|found| found.is_file() && found.len() == map.bytes)
    }

    /// Removes those with lower numbers.
    pub(crate) fn remove_before(&mut self, first_needed: u32) -> Result<(), CatalogError> {
        let newest = self.newest.as_ref().map_or(0, |(number, _)| *number);
        while self.oldest < first_needed.min(newest) {
            files::remove_live(&self.folder.join(map_name(self.oldest)))?;
            self.oldest += 1;
        }
        Ok(())
    }
}

/// Removes those of ours in a folder whose camera has no playlist any more.
pub(super) fn remove_all(folder: &Path) -> Result<(), CatalogError> {
    for number in numbers_in(folder) {
        let path = folder.join(map_name(number));
        if is_map(&read(&path)) {
            files::remove_live(&path)?;
        }
    }
    Ok(())
}

/// What cannot be read or is too large is the content of no map: the next one gets another number.
fn read(path: &Path) -> Vec<u8> {
    let is_sane = path.metadata().is_ok_and(|found| found.len() <= SIZE_MAX);
    if is_sane { std::fs::read(path).unwrap_or_default() } else { Vec::new() }
}

fn numbers_in(folder: &Path) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let number = |name: &str| match name.strip_prefix("init")?.strip_suffix(".mp4")? {
        "" => Some(1),
        number => number.strip_prefix('_')?.parse().ok(),
    };
    entries.filter_map(|entry| number(entry.ok()?.file_name().to_str()?)).collect()
}

#[cfg(test)]
mod tests {
    use catalog::ClockSource;

    use super::*;
    use crate::mp4::{Metadata, Origins, TrackHead, TrackKind};

    fn head(width: u16, start_s: i64) -> FileHead {
        let start = chrono::DateTime::from_timestamp(start_s, 0).unwrap();
        let kind = TrackKind::Video { width, height: 240 };
        let sample_entry = [&12u32.to_be_bytes()[..], b"avc1abcd"].concat();
        FileHead {
            metadata: Metadata { camera: "gate".parse().unwrap(), start, clock: ClockSource::ReceiveTime },
            tracks: vec![TrackHead { kind, time_scale: 90_000, sample_entry }],
            origins: Origins(vec![u64::try_from(start_s).unwrap() * 90_000]),
        }
    }

    #[test]
    fn other_parameters_get_another_number_and_a_number_never_another_content() {
        let folder = tempfile::tempdir().unwrap();
        let mut maps = Maps::open(folder.path());
        let first = maps.take(&head(320, 1_800_000_000)).unwrap();
        assert_eq!((first.number, maps.take(&head(320, 1_800_000_060)).unwrap()), (1, first));
        let content = std::fs::read(folder.path().join("init.mp4")).unwrap();
        assert_eq!(content.len() as u64, first.bytes);
        assert_eq!(maps.take(&head(640, 0)).unwrap().number, 2);

        let mut again = Maps::open(folder.path());
        assert_eq!(again.take(&head(640, 0)).unwrap().number, 2, "a restart changes nothing");
        assert_eq!(again.take(&head(320, 0)).unwrap().number, 3);
        assert_eq!(std::fs::read(folder.path().join("init.mp4")).unwrap(), content);
    }

    #[test]
    fn maps_that_nobody_needs_are_removed_but_never_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let mut maps = Maps::open(folder.path());
        let all = [320, 640, 1280].map(|width| maps.take(&head(width, 0)).unwrap());
        maps.remove_before(2).unwrap();
        assert_eq!(all.map(|map| maps.is_there(map)), [false, true, true]);
        maps.remove_before(9).unwrap();
        assert_eq!(all.map(|map| maps.is_there(map)), [false, false, true]);
        assert_eq!(maps.take(&head(320, 0)).unwrap().number, 4);
    }
}
