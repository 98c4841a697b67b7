//! Demuxing: fragmented MP4 as it comes out of a pipe, a box at a time, becomes tracks and frames.

use std::time::Instant;

use mp4_atom::{Atom, Moof, Moov, Traf, Trak};

use super::{Item, SoundItem, VideoItem};
use crate::mp4::{BoxAt, Fault, TrackHead, TrackKind, box_at, sample_entries};

/// An `mdat` of a quarter of a second is far below; what claims more is broken, or means harm.
const BOX_MAX: u64 = 32 << 20;
/// Of a sample's flags: it is no keyframe.
const IS_NON_SYNC: u32 = 0x0001_0000;

/// A track as the pipe describes it.
#[derive(Clone, Debug)]
pub(super) struct PipedTrack {
    id: u32,
    pub(super) head: TrackHead,
    defaults: Defaults,
}

/// What a sample is where its fragment does not say.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// What one whole box brought.
#[derive(Debug)]
pub(super) enum Brought {
    Tracks,
    Frames(Vec<Item>),
    Nothing,
}

/// Takes boxes and remembers what later ones need.
#[derive(Debug, Default)]
pub(super) struct Demuxer {
    pub(super) tracks: Vec<PipedTrack>,
    /// Whose samples come in the next `mdat`, counted from the `moof`'s beginning.
    expected: Vec<Expected>,
    moof_length: u64,
    /// The first frame carries the video's parameters.
    head_is_due: bool,
}

#[derive(Debug)]
struct Expected {
    track: usize,
    at: u64,
    dts: i64,
    samples: Vec<ExpectedSample>,
}

#[derive(Clone, Copy, Debug)]
struct ExpectedSample {
    duration: u32,
    size: u32,
    keyframe: bool,
    offset: i64,
}

impl Demuxer {
    /// Tells from its first bytes which box comes next; `None` until there are enough.
    pub(super) fn next_box(bytes: &[u8]) -> Result<Option<BoxAt>, Fault> {
        if bytes.len() < 16 {
            return Ok(None);
        }
        let found = box_at(bytes).ok_or(Fault("a box is described wrongly"))?;
        if found.length > BOX_MAX { Err(Fault("a box is too large")) } else { Ok(Some(found)) }
    }

    /// Takes the content of a whole box that arrived at `received`.
    pub(super) fn take(&mut self, found: BoxAt, content: &[u8], received: Instant) -> Result<Brought, Fault> {
        match &found.kind {
            b"moov" => self.take_moov(content).map(|()| Brought::Tracks),
            b"moof" => {
                self.moof_length = found.length;
                self.take_moof(content).map(|()| Brought::Nothing)
            }
            b"mdat" => self.take_mdat(found, content, received).map(Brought::Frames),
            _ => Ok(Brought::Nothing),
        }
    }

    fn take_moov(&mut self, mut content: &[u8]) -> Result<(), Fault> {
        const FAULT: Fault = Fault("the tracks are described wrongly");
        let entries = sample_entries(content);
        let moov = Moov::decode_body(&mut content).map_err(|_| FAULT)?;
        let trex = |id| moov.mvex.iter().flat_map(|mvex| &mvex.trex).find(move |trex| trex.track_id == id);
        self.tracks.clear();
        for (trak, entry) in moov.trak.iter().zip(entries) {
            let id = trak.tkhd.track_id;
            let defaults = trex(id).map(|trex| Defaults {
                duration: trex.default_sample_duration,
                size: trex.default_sample_size,
                flags: trex.default_sample_flags,
            });
            let head = head_of(trak, entry.ok_or(FAULT)?);
            self.tracks.extend(head.map(|head| PipedTrack {
                id,
                head,
                defaults: defaults.unwrap_or_default(),
            }));
        }
        self.head_is_due = true;
        Ok(())
    }

    fn take_moof(&mut self, mut content: &[u8]) -> Result<(), Fault> {
        const FAULT: Fault = Fault("a fragment is described wrongly");
        let moof = Moof::decode_body(&mut content).map_err(|_| FAULT)?;
        self.expected.clear();
        for traf in &moof.traf {
            let known = self.tracks.iter().position(|track| track.id == traf.tfhd.track_id);
            if let Some(track) = known {
                self.expected.extend(runs(traf, track, self.tracks[track].defaults).ok_or(FAULT)?);
            }
        }
        Ok(())
    }

    /// Cuts the samples out, in order of time over all tracks.
    fn take_mdat(&mut self, found: BoxAt, content: &[u8], received: Instant) -> Result<Vec<Item>, Fault> {
        const FAULT: Fault = Fault("a sample reaches beyond its fragment");
        let begin = self.moof_length + found.header_length;
        let mut items = Vec::new();
        for run in std::mem::take(&mut self.expected) {
            let head = self.tracks[run.track].head.clone();
            let mut rest = run
                .at
                .checked_sub(begin)
                .and_then(|at| content.get(usize::try_from(at).ok()?..))
                .ok_or(FAULT)?;
            let mut dts = run.dts;
            for sample in run.samples {
                let (data, later) = rest.split_at_checked(sample.size as usize).ok_or(FAULT)?;
                rest = later;
                let seconds = dts as f64 / f64::from(head.time_scale.max(1));
                items.push((seconds, self.item(&head, Cut { dts, sample, data, received })));
                dts += i64::from(sample.duration);
            }
        }
        items.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    fn item(&mut self, head: &TrackHead, cut: Cut<'_>) -> Item {
        let Cut { dts, sample, data, received } = cut;
        match head.kind {
            TrackKind::Audio => {
                Item::Sound(SoundItem { stamp: dts, length: sample.duration, data: data.to_vec() })
            }
            TrackKind::Video { .. } => Item::Video(VideoItem {
                stamp: dts + sample.offset,
                keyframe: sample.keyframe,
                received,
                lost: 0,
                head: std::mem::take(&mut self.head_is_due).then(|| head.clone()),
                data: data.to_vec(),
            }),
        }
    }
}

/// One sample cut out of an `mdat`.
#[derive(Clone, Copy)]
struct Cut<'a> {
    dts: i64,
    sample: ExpectedSample,
    data: &'a [u8],
    received: Instant,
}

/// Describes the tracks that can be kept; `None` for others.
fn head_of(trak: &Trak, sample_entry: Vec<u8>) -> Option<TrackHead> {
    let size = |fixed: u16| (fixed > 0).then_some(fixed);
    let kind = match trak.mdia.hdlr.handler.as_ref() {
        b"vide" => TrackKind::Video {
            width: size(trak.tkhd.width.integer())?,
            height: size(trak.tkhd.height.integer())?,
        },
        b"soun" => TrackKind::Audio,
        _ => return None,
    };
    let time_scale = trak.mdia.mdhd.timescale;
    (time_scale > 0).then_some(TrackHead { kind, time_scale, sample_entry })
}

fn runs(traf: &Traf, track: usize, defaults: Defaults) -> Option<Vec<Expected>> {
    let defaults = Defaults {
        duration: traf.tfhd.default_sample_duration.unwrap_or(defaults.duration),
        size: traf.tfhd.default_sample_size.unwrap_or(defaults.size),
        flags: traf.tfhd.default_sample_flags.unwrap_or(defaults.flags),
    };
    let mut dts = i64::try_from(traf.tfdt.as_ref()?.base_media_decode_time).ok()?;
    let mut runs = Vec::with_capacity(traf.trun.len());
    for trun in &traf.trun {
        let samples: Vec<ExpectedSample> = trun
            .samples
            .iter()
            // a count without a size each would be made up
            .take(MOST_SAMPLES)
            .map(|entry| ExpectedSample {
                duration: entry.duration.unwrap_or(defaults.duration),
                size: entry.size.unwrap_or(defaults.size),
                keyframe: entry.flags.unwrap_or(defaults.flags) & IS_NON_SYNC == 0,
                offset: entry.cts.unwrap_or(0),
            })
            .collect();
        let at = u64::try_from(trun.data_offset?).ok()?;
        let length: i64 = samples.iter().map(|sample| i64::from(sample.duration)).sum();
        runs.push(Expected { track, at, dts, samples });
        dts = dts.checked_add(length)?;
    }
    Some(runs)
}

/// Of one run: a quarter of a second has some dozen.
const MOST_SAMPLES: usize = 1 << 16;
