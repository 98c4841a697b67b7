//! The samples: decodes as planned and hands on each wanted frame, in the order of display.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;
use std::{fmt, io, mem};

use ffmpeg::{Packet, Rational, codec, frame};
use ffmpeg_the_third as ffmpeg;
use serde::{Deserialize, Serialize};

use super::error::VideoError;
use super::ffi;
use super::frame::SampledFrame;
use super::plan::Step;
use super::probe::frame_interval;
use super::rotation::Rotation;
use super::source::Source;
use super::time;

/// 8K twice over; a header that promises more is refused before memory is taken for it.
const MOST_PIXELS: i64 = 1 << 26;
/// A decoder that only reports errors while it is emptied would never come to an end.
const MOST_ERRORS_IN_A_ROW: usize = 32;

/// Says which frames are wanted, and how they are told apart.
pub(super) enum Selection {
    /// Packets carry the number of their frame; `wanted` holds those still to come, with their times.
    Planned { steps: Vec<Step>, numbers: Vec<Option<u64>>, wanted: BTreeMap<u64, Duration> },
    /// Everything is decoded and frames are counted as they come.
    Counted { every: NonZeroU32, packets: usize, counted: u64, first_time: Option<i64> },
}

/// Tells how decoding went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecodeSummary {
    /// The frames handed on.
    pub sampled: u64,
    /// Wanted frames that could not be decoded: they lie in a damaged or cut-off part.
    pub missing: Vec<u64>,
    /// Packets given to the decoder.
    pub packets_fed: u64,
    /// Packets the decoder refused.
    pub packets_refused: u64,
    /// All frames of the file where they were counted, that is, where no plan could be made.
    pub counted: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Feeding,
    Ended,
}

/// Iterates over the sampled frames; decodes on demand, one thread.
pub struct Samples {
    source: Source,
    decoder: codec::decoder::Video,
    selection: Selection,
    time_base: Rational,
    frame_interval: Duration,
    rotation: Rotation,
    position: usize,
    spare: frame::Video,
    ready: VecDeque<SampledFrame>,
    stage: Stage,
    summary: DecodeSummary,
}

impl Samples {
    pub(super) fn new(source: Source, selection: Selection, reorder: usize) -> Result<Self, VideoError> {
        let decoder = decoder(&source, reorder)?;
        Ok(Self {
            time_base: source.stream().time_base(),
            frame_interval: frame_interval(&source),
            rotation: source.rotation(),
            source,
            decoder,
            selection,
            position: 0,
            spare: frame::Video::empty(),
            ready: VecDeque::new(),
            stage: Stage::Feeding,
            summary: DecodeSummary::default(),
        })
    }

    /// Tells how it went so far; complete once the iteration has ended.
    pub fn summary(&self) -> &DecodeSummary {
        &self.summary
    }

    /// Tells whether a packet must be read before there is a frame, or the end.
    pub(crate) fn is_hungry(&self) -> bool {
        self.ready.is_empty() && self.stage == Stage::Feeding
    }

    /// Reads one packet and does with it what the plan says.
    pub(crate) fn advance(&mut self) {
        // A read error is the end: the index was read by the same rule.
        let Some(packet) = self.source.next_packet().ok().flatten().filter(|_| self.is_more_needed()) else {
            self.finish();
            return;
        };
        let step = self.selection.step(self.position);
        if step == Step::Restart && self.summary.packets_fed > 0 {
            self.drain();
            self.decoder.flush();
        }
        // An empty packet would tell the decoder that the stream has ended.
        if step != Step::Skip && packet.size() > 0 {
            self.feed(packet);
        }
        self.position += 1;
    }

    fn is_more_needed(&self) -> bool {
        match &self.selection {
            Selection::Planned { wanted, steps, .. } => !wanted.is_empty() && self.position < steps.len(),
            Selection::Counted { packets, .. } => self.position < *packets,
        }
    }

    fn feed(&mut self, mut packet: Packet) {
        if let Selection::Planned { numbers, .. } = &self.selection {
            packet.set_pts(numbers[self.position].and_then(|number| i64::try_from(number).ok()));
            packet.set_dts(None);
        }
        self.summary.packets_fed += 1;
        let mut sent = self.decoder.send_packet(&packet);
        if is_again(sent) {
            self.collect();
            sent = self.decoder.send_packet(&packet);
        }
        if sent.is_err() {
            self.summary.packets_refused += 1;
        }
        self.collect();
    }

    fn drain(&mut self) {
        if self.decoder.send_eof().is_ok() {
            self.collect();
        }
    }

    /// Takes out every frame the decoder has ready.
    fn collect(&mut self) {
        let mut errors = 0;
        while errors < MOST_ERRORS_IN_A_ROW {
            match self.decoder.receive_frame(&mut self.spare) {
                Ok(()) => {
                    errors = 0;
                    self.accept();
                }
                Err(ffmpeg::Error::Eof) => break,
                error if is_again(error) => break,
                Err(_) => {
                    errors += 1;
                    self.summary.packets_refused += 1;
                }
            }
        }
    }

    /// Keeps the frame just received if it is wanted.
    fn accept(&mut self) {
        if let Some((index, pts)) = self.selection.identify(&self.spare, self.time_base, self.frame_interval)
        {
            let decoded = mem::replace(&mut self.spare, frame::Video::empty());
            self.ready.push_back(SampledFrame { index, pts, decoded, rotation: self.rotation });
        }
    }

    fn finish(&mut self) {
        self.drain();
        self.stage = Stage::Ended;
        match &self.selection {
            Selection::Planned { wanted, .. } => self.summary.missing = wanted.keys().copied().collect(),
            Selection::Counted { counted, .. } => self.summary.counted = Some(*counted),
        }
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Samples")
            .field("path", &self.source.path())
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

impl Iterator for Samples {
    type Item = Result<SampledFrame, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let had_ended = self.stage == Stage::Ended;
        while self.is_hungry() {
            self.advance();
        }
        if let Some(frame) = self.ready.pop_front() {
            self.summary.sampled += 1;
            return Some(Ok(frame));
        }
        let nothing_came = !had_ended && self.summary.sampled == 0;
        nothing_came.then(|| Err(VideoError::NoFrames { path: self.source.path().to_owned() }))
    }
}

impl Selection {
    fn step(&self, position: usize) -> Step {
        match self {
            Self::Planned { steps, .. } => steps[position],
            Self::Counted { .. } => Step::Feed,
        }
    }

    /// Gives number and time of a decoded frame if it is wanted.
    fn identify(
        &mut self,
        frame: &frame::Video,
        time_base: Rational,
        interval: Duration,
    ) -> Option<(u64, Duration)> {
        match self {
            Self::Planned { wanted, .. } => wanted.remove_entry(&u64::try_from(frame.pts()?).ok()?),
            Self::Counted { every, counted, first_time, .. } => {
                let number = *counted;
                *counted += 1;
                let first = *first_time.get_or_insert(frame.timestamp().unwrap_or(0));
                let pts = match frame.timestamp() {
                    Some(ticks) => time::duration(ticks.saturating_sub(first), time_base),
                    None => interval.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX)),
                };
                number.is_multiple_of(u64::from(every.get())).then_some((number, pts))
            }
        }
    }
}

fn is_again(result: Result<(), ffmpeg::Error>) -> bool {
    let Err(ffmpeg::Error::Other { errno }) = result else { return false };
    io::Error::from_raw_os_error(errno).kind() == io::ErrorKind::WouldBlock
}

/// Opens a decoder of one thread: a second segment on the other core gains more than frame threads, and
/// slice threads gain nothing on the single slices cameras send.
fn decoder(source: &Source, reorder: usize) -> Result<codec::decoder::Video, VideoError> {
    let failed = |error| VideoError::NoDecoder {
        path: source.path().to_owned(),
        codec: source.codec().to_owned(),
        source: error,
    };
    let mut context = codec::Context::from_parameters(source.parameters()).map_err(failed)?;
    ffi::configure(&mut context, reorder, MOST_PIXELS);
    context.set_threading(codec::threading::Config::count(1));
    context.decoder().video().map_err(failed)
}
