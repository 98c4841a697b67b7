//! Maps: what a player reads before the parts of a playlist, `init.mp4`, `init_2.mp4` …
//!
//! A number is never given to another content, because players keep what they have read under its name.

use std::path::{Path, PathBuf};

use catalog::{CatalogError, files};

use super::playlist::map_name;
use crate::mp4::FileHead;

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

    /// Returns the number of the map for files with this head. It is written, and synced, where it is not the same
    /// as the newest.
    pub(crate) fn take(&mut self, head: &FileHead) -> Result<u32, CatalogError> {
        let content = head.map();
        if let Some((number, newest)) = &self.newest
            && *newest == content
        {
            return Ok(*number);
        }
        let number = self.newest.as_ref().map_or(0, |(number, _)| *number).saturating_add(1);
        files::write_atomically(&self.folder.join(map_name(number)), &content)?;
        self.newest = Some((number, content));
        Ok(number)
    }

    pub(crate) fn is_there(&self, number: u32) -> bool {
        self.folder.join(map_name(number)).is_file()
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
