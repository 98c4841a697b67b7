//! The sampled frames of a running stream: one thread reads, the caller's decodes.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use catalog::Clock;
use chrono::{DateTime, Utc};
use ffmpeg_the_third::{Packet, frame};
use serde::{Deserialize, Serialize};

use super::arrivals::{Arrival, Arrivals, Facts};
use super::convert;
use super::decoder::Decoder;
use super::error::VideoError;
use super::live::{LiveError, LiveSource};
use crate::Picture;

/// Between the start and the first packet: FFmpeg's own limits are for each step alone.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A camera that says nothing for longer is gone.
const SILENCE: Duration = Duration::from_secs(8);
/// By how many pictures display may be behind decoding.
const MOST_REORDERED: usize = 64;

/// What is to be played, and which frames of it are wanted. No `Debug`: the address may hold a password.
#[derive(Serialize, Deserialize)]
pub(crate) struct Play {
    pub(crate) address: String,
    /// `tcp` or `udp`.
    pub(crate) transport: String,
    pub(crate) every: NonZeroU32,
    /// The number of the first frame.
    pub(crate) first: u64,
}

/// A decoded frame, with its picture still in the decoder's memory.
pub(crate) struct LiveFrame {
    pub(crate) number: u64,
    pub(crate) received: DateTime<Utc>,
    /// Frames wanted before this one that were passed over, since the stream began.
    pub(crate) passed_over: u64,
    decoded: frame::Video,
}

impl LiveFrame {
    pub(crate) fn coded_px(&self) -> [u32; 2] {
        [self.decoded.width(), self.decoded.height()]
    }

    pub(crate) fn picture(&self) -> Result<Picture, VideoError> {
        convert::to_picture(&self.decoded)
    }
}

/// Plays until it is dropped; what reads is left to itself, and ends with the process at the latest.
pub(crate) struct LiveFrames {
    shared: Arc<Shared>,
    every: NonZeroU32,
    begun: Instant,
    heard: Option<Instant>,
    decoder: Option<Decoder>,
    /// When the packets came that may still become frames, by their numbers.
    received: VecDeque<(u64, DateTime<Utc>)>,
    next_packet: Option<u64>,
    next_frame: u64,
    passed_over: u64,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// As soon as it is known what is to be decoded.
    decoder: Option<Decoder>,
    arrivals: Arrivals<Packet>,
    over: Option<LiveError>,
    is_left: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LiveFrames {
    fn drop(&mut self) {
        self.shared.lock().is_left = true;
    }
}

impl LiveFrames {
    /// Begins to connect.
    pub(crate) fn play(play: Play) -> std::io::Result<Self> {
        let arrivals = Arrivals::from(play.first);
        let state = State { decoder: None, arrivals, over: None, is_left: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let (every, next_frame) = (play.every, play.first);
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("live".to_owned()).spawn(move || {
            let over = read(&play, &theirs).err().unwrap_or(LiveError::Ended);
            theirs.lock().over = Some(over);
            theirs.changed.notify_all();
        })?;
        Ok(Self {
            shared,
            every,
            begun: Instant::now(),
            heard: None,
            decoder: None,
            received: VecDeque::new(),
            next_packet: None,
            next_frame,
            passed_over: 0,
        })
    }

    /// Waits for a while, decodes what has come, and returns what of it is wanted.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Vec<LiveFrame>, LiveError> {
        let Some(arrival) = self.arrival(wait)? else {
            let silent = self.heard.unwrap_or(self.begun).elapsed();
            let most = if self.heard.is_some() { SILENCE } else { CONNECT_WITHIN };
            return match silent > most {
                true => Err(LiveError::Silent { seconds: most.as_secs() }),
                false => Ok(Vec::new()),
            };
        };
        self.heard = Some(Instant::now());
        Ok(self.decode(arrival))
    }

    fn arrival(&mut self, wait: Duration) -> Result<Option<Arrival<Packet>>, LiveError> {
        let nothing_yet = |state: &mut State| state.over.is_none() && state.arrivals.is_empty();
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), wait, nothing_yet);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(decoder) = state.decoder.take() {
            self.decoder = Some(decoder);
        }
        // what came before the end is looked at before it
        match state.arrivals.take() {
            Some(arrival) => Ok(Some(arrival)),
            None => state.over.take().map_or(Ok(None), Err),
        }
    }

    fn decode(&mut self, arrival: Arrival<Packet>) -> Vec<LiveFrame> {
        let Arrival { mut packet, received, number, .. } = arrival;
        let Some(mut decoder) = self.decoder.take() else { return Vec::new() };
        if self.next_packet.is_some_and(|expected| expected != number) {
            decoder.drain(&mut |_| {});
            self.passed_over += multiples(self.next_frame..number, self.every);
            self.next_frame = number;
        }
        self.next_packet = Some(number + 1);
        self.received.push_back((number, received));
        if self.received.len() > MOST_REORDERED {
            self.received.pop_front();
        }
        // numbers go through the decoder in the place of times, which cameras get wrong
        packet.set_pts(i64::try_from(number).ok());
        packet.set_dts(None);
        let mut frames = Vec::new();
        decoder.feed(&packet, &mut |decoded| {
            frames.extend(self.keep(decoded));
        });
        self.decoder = Some(decoder);
        frames
    }

    fn keep(&mut self, decoded: &mut frame::Video) -> Option<LiveFrame> {
        let number = self.next_frame;
        self.next_frame += 1;
        if !number.is_multiple_of(u64::from(self.every.get())) {
            return None;
        }
        let of = decoded.pts().and_then(|pts| u64::try_from(pts).ok());
        let known = self.received.iter().find(|(packet, _)| Some(*packet) == of);
        let (_, received) = *known.or(self.received.back())?;
        let decoded = std::mem::replace(decoded, frame::Video::empty());
        Some(LiveFrame { number, received, passed_over: self.passed_over, decoded })
    }
}

/// Counts the frames that are wanted among these.
fn multiples(range: std::ops::Range<u64>, every: NonZeroU32) -> u64 {
    let before = |end: u64| end.div_ceil(u64::from(every.get()));
    before(range.end).saturating_sub(before(range.start))
}

fn read(play: &Play, shared: &Shared) -> Result<(), LiveError> {
    let mut source = LiveSource::open(&play.address, &play.transport)?;
    shared.lock().decoder = Some(source.decoder()?);
    let clock = Clock::system();
    loop {
        let packet = source.next_packet()?;
        let facts = Facts { is_keyframe: packet.is_key(), bytes: packet.size(), received: clock.now() };
        let mut state = shared.lock();
        if state.is_left {
            return Ok(());
        }
        state.arrivals.put(packet, facts);
        drop(state);
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_were_wanted_are_counted_at_both_ends() {
        let count = |range, every| multiples(range, NonZeroU32::new(every).unwrap());
        assert_eq!(count(0..30, 30), 1);
        assert_eq!(count(1..30, 30), 0);
        assert_eq!(count(1..31, 30), 1);
        assert_eq!(count(7..12, 1), 5);
    }
}
