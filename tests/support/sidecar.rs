//! Sidecars, read as another program would: by the published schema.

use std::path::{Path, PathBuf};

use serde_json::Value;

pub(crate) fn sidecar_beside(media: &Path) -> PathBuf {
    let mut name = media.as_os_str().to_owned();
    name.push(".json");
    PathBuf::from(name)
}

/// Reads a sidecar, and fails with every place at which it breaks docs/results.schema.json.
#[track_caller]
pub(crate) fn assert_sidecar(path: &Path) -> Value {
    let sidecar = read(path);
    let schema = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.schema.json"));
    let validator =
        jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema is one");
    let faults: Vec<String> = validator
        .iter_errors(&sidecar)
        .map(|fault| format!("{} at {}", fault, fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{} breaks the schema: {faults:#?}", path.display());
    sidecar
}

/// Short words for what a sidecar says.
pub(crate) trait Seen {
    fn list(&self, key: &str) -> &Vec<Value>;
    /// The numbers of the frames that were looked at.
    fn frames(&self) -> Vec<u64>;
    /// The views of all samples, one after another.
    fn views(&self) -> Vec<&Value>;
    fn objects(&self) -> Vec<&Value>;
    fn count(&self, label: &str) -> usize;
}

impl Seen for Value {
    fn list(&self, key: &str) -> &Vec<Value> {
        self[key].as_array().unwrap_or_else(|| panic!("`{key}` is no list in {self}"))
    }

    fn frames(&self) -> Vec<u64> {
        self.list("samples").iter().map(|sample| sample["frame"].as_u64().unwrap()).collect()
    }

    fn views(&self) -> Vec<&Value> {
        self.list("samples").iter().flat_map(|sample| sample.list("views")).collect()
    }

    fn objects(&self) -> Vec<&Value> {
        self.views().into_iter().flat_map(|view| view.list("objects")).collect()
    }

    fn count(&self, label: &str) -> usize {
        self.objects().into_iter().filter(|object| object["label"] == label).count()
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
