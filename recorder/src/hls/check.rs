//! A reader of playlists for tests, written from RFC 8216 and not from the writer.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

/// A part as a player sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) discontinuity: u64,
    pub(crate) map: String,
    pub(crate) uri: String,
    pub(crate) bytes: Range<u64>,
    pub(crate) seconds: f64,
    /// Told, or carried on from a part before.
    pub(crate) time: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) target: u64,
    /// By media sequence number.
    pub(crate) parts: BTreeMap<u64, Seen>,
}

/// Reads a playlist and asserts what one by itself must keep to.
pub(crate) fn read(text: &str) -> Reading {
    assert!(text.starts_with("#EXTM3U\n") && text.ends_with('\n'), "{text}");
    let tag = |name: &str| {
        let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {text}"));
        assert!(values.next().is_none(), "{name} twice in {text}");
        value.parse::<u64>().unwrap()
    };
    assert_eq!(tag("#EXT-X-VERSION"), 7);
    let target = tag("#EXT-X-TARGETDURATION");
    let mut sequence = tag("#EXT-X-MEDIA-SEQUENCE");
    let mut discontinuity = tag("#EXT-X-DISCONTINUITY-SEQUENCE");
    let (mut map, mut time, mut seconds, mut range) = (None, None, None, None);
    let mut parts: BTreeMap<u64, Seen> = BTreeMap::new();
    for line in text.lines() {
        if line == "#EXT-X-DISCONTINUITY" {
            discontinuity += 1;
            time = None;
        } else if let Some(uri) = line.strip_prefix("#EXT-X-MAP:URI=") {
            map = Some(uri.trim_matches('"').to_owned());
        } else if let Some(told) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            time = Some(told.parse::<DateTime<Utc>>().unwrap());
        } else if let Some(length) = line.strip_prefix("#EXTINF:") {
            seconds = Some(length.split(',').next().unwrap().parse::<f64>().unwrap());
        } else if let Some(told) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (length, from) = told.split_once('@').unwrap();
            let from: u64 = from.parse().unwrap();
            range = Some(from..from + length.parse::<u64>().unwrap());
        } else if !line.starts_with('#') {
            let seconds = seconds.take().expect("a part has a length");
            assert!(seconds.round() as u64 <= target, "{seconds} s is more than {target} in {text}");
            let begins: DateTime<Utc> = time.expect("a file has a time");
            time = Some(begins + TimeDelta::microseconds((seconds * 1e6).round() as i64));
            let seen = Seen {
                discontinuity,
                map: map.clone().expect("a part has a map"),
                uri: line.to_owned(),
                bytes: range.take().expect("a part has a range"),
                seconds,
                time: begins,
            };
            parts.insert(sequence, seen);
            sequence += 1;
        }
    }
    Reading { target, parts }
}

/// Asserts what a player that has read `before` may rely on.
pub(crate) fn assert_follows(before: &Reading, after: &Reading) {
    assert!(after.target >= before.target);
    let first = |reading: &Reading| reading.parts.keys().next().copied();
    let last = |reading: &Reading| reading.parts.keys().last().copied();
    assert!(first(after) >= first(before), "the media sequence goes back");
    assert!(last(after) >= last(before), "parts are taken back");
    for (number, part) in &after.parts {
        let Some(known) = before.parts.get(number) else { continue };
        // a time that is carried on may differ from one that is told by what the millisecond cuts off
        let moved = (known.time - part.time).abs();
        assert!(moved <= TimeDelta::milliseconds(2), "part {number} moved by {moved}");
        assert_eq!(Seen { time: part.time, ..known.clone() }, *part, "part {number} is another");
    }
}
