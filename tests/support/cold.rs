//! Where bundles go in a story: every store that there is, looked into from behind.

use std::fs;
use std::path::{Path, PathBuf};

use super::azurite::{AzureLogin, Azurite};
use super::media::files_under;
use super::moto::Moto;
use super::program::Nightreel;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Folder,
    S3,
    Gcs,
    Azure(AzureLogin),
}

#[derive(Debug)]
pub(crate) enum Cold {
    Folder(PathBuf),
    /// Amazon's, or Google's.
    Moto(Moto),
    Azurite(Azurite),
}

impl Cold {
    /// Returns an empty store, or nothing where its server is not installed.
    pub(crate) fn start(kind: Kind, nightreel: &Nightreel) -> Option<Self> {
        let repository = Path::new(REPOSITORY);
        match kind {
            Kind::Folder => {
                let folder = nightreel.path("cold");
                fs::create_dir_all(&folder).unwrap();
                Some(Self::Folder(folder))
            }
            Kind::S3 => Moto::start(repository).map(Self::Moto),
            Kind::Gcs => Moto::of_google(repository).map(Self::Moto),
            Kind::Azure(login) => Azurite::start(repository, login).map(Self::Azurite),
        }
    }

    /// Returns `[archive]` for it; more keys may follow.
    pub(crate) fn section(&self) -> String {
        let keys = match self {
            Self::Folder(folder) => format!("url = \"file://{}\"\n", folder.display()),
            Self::Moto(moto) => moto.keys_of_section(),
            Self::Azurite(azurite) => azurite.keys_of_section(),
        };
        format!("[archive]\n{keys}")
    }

    /// Counts what was begun to be sent and is not whole.
    pub(crate) fn unfinished(&self) -> usize {
        match self {
            Self::Folder(folder) => files_under(folder).iter().filter(|file| is_staged(file)).count(),
            Self::Moto(moto) => moto.uploads(),
            Self::Azurite(azurite) => azurite.uploads(),
        }
    }

    /// A folder is not asked, it is looked into.
    pub(crate) fn requests(&self) -> usize {
        match self {
            Self::Folder(_) => 0,
            Self::Moto(moto) => moto.requests(),
            Self::Azurite(azurite) => azurite.requests(),
        }
    }

    pub(crate) fn objects(&self) -> usize {
        match self {
            Self::Folder(folder) => files_under(folder).iter().filter(|file| !is_staged(file)).count(),
            Self::Moto(moto) => moto.keys().len(),
            Self::Azurite(azurite) => azurite.keys().len(),
        }
    }
}

fn is_staged(file: &Path) -> bool {
    file.to_string_lossy().contains(".tar#")
}
