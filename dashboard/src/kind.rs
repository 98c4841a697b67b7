//! What a file of the media folder is, told by its name: which content type it has, and how long an answer
//! may be kept.

use std::path::Path;
use std::time::Duration;

use axum::http::HeaderValue;
use catalog::is_media;

/// The folder below a camera's for its snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// The folder below a camera's for footage that is only shown live.
pub(crate) const LIVE: &str = "live";

/// Footage that stood still for so long is finished, whoever records it. Until then it may be the file of
/// another recorder, which writes under the final name.
const FINISHED_AFTER: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Footage,
    /// What a player reads before the parts of a playlist: `init.mp4`, `init_2.mp4` …
    Map,
    Playlist,
    Sidecar,
    Snapshot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// A partial: it grows, and its first bytes change when it is finished.
    Growing,
    /// Under its own name; last changed so long ago.
    Named { age: Duration },
}

impl Kind {
    /// Tells what the file is at this path below the root; `None` is nobody's business.
    pub(crate) fn of(parts: &[String]) -> Option<Self> {
        let name = parts.last()?;
        let extension = extension(name);
        match extension.as_str() {
            "m3u8" => Some(Self::Playlist),
            "json" => is_media(Path::new(name).file_stem()?.as_ref()).then_some(Self::Sidecar),
            "jpg" | "jpeg" => (parts.len() > 2 && parts[1] == SNAPSHOTS).then_some(Self::Snapshot),
            "mp4" if is_map(name) => Some(Self::Map),
            _ => is_media(Path::new(name)).then_some(Self::Footage),
        }
    }

    pub(crate) fn content_type(self, name: &str) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Playlist => "application/vnd.apple.mpegurl",
            Self::Sidecar => "application/json",
            Self::Snapshot => "image/jpeg",
            Self::Map => "video/mp4",
            Self::Footage => match extension(name).as_str() {
                "mp4" | "m4v" => "video/mp4",
                "mkv" => "video/x-matroska",
                "ts" | "mts" => "video/mp2t",
                "mov" => "video/quicktime",
                "avi" => "video/x-msvideo",
                _ => "application/octet-stream",
            },
        })
    }

    /// Returns `Cache-Control`. A day is enough for whoever looks at the same minute again and again; longer
    /// would keep in browsers what retention has deleted. `private`: no cache in between keeps footage. A playlist
    /// is not to be stored at all: Chromium's player takes a stored one for fresh for five minutes, `no-cache` or
    /// not, and comes to a stand at its end.
    pub(crate) fn cache_control(self, life: Life) -> HeaderValue {
        HeaderValue::from_static(match (self, life) {
            (_, Life::Growing) | (Self::Playlist, _) => "no-store",
            (Self::Footage, Life::Named { age }) if age >= FINISHED_AFTER => {
                "private, max-age=86400, immutable"
            }
            (_, Life::Named { .. }) => "no-cache",
        })
    }
}

fn is_map(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem == "init" || stem.starts_with("init_")
}

fn extension(name: &str) -> String {
    Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Kind> {
        Kind::of(&path.split('/').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn only_what_the_program_writes_for_others_has_a_kind() {
        let cases = [
            ("gate/segment_20261125_101500.mp4", Some(Kind::Footage)),
            ("gate/2026/11/A.MKV", Some(Kind::Footage)),
            ("gate/processed/a.mp4", Some(Kind::Footage)),
            ("gate/init.mp4", Some(Kind::Map)),
            ("gate/live/init_2.mp4", Some(Kind::Map)),
            ("gate/initial.mp4", Some(Kind::Footage)),
            ("gate/stream.m3u8", Some(Kind::Playlist)),
            ("gate/processed/a.mp4.json", Some(Kind::Sidecar)),
            ("gate/snapshots/20261125_101500.jpg", Some(Kind::Snapshot)),
            ("gate/secret.json", None),
            ("gate/photo.jpg", None),
            ("gate/snapshots.jpg", None),
            ("gate/a.mp4.partial", None),
            ("gate/a.mp4.json.staged", None),
            ("gate/catalog.db", None),
            ("gate/mp4", None),
            ("gate/", None),
        ];
        for (path, kind) in cases {
            assert_eq!(of(path), kind, "{path}");
        }
    }

    #[test]
    fn only_finished_footage_is_kept_for_long() {
        let (fresh, old) = (Life::Named { age: Duration::ZERO }, Life::Named { age: FINISHED_AFTER });
        let kept = |kind: Kind, life| kind.cache_control(life).to_str().unwrap().contains("max-age");
        assert!(kept(Kind::Footage, old));
        assert!(!kept(Kind::Footage, fresh) && !kept(Kind::Footage, Life::Growing));
        assert_eq!(Kind::Playlist.cache_control(old), "no-store");
        for kind in [Kind::Map, Kind::Playlist, Kind::Sidecar, Kind::Snapshot] {
            assert!(!kept(kind, old), "{kind:?}");
        }
    }

    #[test]
    fn all_footage_has_a_content_type_of_its_own() {
        for extension in ["mp4", "m4v", "mkv", "ts", "avi", "mov", "mts"] {
            let content_type = Kind::Footage.content_type(&format!("a.{extension}"));
            assert!(content_type.to_str().unwrap().starts_with("video/"), "{extension}");
        }
    }
}
