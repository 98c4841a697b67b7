//! Sound that waits for its place: it belongs to the segment its time falls into, whenever it arrives.

use std::collections::VecDeque;

use crate::drift::Drift;
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
    drift: Drift,
    /// Where the first picture is: what was heard before it has no place.
    begin: i64,
    /// Of the newest frame, shifted.
    newest: Option<i64>,
}

impl Sound {
    pub(crate) fn new(head: TrackHead) -> Self {
        let drift = Drift::new(head.time_scale);
        Self { head, waiting: VecDeque::new(), bytes: 0, shift: 0, drift, begin: i64::MIN, newest: None }
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
            self.drift = Drift::new(self.head.time_scale);
            tracing::debug!(shift = self.shift, "sound has a clock of its own and is shifted to the picture");
        }
        self.shift += self.drift.correction(frame.time + self.shift, picture);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp4::TrackKind;

    const HOUR_S: i64 = 3600;

    /// What a camera does that sends both at once.
    #[derive(Clone, Copy, Debug)]
    struct Habits {
        ppm: i64,
        /// So many frames of sound come together.
        burst: i64,
        /// Between two pictures, in the first hour and later.
        picture_ms: [i64; 2],
    }

    /// Listens for three hours, and returns by how many milliseconds the sound was off at most. The steps between
    /// frames must be even all the time.
    fn most_apart(scale: u32, length: u32, habits: Habits) -> i64 {
        let head = TrackHead { kind: TrackKind::Audio, time_scale: scale, sample_entry: Vec::new() };
        let mut sound = Sound::new(head);
        let (scale, length_ticks) = (i64::from(scale), i64::from(length));
        let (mut most, mut before) = (0, None);
        for number in 0..3 * HOUR_S * scale / length_ticks {
            // by a clock that is right
            let true_time = number * length_ticks;
            let arrived = (number / habits.burst + 1) * habits.burst * length_ticks;
            let step = habits.picture_ms[usize::from(arrived > HOUR_S * scale)] * scale / 1000;
            let time = true_time + true_time * habits.ppm / 1_000_000;
            sound.push(SoundFrame { time, length, data: vec![0] }, arrived - arrived % step);
            let heard = sound.next_before(i64::MAX).unwrap();
            most = most.max((heard.time - true_time).abs() * 1000 / scale);
            if let Some(before) = before.replace(heard.time) {
                let off = heard.time - before - length_ticks;
                assert!(off.abs() <= 2, "a step is {off} too long");
            }
        }
        most
    }

    #[test]
    fn sound_stays_beside_the_picture_though_its_clock_is_wrong() {
        for (scale, length) in [(8000, 160), (8000, 1000), (16_000, 1024), (48_000, 1024)] {
            for ppm in [100, -100, 200] {
                let habits = Habits { ppm, burst: 4, picture_ms: [40, 40] };
                let apart = most_apart(scale, length, habits);
                // what is still taken for lip-sync (ITU-R BT.1359); left alone it would be a second or two
                assert!(apart <= 90, "{apart} ms at {scale} Hz, {habits:?}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_right_is_left_alone_however_it_arrives() {
        for (burst, later_ms) in [(1, 40), (3, 40), (7, 100), (25, 40), (1, 1000), (3, 500)] {
            let habits = Habits { ppm: 0, burst, picture_ms: [40, later_ms] };
            let apart = most_apart(16_000, 1024, habits);
            // half a burst, where pictures become seldom
            assert!(apart <= 60, "{apart} ms with {habits:?}");
        }
    }
}
