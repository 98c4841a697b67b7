//! The check that sidecars and cues lie beside their files: what was left behind when a file went is named.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::DirEntry;

use crate::intent::is_on_its_way;
use crate::segments::by_path;
use crate::{CatalogError, Results, Verifier, cues, is_media};

pub(crate) const LEFT_OVER: &str = "results of a file that is gone; delete them, or put the file back";

impl Verifier {
    /// Returns the path under the root of what is named as results are.
    pub(crate) fn results_at(&self, entry: &DirEntry) -> Option<PathBuf> {
        let is_results = entry.file_type().is_file() && is_named_as_results(entry.path());
        let under_root = || entry.path().strip_prefix(self.root.path()).ok().map(Path::to_owned);
        is_results.then(under_root).flatten()
    }

    /// Tells whether results, by their path under the root, are ours and of a file that is gone. Of a file that has
    /// a row the rows tell: it is missing, and may come back, or is a fault of its own.
    pub(crate) fn is_left_over(&self, path: &Path) -> Result<bool, CatalogError> {
        let results = self.root.path().join(path);
        let Some(file) = file_of(&results).filter(|file| file.symlink_metadata().is_err()) else {
            return Ok(false);
        };
        if !is_ours(&results) {
            return Ok(false);
        }
        let file = file.strip_prefix(self.root.path()).unwrap_or(&file);
        self.catalog.read("look for the file of results", |c| {
            Ok(by_path(c, file)?.is_none() && !is_on_its_way(c, file)?)
        })
    }
}

fn is_named_as_results(path: &Path) -> bool {
    path.to_str().is_some() && (is_sidecar(path) || path.extension() == Some(OsStr::new("vtt")))
}

fn is_sidecar(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("json")) && is_media(&path.with_extension(""))
}

fn file_of(results: &Path) -> Option<PathBuf> {
    if is_sidecar(results) { Some(results.with_extension("")) } else { cues::file_of(results) }
}

/// Cues were told by their mark already.
fn is_ours(results: &Path) -> bool {
    let text = || std::fs::read(results).unwrap_or_default();
    !is_sidecar(results) || serde_json::from_slice::<Results>(&text()).is_ok()
}
