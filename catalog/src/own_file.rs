//! What a segment of nightreel's own says of itself, for a catalogue that is made from the folder alone: when it began,
//! to the millisecond, and how long it is. Its name tells the second only.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The name of the start in the `mdta` metadata of a segment; part of the file format.
const START_KEY: &str = "com.nightreel.start";

/// An hour of 60 frames a second has an index of 4 MB.
const INDEX_MOST: u64 = 64 << 20;

/// Boxes at the top of a file before the index: a file of ours has three.
const BOXES_MOST: usize = 16;

/// Of the longest header of a box.
const HEADER: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnFile {
    pub(crate) start: DateTime<Utc>,
    pub(crate) duration: Duration,
}

/// Looks into a file; nothing where it is not nightreel's, or was not closed.
pub(crate) fn look(file: &Path) -> Option<OwnFile> {
    told(&index(&mut File::open(file).ok()?)?)
}

/// Reads the content of the first `moov`.
fn index(file: &mut File) -> Option<Vec<u8>> {
    let mut at = 0;
    for _ in 0..BOXES_MOST {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut head = Vec::with_capacity(HEADER);
        file.take(HEADER as u64).read_to_end(&mut head).ok()?;
        let found = header(&head)?;
        if &found.kind == b"moov" {
            let length = found.length.checked_sub(found.content_at).filter(|length| *length <= INDEX_MOST)?;
            file.seek(SeekFrom::Start(at + found.content_at)).ok()?;
            let mut content = Vec::new();
            file.take(length).read_to_end(&mut content).ok()?;
            return (content.len() as u64 == length).then_some(content);
        }
        at = at.checked_add(found.length)?;
    }
    None
}

fn told(moov: &[u8]) -> Option<OwnFile> {
    let meta = child(moov, &[b"udta", b"meta"])?.get(4..)?;
    let keys = children(child(meta, &[b"keys"])?.get(8..)?);
    let number = keys.map(|(_, key)| key).position(|key| key == START_KEY.as_bytes())?;
    let (_, item) = children(child(meta, &[b"ilst"])?).nth(number)?;
    let text = std::str::from_utf8(child(item, &[b"data"])?.get(8..)?).ok()?;
    let start = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // The first track is the video; its header is of version 1.
    let times = child(moov, &[b"trak", b"mdia", b"mdhd"])?.get(20..32)?;
    let (scale, length) = times.split_at(4);
    let scale = u32::from_be_bytes(scale.try_into().ok()?);
    let length = u64::from_be_bytes(length.try_into().ok()?) as f64 / f64::from(scale);
    let duration = Duration::try_from_secs_f64(length).ok().filter(|duration| !duration.is_zero())?;
    Some(OwnFile { start, duration })
}

/// The head of a box.
struct Header {
    kind: [u8; 4],
    content_at: u64,
    /// Of all of it.
    length: u64,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let short = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (content_at, length) = match short {
        1 => (16, u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?)),
        _ => (8, u64::from(short)),
    };
    (length >= content_at).then_some(Header { kind, content_at, length })
}

/// Walks the boxes in a box's content, and stops at the first that does not fit.
fn children(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let found = header(rest)?;
        let length = usize::try_from(found.length).ok()?;
        let content = rest.get(found.content_at as usize..length)?;
        rest = &rest[length..];
        Some((found.kind, content))
    })
}

fn child<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, kind| {
        children(content).find(|(found, _)| found == *kind).map(|(_, content)| content)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
    }

    /// A closed segment, with its index behind the footage.
    fn segment(start: &str, (length, scale): (u64, u32)) -> Vec<u8> {
        let mdhd = [&[0; 20][..], &scale.to_be_bytes(), &length.to_be_bytes(), &[0; 4]].concat();
        let trak = boxed(b"trak", &boxed(b"mdia", &boxed(b"mdhd", &mdhd)));
        let keys =
            [&[0; 8][..], &boxed(b"mdta", b"com.nightreel.camera"), &boxed(b"mdta", START_KEY.as_bytes())]
                .concat();
        let value =
            |text: &str| boxed(b"\0\0\0\x01", &boxed(b"data", &[&[0; 8][..], text.as_bytes()].concat()));
        let items = boxed(b"ilst", &[value("gate"), value(start)].concat());
        let meta = boxed(b"meta", &[&[0; 4][..], &boxed(b"keys", &keys), &items].concat());
        let moov = boxed(b"moov", &[trak, boxed(b"udta", &meta)].concat());
        let long = [&1u32.to_be_bytes()[..], b"mdat", &24u64.to_be_bytes(), b"footage!"].concat();
        [boxed(b"ftyp", b"isom"), long, moov].concat()
    }

    fn look_at(bytes: &[u8]) -> Option<OwnFile> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.mp4");
        std::fs::write(&file, bytes).unwrap();
        look(&file)
    }

    #[test]
    fn a_segment_tells_its_start_and_length() {
        let own = look_at(&segment("2026-11-22T22:00:00.140Z", (5_400_000, 90_000))).unwrap();
        assert_eq!(own.start.timestamp_millis() % 60_000, 140);
        assert_eq!(own.duration, Duration::from_secs(60));
    }

    #[test]
    fn whatever_else_lies_there_tells_nothing() {
        let whole = segment("2026-11-22T22:00:00.140Z", (5_400_000, 90_000));
        for length in 0..whole.len() {
            assert_eq!(look_at(&whole[..length]), None, "cut at {length}");
        }
        for (start, times) in
            [("yesterday", (1, 1)), ("2026-11-22T22:00:00Z", (1, 0)), ("2026-11-22T22:00:00Z", (0, 1))]
        {
            assert_eq!(look_at(&segment(start, times)), None, "{start} {times:?}");
        }
        assert_eq!(look_at(&boxed(b"moov", b"")), None);
        assert_eq!(look_at(&[&1u32.to_be_bytes()[..], b"mdat", &u64::MAX.to_be_bytes()].concat()), None);
        assert_eq!(look(Path::new("/nowhere.mp4")), None);
    }
}
