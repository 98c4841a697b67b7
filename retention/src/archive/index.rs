//! The index of a bundle: with it and `tar` alone a minute can be found, read and checked, and the catalogue made anew.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use catalog::{FoundMember, FoundSegment, MemberKind, Plain, SEALED_SUFFIX, cues, sidecar_of};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Name of the member that lists the others; the last one.
pub(super) const INDEX_NAME: &str = "nightreel-index.json";

/// The index as it lies in the bundle.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Index {
    pub(super) camera: String,
    pub(super) hour: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    /// Public keys that the members are sealed for: whoever has a secret one can open them with `age -d`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) recipients: Vec<String>,
    pub(super) members: Vec<IndexEntry>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct IndexEntry {
    pub(super) name: String,
    /// Of a video: where it lay in the media folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<PathBuf>,
    /// Of the video's first frame.
    pub(super) start: DateTime<Utc>,
    /// When the file was written last.
    pub(super) modified: DateTime<Utc>,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) sha256: String,
    /// Of the file that was sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plain: Option<Plain>,
}

impl Index {
    /// Reads an index that somebody may have written by hand: its names lead nowhere but below the camera's folder, and
    /// its members lie in the `size` bytes of their bundle.
    pub(super) fn parse(text: &[u8], size: u64) -> Result<Self, &'static str> {
        let index: Self = serde_json::from_slice(text).map_err(|_| "its index cannot be read")?;
        if Path::new(&index.camera).components().count() != 1 || !leads_below(Path::new(&index.camera)) {
            return Err("its index names no camera");
        }
        for entry in &index.members {
            let ends = entry.offset.checked_add(entry.length);
            if ends.is_none_or(|ends| ends > size) {
                return Err("its index lists what lies outside it");
            }
            let path = entry.path.as_deref();
            let is_of_camera = path.is_none_or(|path| leads_below(path) && path.starts_with(&index.camera));
            if !leads_below(Path::new(&entry.name)) || !is_of_camera {
                return Err("its index lists a name that leads elsewhere");
            }
        }
        Ok(index)
    }

    /// Puts each video together with its sidecar and its cues, without results yet.
    pub(super) fn segments(&self) -> Vec<FoundSegment> {
        let by_name: HashMap<&str, &IndexEntry> =
            self.members.iter().map(|entry| (entry.plain_name(), entry)).collect();
        let videos = self.members.iter().filter_map(|entry| Some((entry, entry.path.as_ref()?)));
        videos.map(|(video, path)| video.segment(path, &by_name)).collect()
    }
}

impl IndexEntry {
    fn plain_name(&self) -> &str {
        match self.plain {
            Some(_) => self.name.strip_suffix(SEALED_SUFFIX).unwrap_or(&self.name),
            None => &self.name,
        }
    }

    fn segment(&self, path: &Path, by_name: &HashMap<&str, &Self>) -> FoundSegment {
        let name = Path::new(self.plain_name());
        let beside = [(MemberKind::Sidecar, sidecar_of(name)), (MemberKind::Cues, cues::cues_of(name))];
        let beside = beside.iter().filter_map(|(kind, name)| Some((*kind, *by_name.get(name.to_str()?)?)));
        let all = [(MemberKind::Video, self)].into_iter().chain(beside);
        FoundSegment {
            path: path.to_owned(),
            start: self.start,
            modified: self.modified,
            size: self.plain.as_ref().map_or(self.length, |plain| plain.length),
            members: all.map(|(kind, entry)| entry.member(kind)).collect(),
            results: None,
        }
    }

    fn member(&self, kind: MemberKind) -> FoundMember {
        FoundMember {
            name: self.name.clone(),
            kind,
            offset: self.offset,
            length: self.length,
            sha256: self.sha256.clone(),
            plain: self.plain.clone(),
        }
    }
}

fn leads_below(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(camera: &str, name: &str, path: &str, offset: u64) -> String {
        format!(
            r#"{{"camera": "{camera}", "hour": "2026-11-22T22:00:00Z", "members": [{{"name": "{name}", "path": "{path}",
                "start": "2026-11-22T22:00:00Z", "modified": "2026-11-22T22:01:00Z", "offset": {offset}, "length": 10,
                "sha256": "00", "later": "a key of another version"}}]}}"#
        )
    }

    #[test]
    fn an_index_leads_nowhere_but_below_its_camera() {
        let sound = Index::parse(text("gate", "a.mp4", "gate/a.mp4", 512).as_bytes(), 1024).unwrap();
        assert_eq!(sound.segments()[0].path, Path::new("gate/a.mp4"));
        for (camera, name, path, offset) in [
            ("gate", "../a.mp4", "gate/a.mp4", 512),
            ("gate", "/etc/a.mp4", "gate/a.mp4", 512),
            ("gate", "", "gate/a.mp4", 512),
            ("gate", "a.mp4", "gate/../../a.mp4", 512),
            ("gate", "a.mp4", "yard/a.mp4", 512),
            ("..", "a.mp4", "../a.mp4", 512),
            ("a/b", "a.mp4", "a/b/a.mp4", 512),
            ("", "a.mp4", "a.mp4", 512),
            ("gate", "a.mp4", "gate/a.mp4", 1015),
            ("gate", "a.mp4", "gate/a.mp4", u64::MAX),
        ] {
            let text = text(camera, name, path, offset);
            assert!(Index::parse(text.as_bytes(), 1024).is_err(), "{camera} {name} {path} {offset}");
        }
        assert!(Index::parse(b"{}", 1024).is_err());
    }
}
