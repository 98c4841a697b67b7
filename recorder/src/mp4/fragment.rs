//! One fragment: a `moof` that lists its samples, and the header of the `mdat` that holds them.

use super::Origins;
use super::boxes::{BoxWriter, VERSION_1};

const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;
/// Data offset, durations, sizes, flags and composition offsets.
const ALL_FIELDS: u32 = 0xf01;
pub(super) const KEYFRAME: u32 = 0x0200_0000;
pub(super) const OTHER_FRAME: u32 = 0x0101_0000;
/// The bit of the flags that tells the two apart: is no sync sample.
pub(super) const IS_OTHER: u32 = 0x0001_0000;
const MDAT_HEADER: u64 = 8;

/// A sample, in its track's time scale; times count from the file's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) dts: u64,
    pub(crate) duration: u32,
    /// When it is shown, counted from `dts`.
    pub(crate) offset: i32,
    pub(crate) size: u32,
    pub(crate) keyframe: bool,
}

/// The samples of one track in one fragment, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Index among the file's tracks.
    pub(crate) track: usize,
    pub(crate) samples: Vec<Sample>,
}

impl Run {
    pub(crate) fn size(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.size)).sum()
    }
}

/// The bytes that go before a fragment's samples, and where the samples of each run begin.
#[derive(Debug)]
pub(crate) struct FragmentHead {
    pub(crate) bytes: Vec<u8>,
    /// Counted from the fragment's beginning.
    pub(crate) data_at: Vec<u64>,
    /// Of the samples, all runs together.
    pub(crate) data_length: u64,
}

impl FragmentHead {
    pub(crate) fn of(number: u32, runs: &[Run], origins: &Origins) -> Self {
        let mut w = BoxWriter::default();
        let mut open_offsets = Vec::with_capacity(runs.len());
        w.boxed(b"moof", |w| {
            w.full(b"mfhd", 0, |w| w.u32(number));
            for run in runs {
                w.boxed(b"traf", |w| open_offsets.push(write_run(w, run, origins.of(run.track))));
            }
        });
        let mut at = w.position() as u64 + MDAT_HEADER;
        let mut data_at = Vec::with_capacity(runs.len());
        for (run, open) in runs.iter().zip(open_offsets) {
            w.put_u32(open, u32::try_from(at).unwrap_or(u32::MAX));
            data_at.push(at);
            at += run.size();
        }
        let data_length = runs.iter().map(Run::size).sum();
        w.u32(u32::try_from(data_length + MDAT_HEADER).unwrap_or(u32::MAX));
        w.bytes(b"mdat");
        Self { bytes: w.into_bytes(), data_at, data_length }
    }
}

/// Returns where the run's data offset is to be filled in.
fn write_run(w: &mut BoxWriter, run: &Run, origin: u64) -> usize {
    let id = u32::try_from(run.track + 1).unwrap_or(u32::MAX);
    w.full(b"tfhd", DEFAULT_BASE_IS_MOOF, |w| w.u32(id));
    let first = run.samples.first().map_or(0, |first| first.dts);
    w.full(b"tfdt", VERSION_1, |w| w.u64(origin.saturating_add(first)));
    let mut open = 0;
    w.full(b"trun", VERSION_1 | ALL_FIELDS, |w| {
        w.count(run.samples.len());
        open = w.position();
        w.u32(0);
        for sample in &run.samples {
            w.u32(sample.duration);
            w.u32(sample.size);
            w.u32(if sample.keyframe { KEYFRAME } else { OTHER_FRAME });
            w.i32(sample.offset);
        }
    });
    open
}
