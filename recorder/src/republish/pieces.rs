//! Pieces: a fragment taken apart into fragments of one frame each, so that frames can leave at the pace at which
//! they came, on a time line that goes on over all files.

use std::ops::Range;
use std::time::Duration;

use super::queue::Footage;
use crate::mp4::{FragmentHead, Origins, Run, Sample};

#[derive(Debug)]
pub(super) struct Piece {
    /// Since the stream began.
    pub(super) at: Duration,
    /// What goes before the frame: `moof` and the header of `mdat`.
    pub(super) head: Vec<u8>,
    /// Where the frame lies in the footage's data.
    pub(super) frame: Range<usize>,
}

/// Of one child: its stream begins with the footage that this is made for.
#[derive(Debug)]
pub(super) struct Cutter {
    /// Where the stream's times begin on the camera's.
    begins: Duration,
    /// Added to all times of showing, so that none comes before that of decoding: a reader that has to move
    /// decode times in mid-stream moves pictures with them.
    lead: Duration,
    /// Of the next piece.
    number: u32,
}

impl Cutter {
    pub(super) fn new(first: &Footage) -> Self {
        let samples = || first.runs.iter().take(1).flat_map(|run| &run.samples);
        let scale = scale_of(first, 0);
        let earliest = samples().map(|sample| sample.offset.min(0).unsigned_abs()).max().unwrap_or(0);
        let begins = samples().map(|sample| sample.dts).next().unwrap_or(0);
        Self {
            begins: first.file_at + duration(begins, scale),
            lead: duration(earliest.into(), scale),
            number: 1,
        }
    }

    /// Cuts footage into frames, in the order in which they are decoded. Sound from before the stream's beginning
    /// is left out.
    pub(super) fn cut(&mut self, footage: &Footage) -> Vec<Piece> {
        let mut frames = self.frames(footage);
        frames.sort_by_key(|frame| frame.at);
        let numbers = self.number..;
        self.number = self.number.wrapping_add(u32::try_from(frames.len()).unwrap_or(0));
        let piece = |(number, frame): (u32, Frame)| {
            let run = Run { track: frame.track, samples: vec![frame.sample] };
            Piece {
                at: frame.at,
                head: FragmentHead::of(number, &[run], &Origins::default()).bytes,
                frame: frame.data,
            }
        };
        numbers.zip(frames).map(piece).collect()
    }

    fn frames(&self, footage: &Footage) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut end = 0;
        for run in &footage.runs {
            let scale = scale_of(footage, run.track);
            let is_video = run.track == 0;
            let lead = ticks(nanos(self.lead), scale);
            let later = ticks(nanos(footage.file_at) - nanos(self.begins), scale);
            for sample in &run.samples {
                let data = end..end + sample.size as usize;
                end = data.end;
                let dts = i64::try_from(sample.dts).unwrap_or(i64::MAX).saturating_add(later);
                let dts = if is_video { dts } else { dts.saturating_add(lead) };
                let Ok(dts) = u64::try_from(dts) else { continue };
                let shown = i64::from(sample.offset) + if is_video { lead } else { 0 };
                let offset = i32::try_from(shown.max(0)).unwrap_or(0);
                let sample = Sample { dts, offset, ..*sample };
                frames.push(Frame { at: duration(dts, scale), track: run.track, sample, data });
            }
        }
        frames
    }
}

struct Frame {
    at: Duration,
    track: usize,
    sample: Sample,
    data: Range<usize>,
}

fn scale_of(footage: &Footage, track: usize) -> u32 {
    footage.head.tracks.get(track).map_or(1, |head| head.time_scale.max(1))
}

/// Rounds up, so that turning it back into ticks gives the same.
pub(super) fn duration(ticks: u64, scale: u32) -> Duration {
    let nanos = (u128::from(ticks) * 1_000_000_000).div_ceil(u128::from(scale.max(1)));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

fn ticks(nanos: i128, scale: u32) -> i64 {
    i64::try_from((nanos * i128::from(scale)).div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use catalog::ClockSource;
    use proptest::prelude::*;

    use super::*;
    use crate::blocks::{BlockPool, Blocks};
    use crate::mp4::{FileHead, Metadata, TrackHead, TrackKind};

    const SOUND_SCALE: u32 = 16_000;

    fn track(kind: TrackKind, time_scale: u32) -> TrackHead {
        TrackHead { kind, time_scale, sample_entry: b"\0\0\0\x08avc1".to_vec() }
    }

    pub(in super::super) fn head() -> FileHead {
        let metadata = Metadata {
            camera: "gate".parse().unwrap(),
            start: "2026-11-22T11:54:42Z".parse().unwrap(),
            clock: ClockSource::ReceiveTime,
        };
        let video = track(TrackKind::Video { width: 320, height: 240 }, 1000);
        let tracks = vec![video, track(TrackKind::Audio, SOUND_SCALE)];
        FileHead { metadata, tracks, origins: Origins::default() }
    }

    /// Makes video of `(decode time, offset of showing, keyframe)` in ms; the last frame has the rest of `length`.
    pub(in super::super) fn footage(samples: &[(u64, i32, bool)], length: usize) -> Footage {
        let each = length / samples.len();
        let size = |at: usize| if at + 1 == samples.len() { length - each * at } else { each };
        let sample = |(at, &(dts, offset, keyframe)): (usize, &(u64, i32, bool))| Sample {
            dts,
            duration: 40,
            offset,
            size: u32::try_from(size(at)).unwrap(),
            keyframe,
        };
        let samples = samples.iter().enumerate().map(sample).collect();
        let mut data = Blocks::new(&BlockPool::default());
        data.push(&vec![7; length]);
        let runs = vec![Run { track: 0, samples }];
        Footage { head: Arc::new(head()), file_at: Duration::ZERO, runs, data }
    }

    fn sound(dts: u64) -> Sample {
        Sample { dts, duration: 1024, offset: 0, size: 5, keyframe: true }
    }

    fn in_ms(frames: &[Frame]) -> Vec<(usize, u128, i32)> {
        frames.iter().map(|frame| (frame.track, frame.at.as_millis(), frame.sample.offset)).collect()
    }

    #[test]
    fn times_go_on_over_files_and_begin_with_the_first_footage() {
        let mut first = footage(&[(2000, 0, true), (2040, 0, false)], 30);
        first.file_at = Duration::from_secs(100);
        let cutter = Cutter::new(&first);
        assert_eq!(in_ms(&cutter.frames(&first)), [(0, 0, 0), (0, 40, 0)]);
        let mut second = footage(&[(0, 0, true)], 10);
        second.file_at = Duration::from_secs(160);
        assert_eq!(in_ms(&cutter.frames(&second)), [(0, 58_000, 0)]);
    }

    #[test]
    fn no_picture_is_shown_before_it_is_decoded() {
        let samples = [(0, 0, true), (40, 80, false), (80, -40, false), (120, -40, false)];
        let footage = footage(&samples, 40);
        let cutter = Cutter::new(&footage);
        let expected = [(0, 0, 40), (0, 40, 120), (0, 80, 0), (0, 120, 0)];
        assert_eq!(in_ms(&cutter.frames(&footage)), expected);
    }

    #[test]
    fn sound_goes_between_the_pictures_and_not_before_them() {
        let mut footage = footage(&[(2000, 0, true), (2040, 0, false), (2080, 0, false)], 30);
        footage.runs.push(Run { track: 1, samples: vec![sound(31_000), sound(32_320), sound(33_344)] });
        let mut cutter = Cutter::new(&footage);
        let pieces = cutter.cut(&footage);
        let ranges: Vec<_> = pieces.iter().map(|piece| piece.frame.clone()).collect();
        assert_eq!(ranges, [0..10, 35..40, 10..20, 20..30, 40..45]);
        assert_eq!(cutter.number, 6);
    }

    proptest! {
        #[test]
        fn ticks_survive_being_turned_into_time(ticks_there in 0u64..1 << 40, scale in 1u32..200_000) {
            prop_assert_eq!(ticks(nanos(duration(ticks_there, scale)), scale), ticks_there.cast_signed());
        }
    }
}
