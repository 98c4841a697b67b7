//! Frames gather into fragments, fragments into segments: decides what is written where, and does no I/O.

use std::time::Duration;

use catalog::ClockSource;
use chrono::{DateTime, Utc};
use config::CameraId;

use crate::blocks::{BlockPool, Blocks};
use crate::cut::{Begins, FragmentInHand, FrameOrder, ends_fragment, slot};
use crate::file_times::FileTimes;
use crate::mp4::{FileHead, Metadata, Run, Sample, TrackHead};
use crate::segment::{Fragment, Next};
use crate::sound::{Sound, SoundFrame};
use crate::timeline::{Follows, Timeline};
use crate::times::{decode_times, ticks};

/// Held per camera until it can be written: a GOP with B-frames, and the sound beside it. A GOP of 10 s at
/// 20 Mbit/s is 25 MB; a camera that sends more without a keyframe is broken, or means harm.
pub(crate) const HELD_MAX: usize = 32 << 20;

/// A cut is kept open so long for sound that comes late but belongs before it.
const HOLD_BACK: Duration = Duration::from_secs(1);

/// Taken for the last frame of a session, which has no next one, where no other is known: 25 frames/s.
const USUAL_DURATION: Duration = Duration::from_millis(40);

/// For the writer of files; carried out in this order.
#[derive(Debug)]
pub(crate) enum Order {
    Open(FileHead),
    Append(Fragment),
    Close,
}

/// More than [`HELD_MAX`] came between two places to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuchHeld;

#[derive(Clone, Copy, Debug)]
pub(crate) struct VideoFrame<'a> {
    /// When it is shown, as the camera says, in the video's time scale.
    pub(crate) stamp: i64,
    pub(crate) keyframe: bool,
    /// When it was taken, or came, as `clock` says.
    pub(crate) wall: DateTime<Utc>,
    pub(crate) clock: ClockSource,
    pub(crate) data: &'a [u8],
}

/// Of one session with a camera.
#[derive(Debug)]
pub(crate) struct Gatherer {
    camera: CameraId,
    segment_length: Duration,
    pool: BlockPool,
    video: TrackHead,
    sound: Option<Sound>,
    order: FrameOrder,
    timeline: Timeline,
    usual_duration: u32,
    cut: Cut,
    times: FileTimes,
    /// Absent until the first keyframe.
    current: Option<Part>,
    /// Ended by a cut, but sound for it may still come.
    ending: Option<Ending>,
    orders: Vec<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    OnTheClock,
    AtNextKeyframe,
}

/// A segment and the fragment that gathers for it.
#[derive(Debug)]
struct Part {
    start: DateTime<Utc>,
    clock: ClockSource,
    video: TrackHead,
    /// Where the file's times begin; known when the first fragment is whole.
    origin: Option<i64>,
    last_dts: Option<i64>,
    last_sound: Option<i64>,
    frames: Vec<PendingFrame>,
    data: Blocks,
}

#[derive(Debug)]
struct PendingFrame {
    time: i64,
    size: u32,
    keyframe: bool,
}

#[derive(Debug)]
struct Ending {
    part: Part,
    /// Time of the keyframe that begins the next segment.
    boundary: i64,
}

/// Where a fragment ends: when the next frame is shown, which sound still belongs to it, and what follows.
#[derive(Clone, Copy, Debug)]
struct End {
    video: i64,
    sound: i64,
    next: Next,
}

impl Gatherer {
    pub(crate) fn new(
        camera: &config::Camera,
        pool: BlockPool,
        video: TrackHead,
        sound: Option<TrackHead>,
    ) -> Self {
        let usual_duration = ticks(USUAL_DURATION, video.time_scale);
        Self {
            camera: camera.id.clone(),
            segment_length: camera.segment_length,
            pool,
            sound: sound.map(Sound::new),
            order: FrameOrder::AsShown,
            timeline: Timeline::new(video.time_scale),
            usual_duration: u32::try_from(usual_duration).unwrap_or(1),
            cut: Cut::OnTheClock,
            times: FileTimes::of(camera),
            video,
            current: None,
            ending: None,
            orders: Vec::new(),
        }
    }

    /// Returns what is to be done by now, and forgets it.
    pub(crate) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    /// Tells whether a keyframe has begun a segment.
    pub(crate) fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// Begins a new segment at the next keyframe, wherever the clock stands.
    pub(crate) fn cut_at_next_keyframe(&mut self) {
        self.cut = Cut::AtNextKeyframe;
    }

    /// Takes other parameters of the video: what follows cannot be in one file with what was.
    pub(crate) fn change_video(&mut self, video: TrackHead) {
        if video != self.video {
            self.video = video;
            self.cut_at_next_keyframe();
        }
    }

    pub(crate) fn video(&mut self, frame: VideoFrame<'_>) -> Result<(), TooMuchHeld> {
        let time = self.place(&frame);
        if frame.keyframe && self.cuts_before(&frame) {
            self.begin_segment(&frame, time);
        }
        if self.current.is_none() {
            return Ok(()); // nothing before the first keyframe can be shown
        }
        if self.hold_back_is_over(time) {
            self.finish_ending();
        }
        if self.fragment_ends_before(time, frame.keyframe) {
            let next = if frame.keyframe { Next::Keyframe } else { Next::SameGop };
            self.write_fragment(End { video: time, sound: time, next });
        }
        if let Some(part) = &mut self.current {
            part.push(time, &frame);
        }
        self.check_held()
    }

    pub(crate) fn sound(&mut self, frame: SoundFrame) -> Result<(), TooMuchHeld> {
        let (Some(sound), Some(_), Some(newest)) = (&mut self.sound, &self.current, self.timeline.newest())
        else {
            return Ok(());
        };
        sound.push(frame, sound.time_of(newest, self.video.time_scale));
        if self.ending.as_ref().is_some_and(|ending| !self.waits_for_sound(ending.boundary)) {
            self.finish_ending();
        }
        self.check_held()
    }

    /// Ends the session's last segment.
    pub(crate) fn finish(&mut self) {
        self.finish_ending();
        if let Some(part) = self.current.take() {
            let last = part.frames.iter().map(|frame| frame.time).max().unwrap_or_default();
            let end = last + i64::from(self.usual_duration);
            self.write(part, End { video: end, sound: i64::MAX, next: Next::Keyframe });
            self.orders.push(Order::Close);
        }
    }

    fn place(&mut self, frame: &VideoFrame<'_>) -> i64 {
        let placed = self.timeline.place(frame.stamp, frame.wall);
        match placed.follows {
            Follows::InOrder => {}
            Follows::Reordered => self.order = FrameOrder::Reordered,
            Follows::AfterJump => tracing::warn!(camera = %self.camera, "time stamps of the picture jump"),
        }
        placed.time
    }

    fn cuts_before(&self, keyframe: &VideoFrame<'_>) -> bool {
        let length = self.segment_length;
        self.cut == Cut::AtNextKeyframe
            || self
                .current
                .as_ref()
                .is_none_or(|part| slot(part.start, length) != slot(keyframe.wall, length))
    }

    fn begin_segment(&mut self, keyframe: &VideoFrame<'_>, boundary: i64) {
        self.finish_ending();
        let part = Part::new(keyframe, self.video.clone(), Blocks::new(&self.pool));
        match (self.current.replace(part), &mut self.sound) {
            (Some(part), _) => {
                self.ending = Some(Ending { part, boundary });
                if !self.waits_for_sound(boundary) {
                    self.finish_ending();
                }
            }
            (None, Some(sound)) => sound.begin_at(sound.time_of(boundary, self.video.time_scale)),
            (None, None) => {}
        }
        self.cut = Cut::OnTheClock;
    }

    fn waits_for_sound(&self, boundary: i64) -> bool {
        self.sound
            .as_ref()
            .is_some_and(|sound| sound.is_behind(sound.time_of(boundary, self.video.time_scale)))
    }

    fn hold_back_is_over(&self, time: i64) -> bool {
        let length = ticks(HOLD_BACK, self.video.time_scale);
        self.ending.as_ref().is_some_and(|ending| time - ending.boundary >= length)
    }

    fn finish_ending(&mut self) {
        if let Some(Ending { part, boundary }) = self.ending.take() {
            self.write(part, End { video: boundary, sound: boundary, next: Next::Keyframe });
            self.orders.push(Order::Close);
        }
    }

    fn fragment_ends_before(&self, time: i64, is_keyframe: bool) -> bool {
        let Some((part, first)) = self.current.as_ref().and_then(|part| Some((part, part.frames.first()?)))
        else {
            return false;
        };
        let age_ticks = u64::try_from(time - first.time).unwrap_or(0);
        let age = Duration::from_micros(age_ticks * 1_000_000 / u64::from(part.video.time_scale));
        let begins = if first.keyframe { Begins::OnKeyframe } else { Begins::InsideGop };
        ends_fragment(FragmentInHand { age, begins, order: self.order }, is_keyframe)
    }

    /// Writes what the current segment has gathered.
    fn write_fragment(&mut self, end: End) {
        self.finish_ending();
        if let Some(part) = self.current.take() {
            self.current = Some(self.write(part, end));
        }
    }

    /// Orders a part's fragment, and returns the part emptied.
    fn write(&mut self, mut part: Part, end: End) -> Part {
        let frames = std::mem::take(&mut part.frames);
        let mut data = std::mem::replace(&mut part.data, Blocks::new(&self.pool));
        let dts = decode_times(frames.iter().map(|frame| frame.time), part.last_dts);
        let (Some(&first), Some(&last)) = (dts.first(), dts.last()) else { return part };
        let origin = match part.origin {
            Some(origin) => origin,
            None => {
                let head = self.head_of(&part, first);
                self.orders.push(Order::Open(head));
                *part.origin.insert(first)
            }
        };
        self.usual_duration =
            u32::try_from(end.video.saturating_sub(last)).unwrap_or(self.usual_duration).max(1);
        let nexts = dts[1..].iter().copied().chain([last + i64::from(self.usual_duration)]);
        let samples = frames.iter().zip(dts.iter().zip(nexts)).map(|(frame, (&dts, next))| Sample {
            dts: u64::try_from(dts - origin).unwrap_or(0),
            duration: u32::try_from(next - dts).unwrap_or(1),
            offset: i32::try_from(frame.time - dts).unwrap_or(0),
            size: frame.size,
            keyframe: frame.keyframe,
        });
        let mut runs = vec![Run { track: 0, samples: samples.collect() }];
        part.last_dts = Some(last);
        let sound = self.take_sound(&mut part, end.sound, &mut data);
        if !sound.is_empty() {
            runs.push(Run { track: 1, samples: sound });
        }
        self.orders.push(Order::Append(Fragment { runs, data, next: end.next }));
        part
    }

    fn take_sound(&mut self, part: &mut Part, end: i64, data: &mut Blocks) -> Vec<Sample> {
        let (Some(sound), Some(origin)) = (&mut self.sound, part.origin) else { return Vec::new() };
        let scale = part.video.time_scale;
        let (origin, end) = (sound.time_of(origin, scale), sound.time_of(end, scale));
        let mut samples: Vec<Sample> = Vec::new();
        while let Some(frame) = sound.next_before(end) {
            // what came too late for its own segment is not lost, but moved to the beginning of this one
            let earliest = part.last_sound.map_or(0, |last| last + 1);
            let time = (frame.time - origin).max(earliest);
            if let (Some(before), Some(last)) = (samples.last_mut(), part.last_sound) {
                before.duration = u32::try_from(time - last).unwrap_or(before.duration);
            }
            part.last_sound = Some(time);
            data.push(&frame.data);
            samples.push(Sample {
                dts: u64::try_from(time).unwrap_or(0),
                duration: frame.length,
                offset: 0,
                size: size(&frame.data),
                keyframe: true,
            });
        }
        samples
    }

    fn head_of(&mut self, part: &Part, origin: i64) -> FileHead {
        let tracks = std::iter::once(&part.video).chain(self.sound.as_ref().map(Sound::head));
        let tracks: Vec<TrackHead> = tracks.cloned().collect();
        FileHead {
            metadata: Metadata { camera: self.camera.clone(), start: part.start, clock: part.clock },
            origins: self.times.next(origin, part.video.time_scale, &tracks),
            tracks,
        }
    }

    fn check_held(&self) -> Result<(), TooMuchHeld> {
        let parts = self.current.iter().chain(self.ending.as_ref().map(|ending| &ending.part));
        let held = parts.map(Part::held).sum::<usize>() + self.sound.as_ref().map_or(0, Sound::held);
        if held > HELD_MAX { Err(TooMuchHeld) } else { Ok(()) }
    }
}

impl Part {
    fn new(keyframe: &VideoFrame<'_>, video: TrackHead, data: Blocks) -> Self {
        let VideoFrame { wall: start, clock, .. } = *keyframe;
        Self { start, clock, video, origin: None, last_dts: None, last_sound: None, frames: Vec::new(), data }
    }

    fn push(&mut self, time: i64, frame: &VideoFrame<'_>) {
        self.frames.push(PendingFrame { time, size: size(frame.data), keyframe: frame.keyframe });
        self.data.push(frame.data);
    }

    fn held(&self) -> usize {
        self.data.len() + self.frames.len() * size_of::<PendingFrame>()
    }
}

/// Frames are far below 4 GB: [`HELD_MAX`].
fn size(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
