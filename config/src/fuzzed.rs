//! What fuzzing does to the settings: any text as a settings file, as `.env` and as windows.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::environment::parse_dotenv;
use crate::load::{load_dotenv, load_text};
use crate::{ConfigError, Environment, FILE_NAME, Loaded, WindowState, Windows, render_effective};

/// Zones with odd clocks: none, an hour, half an hour, and a day that was left out.
const ZONES: [Tz; 4] = [Tz::UTC, Tz::Europe__Berlin, Tz::Australia__Lord_Howe, Tz::Pacific__Apia];
/// 31 December 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Reads them in each way. Whatever comes out must be told without a panic, and never hold what it was not given.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let folder = Path::new("/nonexistent");
    let nothing = Environment::of(folder, BTreeMap::new());
    tell(load_text(text, FILE_NAME, &folder.join(FILE_NAME), &nothing));
    match parse_dotenv(&folder.join(".env"), text) {
        Ok(names) => tell(load_dotenv(&Environment::of(folder, names))),
        Err(error) => drop(error.to_string()),
    }
    windows(text);
}

fn tell(loaded: Result<Loaded, ConfigError>) {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let shown = render_effective(&loaded);
    assert!(shown.parse::<toml::Table>().is_ok(), "{shown}");
    for camera in &loaded.settings.cameras {
        let _ = loaded.missing_secret_of(&camera.id);
        if let Some(source) = &camera.source {
            let _ = (source.address(), source.local_path());
        }
    }
    at_some_time(&loaded.settings.process.windows, shown.as_bytes());
}

fn windows(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    for zone in ZONES {
        if let Ok(windows) = Windows::parse(zone, &lines) {
            at_some_time(&windows, text.as_bytes());
        }
    }
}

/// Asks at a time that any text stands for.
fn at_some_time(windows: &Windows, text: &[u8]) {
    let seconds = text.iter().fold(0_u64, |sum, &byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
    let seconds = i64::try_from(seconds % LAST_SECOND).unwrap_or(0);
    let now: DateTime<Utc> = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    match windows.at(now) {
        WindowState::Always => {}
        WindowState::Open { since, until } => assert!(since <= now && now < until),
        WindowState::Closed { until } => assert!(now < until),
    }
    let _ = windows.cap_day(now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_corpus_is_read_without_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/settings");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!files.is_empty(), "nothing is kept in {folder}");
        for file in files {
            settings(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
