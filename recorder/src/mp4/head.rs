//! The file's head and its closing index: `ftyp`, `free` and both forms of `moov`.

use super::boxes::{BoxWriter, VERSION_1};
use super::g711::is_g711;
use super::{Metadata, SampleTable};

/// Of `mvhd`, `tkhd` and edit lists, in units per second.
const MOVIE_SCALE: u64 = 90_000;
/// Between 1904, where MP4 counts from, and 1970.
const EPOCH_SHIFT_S: i64 = 2_082_844_800;
const UNDETERMINED_LANGUAGE: u16 = 0x55c4;
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
const BRANDS: &[u8] = b"isom\0\0\x02\0isomiso5iso6mp41hlsf";

/// Where the `free` box lies that becomes the header of the spanning `mdat`: right after `ftyp`.
pub(crate) const SPAN_AT: u64 = 8 + BRANDS.len() as u64;
pub(crate) const SPAN_LENGTH: u64 = 16;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FileHead {
    pub(crate) metadata: Metadata,
    pub(crate) tracks: Vec<TrackHead>,
    pub(crate) origins: Origins,
}

/// Where the times in a file's fragments begin, per track, in its time scale; zero where nothing is said. Samples
/// count from the file's beginning all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins(pub(crate) Vec<u64>);

impl Origins {
    pub(crate) fn of(&self, track: usize) -> u64 {
        self.0.get(track).copied().unwrap_or(0)
    }

    /// Tells whether the times go on from an earlier file of the session.
    pub(crate) fn are_later(&self) -> bool {
        self.of(0) > 0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrackHead {
    pub(crate) kind: TrackKind,
    /// Units per second.
    pub(crate) time_scale: u32,
    /// The one entry of `stsd`, ready made (`avc1`, `hvc1`, `mp4v`, `mp4a`, `ulaw` …).
    pub(crate) sample_entry: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackKind {
    Video { width: u16, height: u16 },
    Audio,
}

/// Which of a file's two `moov`s is written.
#[derive(Clone, Copy)]
enum Form<'a> {
    /// Before the fragments: no samples.
    Opening,
    /// The same without a word of the one file, for whoever reads fragments of several.
    Map,
    /// After them: every sample of the tracks.
    Closing(&'a [SampleTable]),
}

impl FileHead {
    /// Returns the bytes a file begins with.
    pub(crate) fn opening(&self) -> Vec<u8> {
        let mut w = BoxWriter::default();
        w.boxed(b"ftyp", |w| w.bytes(BRANDS));
        w.boxed(b"free", |w| w.zeros(8));
        self.write_moov(&mut w, Form::Opening);
        w.into_bytes()
    }

    /// Returns what a player must read before fragments: equal for all files with equal tracks. It cannot be the
    /// beginning of a file, where `free` later becomes an `mdat` over everything.
    pub(crate) fn map(&self) -> Vec<u8> {
        let mut w = BoxWriter::default();
        w.boxed(b"ftyp", |w| w.bytes(BRANDS));
        self.write_moov(&mut w, Form::Map);
        w.into_bytes()
    }

    /// Returns the full index to append; `tables` are of the head's tracks, in their order.
    pub(crate) fn closing(&self, tables: &[SampleTable]) -> Vec<u8> {
        let mut w = BoxWriter::default();
        self.write_moov(&mut w, Form::Closing(tables));
        w.into_bytes()
    }

    /// Returns all that comes before the samples of a file whose index stands in front; `tables` place the samples from
    /// the first one on, and then in the file.
    pub(crate) fn complete(&self, tables: &mut [SampleTable], data_length: u64) -> Vec<u8> {
        let mut w = BoxWriter::default();
        w.boxed(b"ftyp", |w| w.bytes(BRANDS));
        // no length in it depends on where samples lie
        let before = w.position() as u64 + self.closing(tables).len() as u64 + SPAN_LENGTH;
        tables.iter_mut().for_each(|table| table.move_by(before));
        w.bytes(&self.closing(tables));
        w.u32(1); // the length follows in 64 bits
        w.bytes(b"mdat");
        w.u64(data_length + SPAN_LENGTH);
        w.into_bytes()
    }

    fn created(&self, form: Form<'_>) -> u64 {
        if matches!(form, Form::Map) {
            return 0; // unknown
        }
        u64::try_from(self.metadata.start.timestamp() + EPOCH_SHIFT_S).unwrap_or(0)
    }

    fn write_moov(&self, w: &mut BoxWriter, form: Form<'_>) {
        let created = self.created(form);
        w.boxed(b"moov", |w| {
            let tracks: Vec<Track<'_>> = (1u32..)
                .zip(&self.tracks)
                .zip(0..)
                .map(|((id, head), index)| {
                    let origin = if matches!(form, Form::Opening) { self.origins.of(index) } else { 0 };
                    let is_of_map = matches!(form, Form::Map);
                    Track { id, head, created, is_of_map, table: form.table(id), origin }
                })
                // a track without a sample (a silent microphone) would only confuse players
                .filter(|track| track.table.is_none_or(|table| !table.is_empty()))
                .collect();
            self.write_mvhd(w, &tracks, created);
            tracks.iter().for_each(|track| track.write(w));
            if matches!(form, Form::Opening | Form::Map) {
                w.boxed(b"mvex", |w| tracks.iter().for_each(|track| track.write_trex(w)));
            }
            if !matches!(form, Form::Map) {
                self.metadata.write(w);
            }
        });
    }

    fn write_mvhd(&self, w: &mut BoxWriter, tracks: &[Track<'_>], created: u64) {
        w.full(b"mvhd", VERSION_1, |w| {
            w.u64(created);
            w.u64(created);
            w.u32(MOVIE_SCALE as u32);
            w.u64(tracks.iter().map(|track| track.delay() + track.duration()).max().unwrap_or(0));
            w.u32(0x1_0000); // rate
            w.u16(0x100); // volume
            w.zeros(10);
            MATRIX.iter().for_each(|&m| w.u32(m));
            w.zeros(24);
            w.count(self.tracks.len() + 1);
        });
    }
}

impl<'a> Form<'a> {
    fn table(self, id: u32) -> Option<&'a SampleTable> {
        match self {
            Self::Opening | Self::Map => None,
            Self::Closing(tables) => tables.get(id as usize - 1),
        }
    }
}

struct Track<'a> {
    id: u32,
    head: &'a TrackHead,
    created: u64,
    is_of_map: bool,
    /// Only in the closing form.
    table: Option<&'a SampleTable>,
    /// Only in the opening form.
    origin: u64,
}

impl Track<'_> {
    fn in_movie_scale(&self, time: u64) -> u64 {
        let scaled = u128::from(time) * u128::from(MOVIE_SCALE) / u128::from(self.head.time_scale.max(1));
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    fn duration(&self) -> u64 {
        self.table.map_or(0, |table| self.in_movie_scale(table.duration()))
    }

    /// How long after the file's beginning the track begins.
    fn delay(&self) -> u64 {
        self.table.map_or(0, |table| self.in_movie_scale(table.start()))
    }

    fn write(&self, w: &mut BoxWriter) {
        w.boxed(b"trak", |w| {
            self.write_tkhd(w);
            if self.delay() > 0 {
                // an empty edit shifts a track that begins late
                write_edit_list(w, &[(self.delay(), u64::MAX), (self.duration(), 0)]);
            } else if self.origin > 0 {
                // whoever opens the growing file sees it begin at zero; no duration: all that comes
                write_edit_list(w, &[(0, self.origin)]);
            }
            w.boxed(b"mdia", |w| self.write_mdia(w));
        });
    }

    fn write_tkhd(&self, w: &mut BoxWriter) {
        let (width, height, volume) = match self.head.kind {
            TrackKind::Video { width, height } => (width, height, 0),
            TrackKind::Audio => (0, 0, 0x100),
        };
        // flags: enabled, in the movie
        w.full(b"tkhd", VERSION_1 | 3, |w| {
            w.u64(self.created);
            w.u64(self.created);
            w.u32(self.id);
            w.u32(0);
            w.u64(self.delay() + self.duration());
            w.zeros(12);
            w.u16(volume);
            w.u16(0);
            MATRIX.iter().for_each(|&m| w.u32(m));
            w.u32(u32::from(width) << 16);
            w.u32(u32::from(height) << 16);
        });
    }

    fn handler(&self) -> &'static [u8; 4] {
        match self.head.kind {
            TrackKind::Video { .. } => b"vide",
            // Browsers play no live playlist that has sound of this kind. They pass over tracks of kinds that they
            // do not know, but not over fragments of tracks that are not there.
            TrackKind::Audio if self.is_of_map && is_g711(&self.head.sample_entry) => b"meta",
            TrackKind::Audio => b"soun",
        }
    }

    fn write_mdia(&self, w: &mut BoxWriter) {
        let is_video = matches!(self.head.kind, TrackKind::Video { .. });
        w.full(b"mdhd", VERSION_1, |w| {
            w.u64(self.created);
            w.u64(self.created);
            w.u32(self.head.time_scale);
            w.u64(self.table.map_or(0, SampleTable::duration));
            w.u16(UNDETERMINED_LANGUAGE);
            w.u16(0);
        });
        w.full(b"hdlr", 0, |w| {
            w.u32(0);
            w.bytes(self.handler());
            w.zeros(13);
        });
        w.boxed(b"minf", |w| {
            if is_video {
                w.full(b"vmhd", 1, |w| w.zeros(8));
            } else {
                w.full(b"smhd", 0, |w| w.zeros(4));
            }
            w.boxed(b"dinf", |w| {
                w.full(b"dref", 0, |w| {
                    w.u32(1);
                    w.full(b"url ", 1, |_| {}); // flag: in this file
                });
            });
            w.boxed(b"stbl", |w| self.write_stbl(w, is_video));
        });
    }

    fn write_stbl(&self, w: &mut BoxWriter, is_video: bool) {
        w.full(b"stsd", 0, |w| {
            w.u32(1);
            w.bytes(&self.head.sample_entry);
        });
        match self.table {
            Some(table) => table.write(w, is_video),
            None => {
                [b"stts", b"stsc", b"stco"].into_iter().for_each(|kind| w.full(kind, 0, |w| w.u32(0)));
                w.full(b"stsz", 0, |w| w.zeros(8));
            }
        }
    }

    fn write_trex(&self, w: &mut BoxWriter) {
        w.full(b"trex", 0, |w| {
            w.u32(self.id);
            w.u32(1); // the one sample description
            w.zeros(12);
        });
    }
}

/// Writes edits as (duration, media time).
fn write_edit_list(w: &mut BoxWriter, edits: &[(u64, u64)]) {
    w.boxed(b"edts", |w| {
        w.full(b"elst", VERSION_1, |w| {
            w.count(edits.len());
            for &(duration, media_time) in edits {
                w.u64(duration);
                w.u64(media_time);
                w.u32(0x1_0000); // rate
            }
        });
    });
}

/// Tells whether a file is a [map](FileHead::map) by its first bytes: no other program writes these brands in front
/// of a `moov`.
pub(crate) fn is_map(content: &[u8]) -> bool {
    let brands = content.get(8..SPAN_AT as usize);
    brands == Some(BRANDS) && content.get(SPAN_AT as usize + 4..SPAN_AT as usize + 8) == Some(b"moov")
}

/// Returns what goes over the `free` box when the samples end at `end`: the header of a 64-bit `mdat`.
pub(crate) fn span_header(end: u64) -> [u8; SPAN_LENGTH as usize] {
    let mut header = [0; SPAN_LENGTH as usize];
    header[3] = 1; // the length follows in 64 bits
    header[4..8].copy_from_slice(b"mdat");
    header[8..].copy_from_slice(&(end - SPAN_AT).to_be_bytes());
    header
}
