//! Sound that waits for its place: it belongs to the segment its time falls into, whenever it arrives.

use std::collections::VecDeque;

use crate::mp4::TrackHead;
use crate::times::rescale;

/// Stamps further than this from the picture's are those of another clock, and are shifted as a whole.
const APART_S: i64 = 3;

#[derive(Clone, Debug)]
pub(crate) struct SoundFrame {
    /// In the time scale of the sound, from the same beginning as the video's.
    pub(crate) time: i64,
    pub(crate) length: u32,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) time: i64,
    pub(crate) length: u32,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Sound {
    head: TrackHead,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    shift: i64,
    /// Where the first picture is: what was heard before it has no place.
    begin: i64,
    /// Of the newest frame, shifted.
    newest: Option<i64>,
}

impl Sound {
    pub(crate) fn new(head: TrackHead) -> Self {
        Self { head, waiting: VecDeque::new(), bytes: 0, shift: 0, begin: i64::MIN, newest: None }
    }

    pub(crate) fn head(&self) -> &TrackHead {
        &self.head
    }

    /// What is held in memory, bookkeeping included.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.waiting.len() * size_of::<Waiting>()
    }

    /// Converts a video time.
    pub(crate) fn time_of(&self, video_time: i64, video_scale: u32) -> i64 {
        rescale(video_time, video_scale, self.head.time_scale)
    }

    pub(crate) fn begin_at(&mut self, time: i64) {
        self.begin = time;
    }

    /// Adds a frame; `picture` is the time of the newest picture, in the sound's scale.
    pub(crate) fn push(&mut self, frame: SoundFrame, picture: i64) {
        let apart = i64::from(self.head.time_scale) * APART_S;
        if (frame.time + self.shift - picture).abs() > apart {
            self.shift = picture - frame.time;
            tracing::debug!(shift = self.shift, "sound has a clock of its own and is shifted to the picture");
        }
        let time = frame.time + self.shift;
        self.newest = Some(time);
        if time < self.begin {
            return;
        }
        self.bytes += frame.data.len();
        self.waiting.push_back(Waiting { time, length: frame.length, data: frame.data });
    }

    /// Tells whether frames from before `time` may still come.
    pub(crate) fn is_behind(&self, time: i64) -> bool {
        self.newest.is_some_and(|newest| newest < time)
    }

    /// Takes the next frame that belongs before `time`.
    pub(crate) fn next_before(&mut self, time: i64) -> Option<Waiting> {
        self.waiting.front().is_some_and(|first| first.time < time).then(|| {
            let first = self.waiting.pop_front()?;
            self.bytes -= first.data.len();
            Some(first)
        })?
    }
}
