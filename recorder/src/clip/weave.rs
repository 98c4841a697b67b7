//! A clip is woven: pieces one after the other on one time line, cut to what was asked.
//!
//! It is a plan only. No sample is read before somebody reads the clip.

use catalog::{ClockSource, Span};
use chrono::{DateTime, TimeDelta, Utc};
use config::CameraId;

use super::index::{Index, Indexed, MOST_SAMPLES, Placed};
use super::reader::Part;
use super::{ClipError, ClipReader, Piece, parameters};
use crate::mp4::{FileHead, Metadata, Origins, Sample, SampleTable, TrackHead};

/// Longer ones are for whoever copies the files.
pub const LONGEST_CLIP: TimeDelta = TimeDelta::hours(1);

/// Each is an open file until the clip is read.
pub const MOST_PIECES: usize = 150;

/// Starts are receive times and jitter by this: such pieces follow each other without a step.
const JITTER: Share = Share { of_a_second: 4 };
/// Sound must not stray further from its picture.
const SOUND_JITTER: Share = Share { of_a_second: 25 };
/// A shorter hole is not told.
const SEAM: TimeDelta = TimeDelta::seconds(1);

/// A part of a second.
struct Share {
    of_a_second: i64,
}

impl Share {
    fn ticks(&self, scale: u32) -> i64 {
        i64::from(scale) / self.of_a_second
    }
}

/// What will be in the file.
#[derive(Debug)]
pub struct Clip {
    /// What is shown: from the keyframe at or before what was asked on.
    pub span: Span,
    /// In which nothing is there; the picture before stands still for as long.
    pub holes: Vec<Span>,
    pub frames: u64,
    head: Vec<u8>,
    files: Vec<std::fs::File>,
    parts: Vec<Part>,
    length: u64,
}

impl Clip {
    /// Plans a clip of a camera's pieces, which are in order.
    pub fn of(camera: &CameraId, pieces: Vec<Piece>, wanted: Span) -> Result<Self, ClipError> {
        if wanted.to <= wanted.from {
            return Err(ClipError::Backwards);
        }
        if wanted.length() > LONGEST_CLIP || pieces.len() > MOST_PIECES {
            return Err(ClipError::TooLong);
        }
        let mut cloth = None;
        for piece in pieces {
            let (index, metadata) = piece.index()?;
            let timed = Timed::new(&piece, index);
            if timed.span().to <= wanted.from || piece.start >= wanted.to {
                continue;
            }
            if cloth.is_none() {
                cloth = Cloth::begun(&timed, wanted).map(|cloth| (cloth, metadata));
            }
            if let Some((cloth, _)) = &mut cloth {
                cloth.add(&timed, wanted)?;
                cloth.files.push(piece.file);
            }
        }
        let (cloth, metadata) = cloth.ok_or(ClipError::Nothing)?;
        let clock = metadata.map_or(ClockSource::ReceiveTime, |metadata| metadata.clock);
        let metadata = Metadata { camera: camera.clone(), start: cloth.zero, clock };
        Ok(cloth.finished(metadata))
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn reader(self) -> ClipReader {
        ClipReader::new(self.head, self.files, self.parts)
    }
}

/// A piece's samples by the clock.
struct Timed {
    start: DateTime<Utc>,
    video: Indexed,
    sound: Option<Indexed>,
    /// When its first frame is shown, and when the last one is over, by its pictures' scale.
    shown: (i64, i64),
}

impl Timed {
    fn new(piece: &Piece, index: Index) -> Self {
        let shown = |samples: &[Placed]| {
            let first = samples.iter().map(|sample| sample.shown).min();
            let last = samples.iter().map(|sample| sample.shown.saturating_add(sample.duration.into())).max();
            (first.unwrap_or(0), last.unwrap_or(0))
        };
        Self {
            start: piece.start,
            shown: shown(&index.video.samples),
            video: index.video,
            sound: index.sound,
        }
    }

    fn span(&self) -> Span {
        Span::new(self.start, self.clock(self.shown.1))
    }

    fn clock(&self, shown: i64) -> DateTime<Utc> {
        let since = rescaled(shown.saturating_sub(self.shown.0), (self.video.head.time_scale, 1_000_000));
        self.start.checked_add_signed(TimeDelta::microseconds(since)).unwrap_or(self.start)
    }

    /// Returns a time of the clock by a track's scale.
    fn ticks(&self, at: DateTime<Utc>, scale: u32) -> i64 {
        let since = (at - self.start).num_microseconds().unwrap_or(i64::MAX);
        let first = rescaled(self.shown.0, (self.video.head.time_scale, scale));
        rescaled(since, (1_000_000, scale)).saturating_add(first)
    }

    /// Returns the pictures from the last keyframe at or before a time on, else from the first one on, up to another time.
    /// What is decoded after the keyframe and shown before it refers to what is left out.
    fn cut(&self, wanted: Span) -> Vec<Placed> {
        let scale = self.video.head.time_scale;
        let [from, to] = [wanted.from, wanted.to].map(|at| self.ticks(at, scale));
        let samples = &self.video.samples;
        let keyframe = |sample: &Placed| sample.keyframe;
        let begin = samples.iter().rposition(|sample| sample.keyframe && sample.shown <= from);
        let Some(begin) = begin.or_else(|| samples.iter().position(keyframe)) else { return Vec::new() };
        let first = samples[begin];
        let up_to = |wanted: &dyn Fn(i64) -> bool| {
            samples.iter().rposition(|sample| wanted(sample.shown)).map_or(0, |last| last + 1)
        };
        // what the last pictures refer to is decoded before them and shown after them, with others in between
        let last =
            samples.get(begin..up_to(&|shown| shown < to)).unwrap_or_default().iter().map(|s| s.shown).max();
        let end = last.map_or(0, |last| up_to(&|shown| shown <= last));
        let cut = samples.get(begin..end).unwrap_or_default();
        cut.iter().copied().filter(|sample| sample.shown >= first.shown).collect()
    }
}

/// What is woven already.
struct Cloth {
    /// When its first frame is shown.
    zero: DateTime<Utc>,
    /// Up to when it is shown.
    until: DateTime<Utc>,
    video: Thread,
    sound: Option<Thread>,
    /// By how much the first frame is decoded before it is shown: times of decoding begin at zero.
    lead: i64,
    holes: Vec<Span>,
    files: Vec<std::fs::File>,
    parts: Vec<Part>,
    data: u64,
}

/// A track of the clip.
struct Thread {
    head: TrackHead,
    table: SampleTable,
    end: i64,
    count: usize,
}

#[derive(Clone, Copy)]
enum Which {
    Pictures,
    Sound,
}

impl Thread {
    fn new(head: &TrackHead) -> Self {
        Self { head: head.clone(), table: SampleTable::default(), end: 0, count: 0 }
    }

    /// Adds samples that lie one after another in the clip.
    fn push(&mut self, offset: u64, samples: &[Sample]) {
        let Some(last) = samples.last() else { return };
        // the last duration of a file is often a guess, and too short
        let before = samples.iter().rev().nth(1).map_or(0, |before| before.duration);
        let duration = i64::from(last.duration.max(before));
        self.end = i64::try_from(last.dts).unwrap_or(i64::MAX).saturating_add(duration);
        self.count += samples.len();
        self.table.add(offset, samples);
    }
}

impl Cloth {
    /// Begins with a piece; `None` where nothing of it is wanted.
    fn begun(piece: &Timed, wanted: Span) -> Option<Self> {
        let first = *piece.cut(wanted).first()?;
        let zero = piece.clock(first.shown);
        Some(Self {
            zero,
            until: zero,
            video: Thread::new(&piece.video.head),
            sound: piece.sound.as_ref().map(|sound| Thread::new(&sound.head)),
            lead: first.shown.saturating_sub(first.dts),
            holes: Vec::new(),
            files: Vec::new(),
            parts: Vec::new(),
            data: 0,
        })
    }

    fn add(&mut self, piece: &Timed, wanted: Span) -> Result<(), ClipError> {
        self.require_same(piece)?;
        let pictures = piece.cut(wanted);
        let (Some(first), Some(last)) = (pictures.first(), pictures.iter().map(|s| s.shown).max()) else {
            return Ok(());
        };
        let of_piece = piece.video.head.time_scale;
        let base = self.base(piece, first);
        let over = self.until;
        self.until = piece.clock(last.saturating_add(pictures.last().map_or(0, |s| s.duration.into())));
        let begins = piece.clock(first.shown);
        if self.video.count > 0 && begins - over >= SEAM {
            self.holes.push(Span::new(over, begins));
        }
        let sound = self.audible(piece, (base, wanted));
        if self.video.count + pictures.len() + sound.len() + self.sound.as_ref().map_or(0, |s| s.count)
            > MOST_SAMPLES
        {
            return Err(ClipError::TooLong);
        }
        let scale = self.video.head.time_scale;
        let lead = self.lead;
        let moved = |sample: &Placed| {
            let place = |at: i64| rescaled(at, (of_piece, scale)).saturating_add(base);
            sample_at(sample, (place(sample.dts).saturating_add(lead), place(sample.shown)))
        };
        self.weave(pictures.iter().map(|sample| (*sample, moved(sample))).collect(), sound);
        Ok(())
    }

    fn require_same(&mut self, piece: &Timed) -> Result<(), ClipError> {
        let at = piece.start;
        let entries = |one: &TrackHead, other: &TrackHead, is_video| {
            parameters::are_equal((&one.sample_entry, &other.sample_entry), is_video)
        };
        if !entries(&self.video.head, &piece.video.head, true) {
            return Err(ClipError::Changed { what: "picture", at });
        }
        match (&mut self.sound, &piece.sound) {
            (Some(sound), Some(other)) if !entries(&sound.head, &other.head, false) => {
                Err(ClipError::Changed { what: "sound", at })
            }
            (sound @ None, Some(first)) => {
                *sound = Some(Thread::new(&first.head));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Returns what a piece's times are moved by, in the scale of the clip's pictures: to where the clock says, or to the
    /// end of what there is where that is near or later.
    fn base(&self, piece: &Timed, first: &Placed) -> i64 {
        let scale = self.video.head.time_scale;
        let since = (piece.clock(first.shown) - self.zero).num_microseconds().unwrap_or(i64::MAX);
        let place = |at: i64| rescaled(at, (piece.video.head.time_scale, scale));
        let by_clock = rescaled(since, (1_000_000, scale)).saturating_sub(place(first.shown));
        if self.video.count == 0 {
            return by_clock;
        }
        let begins = place(first.dts).saturating_add(by_clock).saturating_add(self.lead);
        let late = begins.saturating_sub(self.video.end);
        if late <= JITTER.ticks(scale) { by_clock.saturating_sub(late) } else { by_clock }
    }

    /// Returns the sound of a piece that belongs to its pictures, in the clip's times.
    fn audible(&self, piece: &Timed, (base, wanted): (i64, Span)) -> Vec<(Placed, Sample)> {
        let (Some(thread), Some(sound)) = (&self.sound, &piece.sound) else { return Vec::new() };
        let (of_piece, scale) = (sound.head.time_scale, thread.head.time_scale);
        let mut base = rescaled(base, (self.video.head.time_scale, scale));
        let to = piece.ticks(wanted.to, of_piece);
        let place = |at: i64, base: i64| rescaled(at, (of_piece, scale)).saturating_add(base);
        if let Some(first) = sound.samples.first().filter(|_| thread.count > 0) {
            let late = place(first.dts, base).saturating_sub(thread.end);
            if late.abs() <= SOUND_JITTER.ticks(scale) {
                base = base.saturating_sub(late);
            }
        }
        let of_piece = sound.samples.iter().filter(|sample| sample.shown < to);
        let placed = of_piece.map(|sample| (sample, place(sample.dts, base), place(sample.shown, base)));
        let heard = placed.skip_while(|(_, dts, _)| *dts < thread.end.max(0));
        heard.map(|(sample, dts, shown)| (*sample, sample_at(sample, (dts, shown)))).collect()
    }

    /// Lays samples down in the order in which they lie in their file, so that it is read from front to back.
    fn weave(&mut self, pictures: Vec<(Placed, Sample)>, sound: Vec<(Placed, Sample)>) {
        let file = self.files.len();
        let (mut pictures, mut sound) = (pictures.into_iter().peekable(), sound.into_iter().peekable());
        while pictures.peek().is_some() || sound.peek().is_some() {
            let up_to = |other: Option<&(Placed, Sample)>| other.map_or(u64::MAX, |(placed, _)| placed.at);
            let heard = up_to(sound.peek());
            let run = std::iter::from_fn(|| pictures.next_if(|(placed, _)| placed.at <= heard)).collect();
            self.lay(file, run, Which::Pictures);
            let seen = up_to(pictures.peek());
            let run = std::iter::from_fn(|| sound.next_if(|(placed, _)| placed.at < seen)).collect();
            self.lay(file, run, Which::Sound);
        }
    }

    fn lay(&mut self, file: usize, run: Vec<(Placed, Sample)>, which: Which) {
        let offset = self.data;
        let (placed, samples): (Vec<_>, Vec<_>) = run.into_iter().unzip();
        placed.iter().for_each(|placed| self.take(file, placed));
        let thread = match which {
            Which::Pictures => Some(&mut self.video),
            Which::Sound => self.sound.as_mut(),
        };
        if let Some(thread) = thread {
            thread.push(offset, &samples);
        }
    }

    /// Adds a sample's bytes, to those before them where they follow.
    fn take(&mut self, file: usize, placed: &Placed) {
        let length = u64::from(placed.size);
        self.data += length;
        match self.parts.last_mut() {
            Some(last) if last.file == file && last.at + last.length == placed.at => last.length += length,
            _ if length == 0 => {}
            _ => self.parts.push(Part { file, at: placed.at, length }),
        }
    }

    fn finished(self, metadata: Metadata) -> Clip {
        let frames = self.video.count as u64;
        let (tracks, mut tables): (Vec<_>, Vec<_>) = [Some(self.video), self.sound]
            .into_iter()
            .flatten()
            .map(|thread| (thread.head, thread.table))
            .unzip();
        let head = FileHead { metadata, tracks, origins: Origins::default() };
        let head = head.complete(&mut tables, self.data);
        Clip {
            span: Span::new(self.zero, self.until),
            holes: self.holes,
            frames,
            length: head.len() as u64 + self.data,
            head,
            files: self.files,
            parts: self.parts,
        }
    }
}

fn sample_at(sample: &Placed, (dts, shown): (i64, i64)) -> Sample {
    Sample {
        dts: u64::try_from(dts).unwrap_or(0),
        duration: sample.duration,
        offset: i32::try_from(shown.saturating_sub(dts)).unwrap_or(0),
        size: sample.size,
        keyframe: sample.keyframe,
    }
}

/// Brings a time into another scale; as it is where both are equal.
fn rescaled(at: i64, (from, to): (u32, u32)) -> i64 {
    if from == to {
        return at;
    }
    let scaled = i128::from(at) * i128::from(to);
    let rounded = (scaled + i128::from(from / 2)).div_euclid(i128::from(from));
    i64::try_from(rounded).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX })
}
