//! The spool: the bodies of requests that wait for a batch, in files beside the catalogue.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use crate::{Catalog, CatalogError, files};

/// A file may be written before the rows that name it: what nobody names is removed when it is this old.
const UNNAMED: Duration = Duration::from_secs(600);

/// A folder in the state folder.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Writes bodies one after the other into a file of their own, and returns its name and the places of the
    /// bodies: offset and length.
    pub fn write(&self, bodies: &[Vec<u8>]) -> Result<(String, Vec<(u64, u64)>), CatalogError> {
        files::create_folder(&self.folder)?;
        let name = format!("{:032x}", fastrand::u128(..));
        let mut offset = 0;
        let places = bodies.iter().map(|body| {
            let place = (offset, body.len() as u64);
            offset += place.1;
            place
        });
        let places = places.collect();
        files::write_atomically(&self.folder.join(&name), &bodies.concat())?;
        Ok((name, places))
    }

    pub fn open(&self, name: &str) -> Result<File, CatalogError> {
        let path = self.folder.join(name);
        File::open(&path).map_err(CatalogError::file("open", &path))
    }

    /// Removes the files that no question needs any more.
    fn tidy(&self, needed: &HashSet<String>, now: SystemTime) -> Result<(), CatalogError> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| now.duration_since(written).ok()).unwrap_or_default();
            if !needed.contains(&name) && age > UNNAMED {
                files::remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

impl Catalog {
    pub fn spool(&self) -> Spool {
        Spool { folder: self.state_dir().join("batch") }
    }

    /// Removes from the spool what no question needs any more.
    pub fn tidy_spool(&self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let needed = self.read("list what is spooled", |c| {
            let mut statement =
                c.prepare_cached("SELECT DISTINCT spool FROM question WHERE state <> 'refused'")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })?;
        self.spool().tidy(&needed, now.into())
    }
}

/// Where the spool lies, for tests and for those who look.
impl AsRef<Path> for Spool {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}
