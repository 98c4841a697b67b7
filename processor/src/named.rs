//! Files and folders that were named on the command line: found, each with the place of its sidecar.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use catalog::{is_media, sidecar_of};
use walkdir::WalkDir;

/// What was named, resolved to files.
#[derive(Debug)]
pub struct NamedFiles {
    /// Sidecars by the files' absolute paths, in the order of the paths.
    sidecars: BTreeMap<PathBuf, PathBuf>,
    /// What was named but cannot be taken, with the reason.
    faults: Vec<(PathBuf, String)>,
    after: AfterNamed,
}

/// What happens to a named file when its results are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterNamed {
    Leave,
    /// Into a folder `processed` beside it.
    Move,
}

impl NamedFiles {
    /// Walks what was named. In folders, footage is told by its name; a file is taken as it is. With `out`,
    /// sidecars go there, by their path relative to the folder that was named.
    pub fn find(named: &[PathBuf], out: Option<&Path>, after: AfterNamed) -> Self {
        let mut search = Search { out, taken: HashMap::new(), sidecars: BTreeMap::new(), faults: Vec::new() };
        for path in named {
            match path.canonicalize() {
                Ok(path) if path.is_dir() => search.add_folder(&path),
                Ok(path) => {
                    let base = path.parent().unwrap_or(Path::new("/")).to_owned();
                    search.add_file(path, &base);
                }
                Err(error) => search.faults.push((path.clone(), error.to_string())),
            }
        }
        Self { sidecars: search.sidecars, faults: search.faults, after }
    }

    pub fn is_empty(&self) -> bool {
        self.sidecars.is_empty() && self.faults.is_empty()
    }

    pub(crate) fn after(&self) -> AfterNamed {
        self.after
    }

    /// Lists the files with their sidecars.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&Path, &Path)> {
        self.sidecars.iter().map(|(file, sidecar)| (file.as_path(), sidecar.as_path()))
    }

    pub(crate) fn faults(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.faults.iter().map(|(file, reason)| (file.as_path(), reason.as_str()))
    }

    pub(crate) fn sidecar_of(&self, file: &Path) -> PathBuf {
        self.sidecars.get(file).cloned().unwrap_or_else(|| sidecar_of(file))
    }
}

struct Search<'a> {
    out: Option<&'a Path>,
    /// Files by their sidecars.
    taken: HashMap<PathBuf, PathBuf>,
    sidecars: BTreeMap<PathBuf, PathBuf>,
    faults: Vec<(PathBuf, String)>,
}

impl Search<'_> {
    fn add_folder(&mut self, folder: &Path) {
        let visible = |e: &walkdir::DirEntry| e.depth() == 0 || !is_hidden_or_ours(e);
        for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(visible) {
            match entry {
                Ok(e) if e.file_type().is_file() && is_media(e.path()) => {
                    self.add_file(e.into_path(), folder);
                }
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    self.faults.push((path, error.to_string()));
                }
            }
        }
    }

    fn add_file(&mut self, file: PathBuf, base: &Path) {
        if file.to_str().is_none() {
            return self.faults.push((file, "its name is not UTF-8; rename it".to_owned()));
        }
        if self.sidecars.contains_key(&file) {
            return;
        }
        let sidecar = match self.out {
            Some(out) => out.join(sidecar_of(file.strip_prefix(base).unwrap_or(&file))),
            None => sidecar_of(&file),
        };
        if let Some(other) = self.taken.get(&sidecar) {
            let reason = format!(
                "its results would go to the same file as those of `{}`; name them in two runs with two \
                 `--out` folders",
                other.display()
            );
            return self.faults.push((file, reason));
        }
        self.taken.insert(sidecar.clone(), file.clone());
        self.sidecars.insert(file, sidecar);
    }
}

/// A folder that nightreel moved files into is not walked: they are done.
fn is_hidden_or_ours(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name();
    name.as_encoded_bytes().starts_with(b".") || (entry.file_type().is_dir() && name == catalog::PROCESSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        (folder, root)
    }

    fn sidecars(files: &NamedFiles) -> Vec<&Path> {
        files.each().map(|(_, sidecar)| sidecar).collect()
    }

    #[test]
    fn footage_is_found_below_folders_but_not_what_is_hidden_or_done() {
        let (_folder, root) =
            folder_with(&["a.mp4", "b/c.MKV", "b/.d.mp4", "processed/e.mp4", "b/notes.txt", "b/c.MKV.json"]);
        let found = NamedFiles::find(std::slice::from_ref(&root), None, AfterNamed::Leave);
        assert_eq!(sidecars(&found), [root.join("a.mp4.json"), root.join("b/c.MKV.json")]);
        assert_eq!(found.faults().count(), 0);
    }

    #[test]
    fn a_named_file_is_taken_whatever_its_name_and_once_only() {
        let (_folder, root) = folder_with(&["a.mp4", "notes.txt"]);
        let named = [root.join("notes.txt"), root.join("a.mp4"), root.clone()];
        let found = NamedFiles::find(&named, None, AfterNamed::Leave);
        assert_eq!(sidecars(&found), [root.join("a.mp4.json"), root.join("notes.txt.json")]);
    }

    #[test]
    fn out_mirrors_the_folder_and_no_sidecar_is_shared() {
        let (_folder, root) = folder_with(&["one/x/a.mp4", "two/x/a.mp4"]);
        let out = Path::new("/results");
        let found = NamedFiles::find(&[root.join("one"), root.join("two")], Some(out), AfterNamed::Leave);
        assert_eq!(sidecars(&found), [Path::new("/results/x/a.mp4.json")]);
        let faults: Vec<_> = found.faults().collect();
        assert_eq!(faults[0].0, root.join("two/x/a.mp4"));
        assert!(faults[0].1.contains("`--out`"), "{}", faults[0].1);
    }

    #[test]
    fn what_is_not_there_is_told_by_its_path() {
        let found = NamedFiles::find(&[PathBuf::from("/nowhere/a.mp4")], None, AfterNamed::Leave);
        assert!(!found.is_empty());
        assert_eq!(found.faults().next().unwrap().0, Path::new("/nowhere/a.mp4"));
    }
}
