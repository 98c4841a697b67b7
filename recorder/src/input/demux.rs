//! Demuxing: fragmented MP4 as it comes out of a pipe, a box at a time, becomes tracks and frames.

use std::time::Instant;

use mp4_atom::{Atom, Moof, Moov, Traf, Trak};

use super::{Item, SoundItem, VideoItem};
use crate::mp4::{BoxAt, Fault, TrackHead, TrackKind, box_at, sample_entries};

/// An `mdat` of a quarter of a second is far below; what claims more is broken, or means harm.
const BOX_MAX: u64 = 32 << 20;
/// Of a `moov` or `moof`: reading one takes many times its size.
const INDEX_MAX: u64 = 1 << 20;
/// Of one fragment: a quarter of a second has some dozen. A count costs the pipe four bytes, and each sample some
/// dozens here.
const SAMPLES_MAX: usize = 1 << 16;
/// Of one `sgpd`: FFmpeg writes one. As many as are counted are read, whether they are there or not.
const SAMPLE_GROUPS_MAX: u32 = 1 << 10;
/// Ticks: far beyond what any clock counts to, and far from where counting ends.
const TIME_MAX: i64 = 1 << 53;
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
pub(crate) enum Brought {
    Tracks,
    Frames(Vec<Item>),
    Nothing,
}

/// Takes boxes and remembers what later ones need.
#[derive(Debug, Default)]
pub(crate) struct Demuxer {
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
    pub(crate) fn next_box(bytes: &[u8]) -> Result<Option<BoxAt>, Fault> {
        if bytes.len() < 16 {
            return Ok(None);
        }
        let found = box_at(bytes).ok_or(Fault("a box is described wrongly"))?;
        let most = if matches!(&found.kind, b"moov" | b"moof") { INDEX_MAX } else { BOX_MAX };
        if found.length > most { Err(Fault("a box is too large")) } else { Ok(Some(found)) }
    }

    /// Takes the content of a whole box that arrived at `received`.
    pub(crate) fn take(&mut self, found: BoxAt, content: &[u8], received: Instant) -> Result<Brought, Fault> {
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
        refuse_countless_groups(content)?;
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
        refuse_countless_groups(content)?;
        let moof = Moof::decode_body(&mut content).map_err(|_| FAULT)?;
        self.expected.clear();
        let counts = moof.traf.iter().flat_map(|traf| &traf.trun).map(|trun| trun.samples.len());
        if counts.fold(0, usize::saturating_add) > SAMPLES_MAX {
            return Err(Fault("a fragment has too many samples"));
        }
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
        let expected = std::mem::take(&mut self.expected);
        // runs that lie over one another would multiply what came through the pipe
        let size: u64 =
            expected.iter().flat_map(|run| &run.samples).map(|sample| u64::from(sample.size)).sum();
        if size > content.len() as u64 {
            return Err(FAULT);
        }
        for run in expected {
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
/// Looks at every `sgpd`, wherever it is.
fn refuse_countless_groups(content: &[u8]) -> Result<(), Fault> {
    let are_countless = |at: usize| {
        // type, version and flags, grouping type, and a word more for each version up to the second
        let version = usize::from(*content.get(at + 4)?);
        let count = content.get(at + 12 + 4 * version.min(2)..)?.first_chunk()?;
        Some(u32::from_be_bytes(*count) > SAMPLE_GROUPS_MAX)
    };
    let mut found = content.windows(4).enumerate().filter(|(_, kind)| kind == b"sgpd");
    if found.any(|(at, _)| are_countless(at).unwrap_or(false)) {
        return Err(Fault("a track has too many groups of samples"));
    }
    Ok(())
}

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
    if dts > TIME_MAX {
        return None;
    }
    let mut runs = Vec::with_capacity(traf.trun.len());
    for trun in &traf.trun {
        let samples: Vec<ExpectedSample> = trun
            .samples
            .iter()
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
        dts += length;
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use mp4_atom::{Encode, Tfdt, Tfhd, Trun, TrunEntry, TrunSamples};

    use super::*;

    fn demuxer() -> Demuxer {
        let kind = TrackKind::Video { width: 16, height: 16 };
        let head = TrackHead { kind, time_scale: 1, sample_entry: Vec::new() };
        let track = PipedTrack { id: 1, head, defaults: Defaults::default() };
        Demuxer { tracks: vec![track], ..Demuxer::default() }
    }

    /// Takes a fragment of these runs, which all begin where the samples do, and eight bytes of samples.
    fn frames_of(dts: u64, runs: &[TrunSamples]) -> Result<Vec<i64>, Fault> {
        let moof_with = |data_offset: i32| {
            let trun =
                runs.iter().map(|samples| Trun { data_offset: Some(data_offset), samples: samples.clone() });
            let traf = Traf {
                tfhd: Tfhd { track_id: 1, ..Tfhd::default() },
                tfdt: Some(Tfdt { base_media_decode_time: dts }),
                trun: trun.collect(),
                ..Traf::default()
            };
            let mut bytes = Vec::new();
            Moof { traf: vec![traf], ..Moof::default() }.encode(&mut bytes).unwrap();
            bytes
        };
        let moof = moof_with(i32::try_from(moof_with(0).len()).unwrap() + 8);
        let mdat = [&16u32.to_be_bytes()[..], b"mdat", &[7; 8]].concat();
        let mut demuxer = demuxer();
        let mut stamps = Vec::new();
        for bytes in [moof, mdat] {
            let found = Demuxer::next_box(&bytes)?.expect("a whole box");
            if let Brought::Frames(items) = demuxer.take(found, &bytes[8..], Instant::now())? {
                stamps.extend(items.iter().map(|item| match item {
                    Item::Video(video) => video.stamp,
                    other => panic!("{other:?}"),
                }));
            }
        }
        Ok(stamps)
    }

    fn sample(size: u32, cts: i64) -> TrunSamples {
        vec![TrunEntry { duration: Some(1), size: Some(size), flags: None, cts: Some(cts) }].into()
    }

    #[test]
    fn samples_are_cut_out_where_their_runs_say() {
        assert_eq!(frames_of(5, &[sample(8, 2)]), Ok(vec![7]));
        assert_eq!(frames_of(5, &[sample(4, 0), sample(4, 0)]), Ok(vec![5, 6]));
    }

    #[test]
    fn runs_over_one_another_are_refused() {
        assert!(frames_of(5, &[sample(8, 0), sample(8, 0)]).is_err());
    }

    #[test]
    fn counts_without_samples_are_refused() {
        let counted = TrunSamples::Inherited { count: 40_000, first_flags: None };
        assert_eq!(frames_of(5, std::slice::from_ref(&counted)).map(|stamps| stamps.len()), Ok(40_000));
        assert!(frames_of(5, &[counted.clone(), counted]).is_err());
    }

    #[test]
    fn times_at_the_end_of_counting_are_refused() {
        for dts in [i64::MAX as u64, u64::MAX, (1 << 53) + 1] {
            assert!(frames_of(dts, &[sample(8, i64::from(i32::MAX))]).is_err(), "{dts}");
        }
    }

    #[test]
    fn groups_that_are_counted_and_not_there_are_refused() {
        let groups = |version: u8, words: &[u32], count: u32| {
            let words = words.iter().chain([&count]).flat_map(|word| word.to_be_bytes());
            [&b"sgpd"[..], &[version, 0, 0, 0], b"roll"]
                .concat()
                .into_iter()
                .chain(words)
                .collect::<Vec<u8>>()
        };
        for (version, words) in [(0, &[][..]), (1, &[2]), (2, &[2, 1]), (3, &[2, 1])] {
            assert_eq!(refuse_countless_groups(&groups(version, words, 1)), Ok(()));
            assert!(refuse_countless_groups(&groups(version, words, u32::MAX)).is_err(), "version {version}");
        }
        assert_eq!(refuse_countless_groups(b"sgpd"), Ok(()));
    }

    #[test]
    fn an_index_as_large_as_samples_may_be_is_refused() {
        let header = |kind: &[u8; 4]| [&(2u32 << 20).to_be_bytes()[..], kind, &[0; 8]].concat();
        assert!(Demuxer::next_box(&header(b"mdat")).unwrap().is_some());
        assert!(Demuxer::next_box(&header(b"moof")).is_err() && Demuxer::next_box(&header(b"moov")).is_err());
    }
}
