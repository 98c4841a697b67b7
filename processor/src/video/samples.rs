//! The samples: decodes as planned and hands on each wanted frame, in the order of display.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, mem};

use ffmpeg::{Packet, Rational, frame};
use ffmpeg_the_third as ffmpeg;

use super::decoder::Decoder;
use super::error::VideoError;
use super::frame::SampledFrame;
use super::gradual::Gradual;
use super::order::DisplayOrder;
use super::plan::Step;
use super::probe::frame_interval;
use super::rotation::Rotation;
use super::source::Source;
use super::time;

/// Says which frames are wanted, and how they are told apart.
pub(super) enum Selection {
    /// Packets carry the number of their frame; `wanted` holds those still to come, with their times.
    /// A gradual plan is made GOP by GOP, while the footage is decoded.
    Planned {
        steps: Vec<Step>,
        order: Arc<DisplayOrder>,
        wanted: BTreeMap<u64, Duration>,
        gradual: Option<Box<Gradual>>,
    },
    /// Everything is decoded and frames are counted as they come.
    Counted { every: NonZeroU32, packets: usize, counted: u64, first_time: Option<i64> },
}

/// Tells how decoding went.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    decoder: Decoder,
    selection: Selection,
    time_base: Rational,
    frame_interval: Duration,
    rotation: Rotation,
    position: usize,
    ready: VecDeque<SampledFrame>,
    stage: Stage,
    summary: DecodeSummary,
}

impl Samples {
    pub(super) fn new(source: Source, selection: Selection, reorder: usize) -> Result<Self, VideoError> {
        let decoder = Decoder::open(&source, reorder)?;
        Ok(Self {
            time_base: source.stream().time_base(),
            frame_interval: frame_interval(&source),
            rotation: source.rotation(),
            source,
            decoder,
            selection,
            position: 0,
            ready: VecDeque::new(),
            stage: Stage::Feeding,
            summary: DecodeSummary {
                sampled: 0,
                missing: Vec::new(),
                packets_fed: 0,
                packets_refused: 0,
                counted: None,
            },
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
        self.plan_on();
        let step = self.selection.step(self.position);
        if step == Step::Restart && self.summary.packets_fed > 0 {
            self.drain();
        }
        // An empty packet would tell the decoder that the stream has ended.
        if step != Step::Skip && packet.size() > 0 {
            self.feed(packet);
        }
        self.position += 1;
    }

    fn is_more_needed(&self) -> bool {
        match &self.selection {
            Selection::Planned { wanted, steps, gradual, .. } => {
                let is_planned = gradual.as_ref().is_none_or(|gradual| gradual.is_complete());
                !(is_planned && wanted.is_empty()) && self.position < steps.len()
            }
            Selection::Counted { packets, .. } => self.position < *packets,
        }
    }

    /// Where the plan is made gradually: plans the GOP that begins now.
    fn plan_on(&mut self) {
        let Selection::Planned { steps, wanted, gradual: Some(gradual), .. } = &mut self.selection else {
            return;
        };
        let Some(part) = gradual.plan(self.position, wanted) else { return };
        steps[self.position..][..part.steps.len()].copy_from_slice(&part.steps);
        wanted.extend(part.wanted);
        if let Some((index, pts, decoded)) = part.keyframe {
            // It is shown after all that the decoder still holds.
            self.drain();
            self.ready.push_back(SampledFrame { index, pts, decoded, rotation: self.rotation });
        }
    }

    fn feed(&mut self, mut packet: Packet) {
        if let Selection::Planned { order, .. } = &self.selection {
            packet.set_pts(order.numbers[self.position].and_then(|number| i64::try_from(number).ok()));
            packet.set_dts(None);
        }
        self.summary.packets_fed += 1;
        self.collect(|decoder, accept| decoder.feed(&packet, accept));
    }

    fn drain(&mut self) {
        self.collect(Decoder::drain);
    }

    /// Keeps those frames that are wanted of what comes out of the decoder.
    fn collect(&mut self, decode: impl FnOnce(&mut Decoder, &mut dyn FnMut(&mut frame::Video))) {
        let Self { decoder, selection, ready, rotation, time_base, frame_interval, .. } = self;
        decode(decoder, &mut |frame| {
            if let Some((index, pts)) = selection.identify(frame, *time_base, *frame_interval) {
                let decoded = mem::replace(frame, frame::Video::empty());
                ready.push_back(SampledFrame { index, pts, decoded, rotation: *rotation });
            }
        });
        self.summary.packets_refused = self.decoder.refused;
    }

    fn finish(&mut self) {
        self.drain();
        self.stage = Stage::Ended;
        match &self.selection {
            Selection::Planned { wanted, gradual, .. } => {
                self.summary.missing = wanted.keys().copied().collect();
                self.summary.packets_fed += gradual.as_ref().map_or(0, |gradual| gradual.packets_fed());
            }
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
