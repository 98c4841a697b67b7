//! The index of one track, gathered while fragments are written and stored in the closing `moov`.
//!
//! Times are kept as runs of equal steps, which is also how MP4 stores them: a minute of 25 frames/s costs
//! 6 kB, not the 36 kB of a list of samples.

use super::Sample;
use super::boxes::{BoxWriter, VERSION_1};

#[derive(Clone, Debug, Default)]
pub(crate) struct SampleTable {
    sizes: Vec<u32>,
    durations: Runs<u32>,
    offsets: Runs<i32>,
    /// Numbers of keyframes, from 1.
    keyframes: Vec<u32>,
    chunks: Vec<Chunk>,
    first_dts: u64,
    last_dts: u64,
    /// Replaced by the true distance when the next sample comes.
    last_duration: u32,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    offset: u64,
    samples: u32,
}

impl SampleTable {
    /// Adds samples that lie one after another in the file, from `offset` on.
    pub(crate) fn add(&mut self, offset: u64, samples: &[Sample]) {
        for sample in samples {
            self.push(sample);
        }
        let samples = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        self.chunks.push(Chunk { offset, samples });
    }

    /// Moves all samples towards the end of the file.
    pub(crate) fn move_by(&mut self, bytes: u64) {
        self.chunks.iter_mut().for_each(|chunk| chunk.offset += bytes);
    }

    fn push(&mut self, sample: &Sample) {
        if self.is_empty() {
            self.first_dts = sample.dts;
        } else {
            let step = sample.dts.saturating_sub(self.last_dts);
            self.durations.push(u32::try_from(step).unwrap_or(u32::MAX));
        }
        self.last_dts = sample.dts;
        self.last_duration = sample.duration;
        self.sizes.push(sample.size);
        self.offsets.push(sample.offset);
        if sample.keyframe {
            self.keyframes.push(u32::try_from(self.sizes.len()).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    /// Time between the file's beginning and this track's, in the track's time scale.
    pub(crate) fn start(&self) -> u64 {
        self.first_dts
    }

    pub(crate) fn duration(&self) -> u64 {
        if self.is_empty() {
            0
        } else {
            // what is read back may go backwards
            (self.last_dts + u64::from(self.last_duration)).saturating_sub(self.first_dts)
        }
    }

    /// Writes the tables that follow `stsd`.
    pub(crate) fn write(&self, w: &mut BoxWriter, has_keyframes: bool) {
        let mut durations = self.durations.clone();
        if !self.is_empty() {
            durations.push(self.last_duration);
        }
        w.full(b"stts", 0, |w| durations.write(w, BoxWriter::u32));
        if self.offsets.0.iter().any(|&(_, offset)| offset != 0) {
            w.full(b"ctts", VERSION_1, |w| self.offsets.write(w, BoxWriter::i32));
        }
        if has_keyframes {
            w.full(b"stss", 0, |w| {
                w.count(self.keyframes.len());
                self.keyframes.iter().for_each(|&number| w.u32(number));
            });
        }
        w.full(b"stsc", 0, |w| self.write_chunk_runs(w));
        w.full(b"stsz", 0, |w| {
            w.u32(0);
            w.count(self.sizes.len());
            self.sizes.iter().for_each(|&size| w.u32(size));
        });
        w.full(b"co64", 0, |w| {
            w.count(self.chunks.len());
            self.chunks.iter().for_each(|chunk| w.u64(chunk.offset));
        });
    }

    /// Writes the number of samples per chunk, as (first chunk, samples, description) where it changes.
    fn write_chunk_runs(&self, w: &mut BoxWriter) {
        let mut runs = Runs::default();
        self.chunks.iter().for_each(|chunk| runs.push(chunk.samples));
        w.count(runs.0.len());
        let mut first = 1;
        for (count, samples) in runs.0 {
            w.u32(first);
            w.u32(samples);
            w.u32(1);
            first += count;
        }
    }
}

/// Equal values one after another, as (count, value).
#[derive(Clone, Debug)]
struct Runs<T>(Vec<(u32, T)>);

impl<T> Default for Runs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + PartialEq> Runs<T> {
    fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some((count, last)) if *last == value => *count += 1,
            _ => self.0.push((1, value)),
        }
    }

    fn write(&self, w: &mut BoxWriter, field: impl Fn(&mut BoxWriter, T)) {
        w.count(self.0.len());
        for &(count, value) in &self.0 {
            w.u32(count);
            field(w, value);
        }
    }
}
