//! The index of a closed MP4, whoever wrote it: where each sample lies, and when it is decoded and shown.
//!
//! Files come from any recorder, and a disk can damage them: counts are checked against the bytes that are there before
//! anything is allocated for them.

use crate::mp4::{Fields, TrackHead, child, children, parse_track};

/// In one clip. An hour of 60 frames/s with sound is a third of it; each costs some 40 bytes while a clip is planned.
pub(super) const MOST_SAMPLES: usize = 1_000_000;

/// The pictures of a file, and its sound where it has any.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) video: Indexed,
    pub(super) sound: Option<Indexed>,
}

#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) head: TrackHead,
    /// In the order in which they are decoded.
    pub(super) samples: Vec<Placed>,
}

/// A sample in a file; times are in the track's scale and count from where the file begins to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) at: u64,
    pub(super) size: u32,
    pub(super) dts: i64,
    pub(super) shown: i64,
    pub(super) duration: u32,
    pub(super) keyframe: bool,
}

impl Index {
    /// Reads the content of a `moov` of a file of so many bytes.
    pub(super) fn read(moov: &[u8], length: u64) -> Option<Self> {
        let movie_scale = movie_scale(moov)?;
        let tracks = || children(moov).filter(|(kind, _)| kind == b"trak").map(|(_, trak)| trak);
        let video = tracks().find(|trak| handler(trak) == Some(b"vide"))?;
        let sound = tracks().find(|trak| handler(trak) == Some(b"soun"));
        let read = |trak| Indexed::read(trak, movie_scale).filter(|indexed| indexed.lies_within(length));
        let video = read(video)?;
        // sound that cannot be read is no reason to have no pictures
        Some(Self { video, sound: sound.and_then(read) })
    }
}

fn movie_scale(moov: &[u8]) -> Option<u32> {
    let mvhd = child(moov, &[b"mvhd"])?;
    let at = if *mvhd.first()? == 1 { 20 } else { 12 };
    Fields(mvhd.get(at..)?).u32().filter(|scale| *scale > 0)
}

fn handler(trak: &[u8]) -> Option<&[u8; 4]> {
    child(trak, &[b"mdia", b"hdlr"])?.get(8..12)?.try_into().ok()
}

impl Indexed {
    fn read(trak: &[u8], movie_scale: u32) -> Option<Self> {
        let head = parse_track(trak)?;
        let shift = shift(trak, (head.time_scale, movie_scale))?;
        let mut samples = samples(child(trak, &[b"mdia", b"minf", b"stbl"])?)?;
        for sample in &mut samples {
            sample.dts = sample.dts.checked_add(shift)?;
            sample.shown = sample.shown.checked_add(shift)?;
        }
        (!samples.is_empty()).then_some(Self { head, samples })
    }

    fn lies_within(&self, length: u64) -> bool {
        self.samples.iter().all(|sample| sample.at.saturating_add(sample.size.into()) <= length)
    }
}

/// Reads from an edit list how much later a track's samples are shown than they say. Programs write at most a wait and
/// then one edit; of more, the first one counts.
fn shift(trak: &[u8], (scale, movie_scale): (u32, u32)) -> Option<i64> {
    let Some(list) = child(trak, &[b"edts", b"elst"]) else { return Some(0) };
    let is_wide = *list.first()? == 1;
    let mut fields = Fields(list.get(4..)?);
    let mut waited: i64 = 0;
    for _ in 0..fields.u32()? {
        let (duration, begins) = match is_wide {
            true => (fields.u64()?, fields.u64()?.cast_signed()),
            false => (u64::from(fields.u32()?), i64::from(fields.u32()?.cast_signed())),
        };
        fields.u32()?; // rate
        if begins >= 0 {
            return waited.checked_sub(begins);
        }
        let wait = u128::from(duration) * u128::from(scale) / u128::from(movie_scale);
        waited = waited.checked_add(i64::try_from(wait).ok()?)?;
    }
    Some(waited)
}

fn samples(stbl: &[u8]) -> Option<Vec<Placed>> {
    let sizes = Sizes::read(table(stbl, b"stsz")?)?;
    let mut durations = Repeated::of(table(stbl, b"stts")?)?;
    let mut offsets = table(stbl, b"ctts").map(Repeated::of);
    let mut keyframes = table(stbl, b"stss").map(keyframes);
    let mut next_keyframe = keyframes.as_mut().and_then(Iterator::next);
    let mut places = Places::read(stbl)?;
    let mut samples = Vec::with_capacity(sizes.count);
    let mut dts: i64 = 0;
    for (number, size) in (1u32..).zip(sizes.iter()) {
        let size = size?;
        let duration = durations.next()?;
        let offset = match &mut offsets {
            Some(offsets) => offsets.as_mut()?.next()?.cast_signed(),
            None => 0,
        };
        let keyframe = keyframes.is_none() || next_keyframe == Some(number);
        if let Some(keyframes) = &mut keyframes
            && next_keyframe == Some(number)
        {
            next_keyframe = keyframes.next();
        }
        let at = places.take(size)?;
        samples.push(Placed { at, size, dts, shown: dts.checked_add(offset.into())?, duration, keyframe });
        dts = dts.checked_add(duration.into())?;
    }
    Some(samples)
}

/// Returns what follows version and flags.
fn table<'a>(stbl: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    child(stbl, &[kind])?.get(4..)
}

/// Numbers from 1, in order.
fn keyframes(table: &[u8]) -> impl Iterator<Item = u32> {
    let mut fields = Fields(table);
    let count = fields.u32().unwrap_or(0);
    (0..count).map_while(move |_| fields.u32())
}

struct Sizes<'a> {
    /// Zero where each has its own.
    all: u32,
    count: usize,
    each: &'a [u8],
}

impl<'a> Sizes<'a> {
    fn read(table: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(table);
        let (all, count) = (fields.u32()?, fields.u32()? as usize);
        let is_there = all != 0 || fields.0.len() / 4 >= count;
        (is_there && count <= MOST_SAMPLES).then_some(Self { all, count, each: fields.0 })
    }

    fn iter(&self) -> impl Iterator<Item = Option<u32>> {
        let mut each = Fields(self.each);
        (0..self.count).map(move |_| if self.all == 0 { each.u32() } else { Some(self.all) })
    }
}

/// Values that are written as (count, value).
struct Repeated<'a> {
    fields: Fields<'a>,
    left: u32,
    value: u32,
}

impl<'a> Repeated<'a> {
    fn of(table: &'a [u8]) -> Option<Self> {
        Some(Self { fields: Fields(table.get(4..)?), left: 0, value: 0 })
    }

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            (self.left, self.value) = (self.fields.u32()?, self.fields.u32()?);
        }
        self.left -= 1;
        Some(self.value)
    }
}

/// Where samples lie: chunk after chunk, and in each one after the other.
struct Places<'a> {
    chunks: Fields<'a>,
    is_wide: bool,
    /// Of (first chunk, samples in each, description).
    counts: Fields<'a>,
    next_count: Option<(u32, u32)>,
    chunk: u32,
    in_each: u32,
    left: u32,
    at: u64,
}

impl<'a> Places<'a> {
    fn read(stbl: &'a [u8]) -> Option<Self> {
        let (chunks, is_wide) = match table(stbl, b"co64") {
            Some(table) => (table, true),
            None => (table(stbl, b"stco")?, false),
        };
        let counts = Fields(table(stbl, b"stsc")?.get(4..)?);
        let chunks = Fields(chunks.get(4..)?);
        let mut places =
            Self { chunks, is_wide, counts, next_count: None, chunk: 0, in_each: 0, left: 0, at: 0 };
        places.next_count = places.count()?;
        Some(places)
    }

    /// Reads from which chunk on there are how many samples in each; only the first description is known.
    fn count(&mut self) -> Option<Option<(u32, u32)>> {
        let Some(first) = self.counts.u32() else { return Some(None) };
        let (samples, description) = (self.counts.u32()?, self.counts.u32()?);
        (description == 1).then_some(Some((first, samples)))
    }

    fn take(&mut self, size: u32) -> Option<u64> {
        while self.left == 0 {
            self.chunk += 1;
            self.at = if self.is_wide { self.chunks.u64()? } else { self.chunks.u32()?.into() };
            if let Some((first, samples)) = self.next_count
                && first <= self.chunk
            {
                self.in_each = samples;
                self.next_count = self.count()?;
            }
            self.left = self.in_each;
        }
        self.left -= 1;
        let at = self.at;
        self.at = self.at.checked_add(size.into())?;
        Some(at)
    }
}
