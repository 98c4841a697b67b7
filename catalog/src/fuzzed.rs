//! What fuzzing does to names: any bytes as the name of a file of some recorder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use crate::{is_map, is_media, sidecar_of, start_from_name};

/// Reads the name. A start that it tells must also be read from our own name for that start.
pub fn name(bytes: &[u8]) {
    let path = Path::new(OsStr::from_bytes(bytes));
    let _ = (is_media(path), sidecar_of(path), is_map(path));
    for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::Australia__Lord_Howe, Tz::Pacific__Apia] {
        // midnight of the first year that is believed lies in the year before in other zones
        let is_believed = |start: &DateTime<Utc>| (1990..2200).contains(&start.year());
        if let Some(start) = start_from_name(path, zone).filter(is_believed) {
            let ours = start.format("segment_%Y%m%d_%H%M%SZ.mp4").to_string();
            assert_eq!(start_from_name(Path::new(&ours), zone), Some(start), "{ours}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_corpus_is_read_without_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/name");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!files.is_empty(), "nothing is kept in {folder}");
        for file in files {
            name(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
