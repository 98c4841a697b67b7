//! The check that sidecars and cues lie beside their files: what was left behind when a file went is named.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::intent::is_on_its_way;
use crate::segments::by_path;
use crate::walk::Reach;
use crate::{CatalogError, Results, Verifier, cues, is_media};

pub(crate) const LEFT_OVER: &str = "results of a file that is gone; delete them, or put the file back";

impl Verifier {
    /// Lists results whose file is gone. What the walk cannot read is told where footage is looked for.
    pub(crate) fn left_over(&self) -> Result<Vec<PathBuf>, CatalogError> {
        let mut results = Vec::new();
        for reach in [Reach::Incoming, Reach::SetAside] {
            self.walk.each_entry(reach, |entry| {
                let entry = entry.ok().filter(|entry| entry.file_type().is_file());
                let path = entry.map(walkdir::DirEntry::into_path).filter(|path| is_named_as_results(path));
                results
                    .extend(path.and_then(|path| Some(path.strip_prefix(self.root.path()).ok()?.to_owned())));
            });
        }
        let mut left_over = Vec::new();
        for path in results {
            if self.is_left_over(&path)? {
                left_over.push(path);
            }
        }
        Ok(left_over)
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
