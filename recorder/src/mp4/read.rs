//! Reading back what this recorder wrote: heads and fragments of a file that was never closed.
//!
//! A power cut can leave anything in the last blocks of a file, so every length is checked against what is
//! there, and whatever does not fit is a fault.

use super::fragment::IS_OTHER;
use super::{FileHead, Metadata, Origins, Run, Sample, TrackHead, TrackKind};

/// Why bytes are not what this recorder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) &'static str);

/// A box's header, as found in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoxAt {
    pub(crate) kind: [u8; 4],
    pub(crate) header_length: u64,
    /// Header included.
    pub(crate) length: u64,
}

/// Reads a box's header from the first 16 bytes of it, or the first 8 where no more are left.
pub(crate) fn box_at(bytes: &[u8]) -> Option<BoxAt> {
    let mut fields = Fields(bytes);
    let short = u64::from(fields.u32()?);
    let kind = fields.array()?;
    let (header_length, length) = if short == 1 { (16, fields.u64()?) } else { (8, short) };
    (length >= header_length).then_some(BoxAt { kind, header_length, length })
}

/// Walks the boxes in a box's content, and stops at the first that does not fit.
pub(crate) fn children(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let found = box_at(rest)?;
        let length = usize::try_from(found.length).ok()?;
        let content = rest.get(found.header_length as usize..length)?;
        rest = &rest[length..];
        Some((found.kind, content))
    })
}

pub(crate) fn child<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, kind| {
        children(content).find(|(found, _)| found == *kind).map(|(_, content)| content)
    })
}

/// Reads the content of the opening `moov`.
pub(crate) fn parse_head(moov: &[u8]) -> Result<FileHead, Fault> {
    let metadata = Metadata::read(moov).ok_or(Fault("it does not tell which camera it is of"))?;
    let (tracks, origins): (Vec<TrackHead>, Vec<u64>) = children(moov)
        .filter(|(kind, _)| kind == b"trak")
        .map(|(_, trak)| {
            parse_track(trak).zip(parse_origin(trak)).ok_or(Fault("a track is described wrongly"))
        })
        .collect::<Result<_, _>>()?;
    let origins = Origins(origins);
    match tracks.first() {
        Some(TrackHead { kind: TrackKind::Video { .. }, .. }) => Ok(FileHead { metadata, tracks, origins }),
        _ => Err(Fault("its first track is not video")),
    }
}

pub(crate) fn parse_track(trak: &[u8]) -> Option<TrackHead> {
    let mdia = child(trak, &[b"mdia"])?;
    // the first version of these boxes, which others write, has shorter times
    let place = |content: &[u8], wide, narrow| if content.first() == Some(&1) { wide } else { narrow };
    let mdhd = child(mdia, &[b"mdhd"])?;
    let time_scale = Fields(mdhd.get(place(mdhd, 20, 12)..)?).u32()?;
    let kind = match child(mdia, &[b"hdlr"])?.get(8..12)? {
        b"vide" => {
            let tkhd = child(trak, &[b"tkhd"])?;
            let mut size = Fields(tkhd.get(place(tkhd, 88, 76)..)?);
            let (width, height) = (size.u32()? >> 16, size.u32()? >> 16);
            TrackKind::Video { width: u16::try_from(width).ok()?, height: u16::try_from(height).ok()? }
        }
        b"soun" => TrackKind::Audio,
        _ => return None,
    };
    let entry = child(mdia, &[b"minf", b"stbl", b"stsd"])?.get(8..)?;
    let whole = box_at(entry)?.length == entry.len() as u64;
    (whole && time_scale > 0).then(|| TrackHead { kind, time_scale, sample_entry: entry.to_vec() })
}

/// Reads where the times of a track's fragments begin.
fn parse_origin(trak: &[u8]) -> Option<u64> {
    let Some(edits) = child(trak, &[b"edts", b"elst"]) else { return Some(0) };
    let mut fields = Fields(edits.get(4..)?);
    let (count, duration, origin) = (fields.u32()?, fields.u64()?, fields.u64()?);
    (count == 1 && duration == 0).then_some(origin)
}

/// Returns, for each track in the content of any `moov`, the whole first entry of its `stsd`.
pub(crate) fn sample_entries(moov: &[u8]) -> impl Iterator<Item = Option<Vec<u8>>> {
    children(moov).filter(|(kind, _)| kind == b"trak").map(|(_, trak)| {
        let entries = child(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?.get(8..)?;
        let length = usize::try_from(box_at(entries)?.length).ok()?;
        entries.get(..length).map(<[u8]>::to_vec)
    })
}

/// Reads the content of a `moof` of a file whose times begin there; returns each run with where its samples begin,
/// counted from the `moof`.
pub(crate) fn parse_fragment(moof: &[u8], origins: &Origins) -> Result<Vec<(u64, Run)>, Fault> {
    children(moof)
        .filter(|(kind, _)| kind == b"traf")
        .map(|(_, traf)| parse_run(traf, origins).ok_or(Fault("a fragment is described wrongly")))
        .collect()
}

fn parse_run(traf: &[u8], origins: &Origins) -> Option<(u64, Run)> {
    let id = Fields(child(traf, &[b"tfhd"])?.get(4..)?).u32()?;
    let track = (id as usize).checked_sub(1)?;
    let mut dts = Fields(child(traf, &[b"tfdt"])?.get(4..)?).u64()?.checked_sub(origins.of(track))?;
    let mut fields = Fields(child(traf, &[b"trun"])?.get(4..)?);
    let count = fields.u32()? as usize;
    let data_at = u64::from(fields.u32()?);
    // 16 bytes per sample: a count beyond that is not believed, and allocates nothing
    if fields.0.len() != count.checked_mul(16)? {
        return None;
    }
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let offset = fields.u32()?.cast_signed();
        samples.push(Sample { dts, duration, offset, size, keyframe: flags & IS_OTHER == 0 });
        dts = dts.checked_add(u64::from(duration))?;
    }
    Some((data_at, Run { track, samples }))
}

/// Takes big-endian fields from the front of bytes that may end at any place.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}
