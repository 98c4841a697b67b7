//! A video file whose packets are indexed, ready to be sampled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::Metadata;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::Sampling;
use ffmpeg_the_third::Rational;

use super::choice::{Choice, thinned};
use super::doubt::Doubt;
use super::error::VideoError;
use super::gradual::Gradual;
use super::index::PacketIndex;
use super::order::DisplayOrder;
use super::plan::{Step, plan};
use super::probe::Probe;
use super::samples::{Samples, Selection};
use super::scout::Scout;
use super::source::Source;
use super::time;
use super::watch::Watch;

/// Knows the packets of a file's first video track and what the file says of itself.
pub struct Video {
    path: PathBuf,
    metadata: Metadata,
    time_base: Rational,
    index: Arc<PacketIndex>,
    order: Result<Arc<DisplayOrder>, Doubt>,
    probe: Probe,
}

impl Video {
    /// Reads the packet index; costs one pass over the file and decodes nothing.
    pub fn open(path: &Path) -> Result<Self, VideoError> {
        let mut source = Source::open(path)?;
        let index = PacketIndex::scan(&mut source)?;
        let order = match index.doubt {
            Some(doubt) => Err(doubt),
            None => DisplayOrder::of(&index.packets).map(Arc::new),
        };
        let probe = Probe::of(&source, &index.packets, order.as_deref().ok());
        if probe.frames == 0 {
            return Err(VideoError::NoFrames { path: path.to_owned() });
        }
        Ok(Self {
            path: path.to_owned(),
            metadata: source.metadata().clone(),
            time_base: source.stream().time_base(),
            index: Arc::new(index),
            order,
            probe,
        })
    }

    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Says why every packet must be decoded, where the plan cannot be shown to be exact.
    pub fn doubt(&self) -> Option<Doubt> {
        self.order.as_ref().err().copied()
    }

    /// Tells whether the container broke off before its end.
    pub fn is_cut_off(&self) -> bool {
        self.index.is_cut_off
    }

    /// Counts the packets that hold no picture, as damaged ones do; frames are numbered without them.
    pub fn unreadable(&self) -> u64 {
        self.index.unreadable
    }

    /// Decodes frames 0, `every`, 2 × `every` … as a full decode numbers them.
    pub fn samples(&self, every: NonZeroU32) -> Result<Samples, VideoError> {
        self.choose(Choice::exact(every))
    }

    /// Decodes the keyframes nearest to these times, each once and nothing else; `None` where packets cannot be told
    /// apart for certain.
    pub(crate) fn keyframes(&self, near: &[Duration]) -> Result<Option<Samples>, VideoError> {
        let Ok(order) = &self.order else { return Ok(None) };
        let keys: BTreeSet<u64> = order.entries.iter().filter_map(|&entry| order.numbers[entry]).collect();
        let times = self.times(order, |number| keys.contains(&number));
        let nearest = |wanted: &Duration| {
            let (number, _) = times.iter().min_by_key(|(_, time)| time.abs_diff(*wanted))?;
            Some(*number)
        };
        let chosen: BTreeSet<u64> = near.iter().filter_map(nearest).collect();
        let source = Source::reopen(&self.path, &self.metadata)?;
        let selection = self.planned(order, |number| chosen.contains(&number));
        Samples::new(source, selection, order.reorder).map(Some)
    }

    /// Decodes the frames that `choice` asks for; where no plan can be made those are all exact samples.
    pub fn choose(&self, choice: Choice) -> Result<Samples, VideoError> {
        let source = Source::reopen(&self.path, &self.metadata)?;
        let reorder = self.order.as_ref().map_or(0, |order| order.reorder);
        Samples::new(source, self.selection(choice)?, reorder)
    }

    fn selection(&self, choice: Choice) -> Result<Selection, VideoError> {
        let packets = &self.index.packets;
        let Ok(order) = &self.order else {
            let (every, packets) = (choice.every, packets.len());
            return Ok(Selection::Counted { every, packets, counted: 0, first_time: None });
        };
        let is_exact_sample = |number| choice.is_exact_sample(number);
        Ok(match choice.sampling {
            Sampling::Exact => self.planned(order, is_exact_sample),
            Sampling::Keyframes => {
                let keyframes = order.entries.iter().filter_map(|&entry| order.numbers[entry]);
                let kept: BTreeSet<u64> = thinned(keyframes, choice.every).collect();
                self.planned(order, |number| kept.contains(&number))
            }
            Sampling::Activity => self.watched(order, self.times(order, is_exact_sample))?,
        })
    }

    fn planned(&self, order: &Arc<DisplayOrder>, is_wanted: impl Fn(u64) -> bool) -> Selection {
        let steps = plan(&self.index.packets, order, &is_wanted);
        let wanted = self.times(order, is_wanted);
        Selection::Planned { steps, order: Arc::clone(order), wanted, gradual: None }
    }

    fn watched(
        &self,
        order: &Arc<DisplayOrder>,
        samples: BTreeMap<u64, Duration>,
    ) -> Result<Selection, VideoError> {
        let scout = Scout::new(Source::reopen(&self.path, &self.metadata)?)?;
        let watch = Watch::new(Arc::clone(&self.index), order, samples, scout);
        let gradual = Some(Box::new(Gradual::new(Arc::clone(&self.index), Arc::clone(order), watch)));
        let steps = vec![Step::Skip; self.index.packets.len()];
        Ok(Selection::Planned { steps, order: Arc::clone(order), wanted: BTreeMap::new(), gradual })
    }

    /// Looks up when each wanted frame is shown, counted from the first shown one.
    fn times(&self, order: &DisplayOrder, is_wanted: impl Fn(u64) -> bool) -> BTreeMap<u64, Duration> {
        let numbered = || order.numbers.iter().zip(&self.index.packets);
        let first =
            numbered().filter(|(number, _)| number.is_some()).filter_map(|(_, packet)| packet.pts).min();
        numbered()
            .filter_map(|(number, packet)| Some((number.filter(|&number| is_wanted(number))?, packet.pts?)))
            .map(|(number, pts)| {
                (number, time::duration(pts.saturating_sub(first.unwrap_or(pts)), self.time_base))
            })
            .collect()
    }
}

impl fmt::Debug for Video {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Video")
            .field("path", &self.path)
            .field("probe", &self.probe)
            .finish_non_exhaustive()
    }
}
