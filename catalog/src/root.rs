//! The media root's identity: an id file that tells the right disk from an empty mount point.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use crate::{Catalog, CatalogError, files};

const ID_FILE: &str = ".nightreel-root";

/// A root that was seen to be the one this catalogue belongs to.
#[derive(Clone, Debug)]
pub struct MediaRoot {
    path: PathBuf,
    id: String,
}

impl MediaRoot {
    /// Opens the root, giving it an id at first use. A root whose id is missing, or another than the
    /// catalogue remembers, is refused: its disk is not mounted, or it is the wrong one.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, CatalogError> {
        let known: Option<String> = catalog.read("read the root's id", |c| {
            c.query_row("SELECT id FROM root", [], |row| row.get(0)).optional()
        })?;
        let id = match (known, read_id(path)?) {
            (Some(known), _) => known,
            (None, found) => {
                let id = match found {
                    Some(id) => id,
                    None => give_id(path)?,
                };
                remember(catalog, &id)?
            }
        };
        let root = Self { path: path.into(), id };
        root.check()?;
        Ok(root)
    }

    /// Looks again: to be called before anything is recorded, reconciled or deleted.
    pub fn check(&self) -> Result<(), CatalogError> {
        let found = match read_id(&self.path)? {
            Some(id) if id == self.id => return Ok(()),
            Some(_) => "its id is another",
            None => "its id file is missing",
        };
        Err(CatalogError::RootChanged { root: self.path.clone(), found })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn read_id(root: &Path) -> Result<Option<String>, CatalogError> {
    let file = root.join(ID_FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(CatalogError::file("read", file)(e)),
    }
}

/// Gives the root an id, unless another process was quicker: then it has that one.
fn give_id(root: &Path) -> Result<String, CatalogError> {
    files::create_folder(root)?;
    let id = format!("{:032x}", fastrand::u128(..));
    match files::create_atomically(&root.join(ID_FILE), format!("{id}\n").as_bytes()) {
        Err(CatalogError::NameTaken { .. }) => Ok(read_id(root)?.unwrap_or(id)),
        created => created.map(|()| id),
    }
}

/// Writes the id down unless another process was quicker, and returns the one that counts.
fn remember(catalog: &Catalog, id: &str) -> Result<String, CatalogError> {
    catalog.write("write the root's id", |t| {
        t.execute("INSERT INTO root VALUES (1, ?1) ON CONFLICT DO NOTHING", [id])?;
        t.query_row("SELECT id FROM root", [], |row| row.get(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(folder: &Path) -> Catalog {
        Catalog::open(&folder.join("state")).unwrap()
    }

    #[test]
    fn the_same_root_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        MediaRoot::open(&catalog(folder.path()), &root).unwrap();
        MediaRoot::open(&catalog(folder.path()), &root).unwrap().check().unwrap();
    }

    #[test]
    fn many_may_open_a_root_for_the_first_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| MediaRoot::open(&catalog(folder.path()), &root).unwrap().check().unwrap());
            }
        });
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made_in_the_place_of_a_lost_disk() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        MediaRoot::open(&catalog(folder.path()), &root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        assert!(MediaRoot::open(&catalog(folder.path()), &root).is_err());
        assert!(!root.exists());
    }

    #[test]
    fn an_unmounted_or_foreign_root_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        let opened = MediaRoot::open(&catalog(folder.path()), &root).unwrap();
        files::remove(&root.join(ID_FILE)).unwrap();
        assert!(matches!(opened.check(), Err(CatalogError::RootChanged { .. })));
        let refused = MediaRoot::open(&catalog(folder.path()), &root).unwrap_err();
        assert!(refused.to_string().contains("storage.root"), "{refused}");
        std::fs::write(root.join(ID_FILE), "other").unwrap();
        assert!(MediaRoot::open(&catalog(folder.path()), &root).is_err());
    }

    #[test]
    fn a_new_catalogue_takes_the_id_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        MediaRoot::open(&catalog(folder.path()), &root).unwrap();
        let anew = Catalog::open(&folder.path().join("state-anew")).unwrap();
        MediaRoot::open(&anew, &root).unwrap();
    }
}
