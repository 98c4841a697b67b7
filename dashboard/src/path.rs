//! The path of a request: which file below the root it may mean, told from the text alone.

use catalog::{FAILED, PROCESSED};
use percent_encoding::percent_decode_str;

use crate::kind::{Kind, LIVE, SNAPSHOTS};

/// A file in a camera's folder, as names to go down by from the root: none is empty, hidden, `..` or has a
/// slash in it, and the last one is of a kind that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaPath {
    parts: Vec<String>,
    kind: Kind,
}

impl MediaPath {
    /// Reads what follows `/media/` in a request. Each part is decoded by itself and once, so that an encoded
    /// slash is seen as one and not as the end of a name.
    pub(crate) fn parse(encoded: &str) -> Option<Self> {
        let parts = encoded.split('/').map(decode).collect::<Option<Vec<_>>>()?;
        let below_camera = parts.get(1)?;
        // Some file systems take `FAILED` for the same folder.
        if below_camera.eq_ignore_ascii_case(FAILED) {
            return None;
        }
        let kind = Kind::of(&parts)?;
        Some(Self { parts, kind })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    pub(crate) fn name(&self) -> &str {
        self.parts.last().expect("a path has a camera and a name")
    }

    /// Returns the partial that will have this name, for what is recorded under one.
    pub(crate) fn partial(&self) -> Option<Vec<String>> {
        let is_recorded = self.kind == Kind::Footage && self.name().ends_with(".mp4");
        is_recorded.then(|| {
            let mut parts = self.parts.clone();
            *parts.last_mut().expect("a path has a camera and a name") += ".partial";
            parts
        })
    }

    /// Returns where the segment lies once it was looked at, for what can get there.
    pub(crate) fn processed(&self) -> Option<Vec<String>> {
        let stays = [PROCESSED, LIVE, SNAPSHOTS].contains(&self.parts[1].as_str());
        (self.kind == Kind::Footage && !stays).then(|| {
            let mut parts = self.parts.clone();
            parts.insert(1, PROCESSED.to_owned());
            parts
        })
    }
}

fn decode(encoded: &str) -> Option<String> {
    let name = percent_decode_str(encoded).decode_utf8().ok()?;
    let is_odd = |c: char| matches!(c, '/' | '\\') || c.is_control();
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(is_odd);
    is_plain.then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_camera_shows_is_reached() {
        let cases = [
            ("gate/segment_20261125_101500.mp4", "gate/segment_20261125_101500.mp4"),
            ("gate/segment_20261025_023000%2B0200.mp4", "gate/segment_20261025_023000+0200.mp4"),
            ("gate/segment_20261025_023000+0200.mp4", "gate/segment_20261025_023000+0200.mp4"),
            ("back%20yard/T%C3%BCr.mp4", "back yard/Tür.mp4"),
            ("gate/2026/11/a.mp4", "gate/2026/11/a.mp4"),
            ("gate/processed/a.mp4.json", "gate/processed/a.mp4.json"),
            ("gate/live/stream.m3u8", "gate/live/stream.m3u8"),
            ("gate/a..b.mp4", "gate/a..b.mp4"),
        ];
        for (encoded, path) in cases {
            let parsed = MediaPath::parse(encoded).unwrap_or_else(|| panic!("{encoded} is refused"));
            assert_eq!(parsed.parts().join("/"), path);
        }
    }

    #[test]
    fn nothing_else_is_reached() {
        let refused = [
            "",
            "/",
            "a.mp4",
            "/etc/a.mp4",
            "//etc/a.mp4",
            "gate//a.mp4",
            "gate/a.mp4/",
            "../a.mp4",
            "gate/../a.mp4",
            "gate/../../etc/a.mp4",
            "gate/%2e%2e/a.mp4",
            "gate/%2E./a.mp4",
            "gate/./a.mp4",
            "gate/..%2fa.mp4",
            "gate%2fa.mp4",
            "gate/x%2F..%2F..%2Fa.mp4",
            "gate/..%5ca.mp4",
            "gate/..\\a.mp4",
            "gate/a.mp4%00",
            "gate/a%00.mp4",
            "gate/%00/a.mp4",
            "gate/a%0d%0a.mp4",
            "gate/%ff.mp4",
            "gate/.a.mp4",
            "gate/.hidden/a.mp4",
            ".nightreel/a.mp4",
            ".nightreel/catalog.db",
            "%2enightreel/a.mp4",
            "gate/failed/a.mp4",
            "gate/FAILED/a.mp4",
            "gate/f%61iled/a.mp4",
            "gate/failed/a.mp4.json",
            "gate/a.mp4.partial",
            "gate/a.mp4%2epartial",
            "gate/.a.mp4.json.staged",
            "gate/nightreel.toml",
        ];
        for encoded in refused {
            assert_eq!(MediaPath::parse(encoded), None, "{encoded}");
        }
    }

    #[test]
    fn decoding_is_done_once() {
        let parsed = MediaPath::parse("gate/%252e%252e%252fa.mp4").unwrap();
        assert_eq!(parsed.parts(), ["gate", "%2e%2e%2fa.mp4"]);
    }

    #[test]
    fn only_segments_are_looked_for_elsewhere() {
        let elsewhere = |path: &str| {
            let path = MediaPath::parse(path).unwrap();
            (path.partial().map(|p| p.join("/")), path.processed().map(|p| p.join("/")))
        };
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(elsewhere("gate/a.mp4"), (some("gate/a.mp4.partial"), some("gate/processed/a.mp4")));
        assert_eq!(elsewhere("gate/live/a.mp4"), (some("gate/live/a.mp4.partial"), None));
        assert_eq!(elsewhere("gate/11/a.mkv"), (None, some("gate/processed/11/a.mkv")));
        for fixed in ["gate/init.mp4", "gate/stream.m3u8", "gate/a.mp4.json", "gate/snapshots/a.jpg"] {
            assert_eq!(elsewhere(fixed), (None, None), "{fixed}");
        }
    }

    fn is_safe(part: &str) -> bool {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['/', '\\', '\0'])
    }

    proptest! {
        #[test]
        fn no_text_leads_out(
            encoded in "((\\.|/|\\\\|%2e|%2F|%5c|%00|%25|%|failed|gate|\\.mp4|é|a){0,12}|.{0,40})(\\.mp4)?"
        ) {
            if let Some(path) = MediaPath::parse(&encoded) {
                prop_assert!(path.parts().len() >= 2);
                prop_assert!(path.parts().iter().all(|part| is_safe(part)), "{path:?}");
                prop_assert!(!path.parts()[1].eq_ignore_ascii_case(FAILED));
            }
        }

        #[test]
        fn every_plain_name_is_reached(
            camera in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}", stem in "[^./\\\\\\pC][^/\\\\\\pC]{0,20}"
        ) {
            let name = format!("{stem}.mp4");
            let encoded = utf8_percent_encode(&name, NON_ALPHANUMERIC);
            let path = MediaPath::parse(&format!("{camera}/{encoded}")).unwrap();
            prop_assert_eq!(path.parts(), [camera, name]);
        }
    }
}
