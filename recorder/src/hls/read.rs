//! Reading a playlist back that an earlier run has written, so that players survive a restart. Whatever is not
//! exactly of our own making is none, and a new one is begun.

use std::iter::Peekable;
use std::ops::Range;
use std::str::Split;
use std::time::Duration;

use catalog::LIVE;
use chrono::DateTime;

use super::playlist::{FileOfParts, Follows, Map, Numbers, Playlist};
use crate::name;

/// No part is longer than a day; what says so is damaged.
const SECONDS_MAX: u64 = 86_400;
/// Far beyond what is ever counted, and far from where counting ends.
const NUMBER_MAX: u64 = 1 << 53;

type Lines<'t> = Peekable<Split<'t, char>>;

/// Reads one that is to reach back `keep`; older parts are let go of.
pub(crate) fn read(text: &str, keep: Duration) -> Option<Playlist> {
    // one that was cut off may lack its last parts, and others would get their numbers
    let mut lines = text.strip_suffix('\n')?.split('\n').peekable();
    let mut playlist = Playlist::new(keep, read_numbers(&mut lines)?);
    let mut map = None;
    while lines.peek().is_some() {
        let begins_anew = lines.next_if_eq(&"#EXT-X-DISCONTINUITY").is_some();
        let follows = match map {
            // the first is not told to be one
            None if begins_anew => return None,
            Some(_) if !begins_anew => Follows::InTime,
            _ => Follows::Anew,
        };
        if follows == Follows::Anew {
            map = Some(read_map(lines.next()?)?);
        }
        read_file(&mut lines, &mut playlist, (map?, follows))?;
    }
    Some(playlist)
}

fn read_numbers(lines: &mut Lines<'_>) -> Option<Numbers> {
    let mut is_next = |wanted: &str| lines.next().filter(|line| *line == wanted);
    is_next("#EXTM3U")?;
    is_next("#EXT-X-VERSION:7")?;
    let mut number = |tag: &str, most: u64| number(lines.next()?.strip_prefix(tag)?).filter(|n| *n <= most);
    let numbers = Numbers {
        target_seconds: number("#EXT-X-TARGETDURATION:", SECONDS_MAX)?,
        media_sequence: number("#EXT-X-MEDIA-SEQUENCE:", NUMBER_MAX)?,
        discontinuity_sequence: number("#EXT-X-DISCONTINUITY-SEQUENCE:", NUMBER_MAX)?,
    };
    lines.next().filter(|line| *line == "#EXT-X-INDEPENDENT-SEGMENTS")?;
    Some(numbers)
}

fn read_file(lines: &mut Lines<'_>, playlist: &mut Playlist, (map, follows): (Map, Follows)) -> Option<()> {
    let start = lines.next()?.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")?;
    let start = DateTime::parse_from_rfc3339(start).ok()?.to_utc();
    let (name, bytes, length) = read_part(lines)?;
    playlist.begin_file(FileOfParts { name: name.to_owned(), map, start, follows });
    playlist.add(bytes, length);
    while lines.peek().is_some_and(|line| line.starts_with("#EXTINF:")) {
        let (same, bytes, length) = read_part(lines)?;
        if same != name {
            return None;
        }
        playlist.add(bytes, length);
    }
    Some(())
}

fn read_map(line: &str) -> Option<Map> {
    let map = line.strip_prefix("#EXT-X-MAP:URI=\"init")?.strip_suffix("@0\"")?;
    let (digits, bytes) = map.split_once(".mp4\",BYTERANGE=\"")?;
    let counted = |digits: &str| number(digits.strip_prefix('_')?)?.try_into().ok();
    let number_of_map = if digits.is_empty() { 1 } else { counted(digits)? };
    Some(Map { number: number_of_map, bytes: number(bytes)? })
}

fn read_part<'t>(lines: &mut Lines<'t>) -> Option<(&'t str, Range<u64>, Duration)> {
    let (seconds, micros) = lines.next()?.strip_prefix("#EXTINF:")?.strip_suffix(',')?.split_once('.')?;
    let length = Duration::from_secs(number(seconds).filter(|seconds| *seconds < SECONDS_MAX)?)
        + Duration::from_micros(number(micros).filter(|_| micros.len() == 6)?);
    let (size, start) = lines.next()?.strip_prefix("#EXT-X-BYTERANGE:")?.split_once('@')?;
    let (name, query) = lines.next()?.split_once('?').filter(|(name, _)| is_ours(name))?;
    let start = number(start).filter(|_| start == query)?;
    let bytes = start..start.checked_add(number(size)?)?;
    Some((name, bytes, length))
}

/// Digits alone: `u64::from_str` would take a sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Names are looked up below the camera's folder: they must not lead out of it.
fn is_ours(name: &str) -> bool {
    let file = name.strip_prefix(LIVE).and_then(|below| below.strip_prefix('/')).unwrap_or(name);
    file.starts_with(name::BEGINS) && file.ends_with(".mp4") && !file.contains('/')
}
