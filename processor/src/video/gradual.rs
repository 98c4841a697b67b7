//! A gradual plan: each GOP is planned when its turn comes, for the samples that the watch asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ffmpeg_the_third::frame;

use super::index::PacketIndex;
use super::order::DisplayOrder;
use super::plan::{Step, plan};
use super::watch::Watch;

pub(super) struct Gradual {
    index: Arc<PacketIndex>,
    order: Arc<DisplayOrder>,
    watch: Watch,
    /// The GOP to be planned next.
    gop: usize,
    /// The GOP before is decoded to its end, for pictures in the next one.
    runs_on: bool,
}

/// The plan for one GOP.
pub(super) struct Part {
    pub steps: Vec<Step>,
    /// Samples that are wanted in addition.
    pub wanted: BTreeMap<u64, Duration>,
    /// A sample that need not be decoded any more.
    pub keyframe: Option<(u64, Duration, frame::Video)>,
}

impl Gradual {
    pub(super) fn new(index: Arc<PacketIndex>, order: Arc<DisplayOrder>, watch: Watch) -> Self {
        Self { index, order, watch, gop: 0, runs_on: false }
    }

    /// Tells whether every decision was made.
    pub(super) fn is_complete(&self) -> bool {
        self.watch.next_entry().is_none()
    }

    /// Counts the packets that were decoded to decide.
    pub(super) fn packets_fed(&self) -> u64 {
        self.watch.packets_fed()
    }

    /// Plans the GOP that begins at `position`, if one does; `pending` are the samples still to come of those
    /// that were wanted before.
    pub(super) fn plan(&mut self, position: usize, pending: &BTreeMap<u64, Duration>) -> Option<Part> {
        if self.order.entries.get(self.gop) != Some(&position) {
            return None;
        }
        let mut part = Part { steps: Vec::new(), wanted: BTreeMap::new(), keyframe: None };
        if self.watch.next_entry() == Some(position) {
            let verdict = self.watch.decide()?;
            part.wanted = verdict.wanted;
            if let Some(decoded) = verdict.keyframe.filter(|_| !self.runs_on) {
                part.take_keyframe(self.order.numbers[position], decoded);
            }
        }
        part.steps = self.steps(|number| part.wanted.contains_key(&number) || pending.contains_key(&number));
        self.gop += 1;
        Some(part)
    }

    /// Plans this GOP in view of the next, whose leading pictures may need it whole.
    fn steps(&mut self, is_wanted: impl Fn(u64) -> bool) -> Vec<Step> {
        let entry = |gop: usize| self.order.entries.get(gop).copied().unwrap_or(self.index.packets.len());
        let [start, next, after] = [entry(self.gop), entry(self.gop + 1), entry(self.gop + 2)];
        let both = DisplayOrder {
            numbers: self.order.numbers[start..after].to_vec(),
            entries: if next < after { vec![0, next - start] } else { vec![0] },
            reorder: self.order.reorder,
        };
        let mut steps = plan(&self.index.packets[start..after], &both, is_wanted);
        if self.runs_on && steps[0] == Step::Restart {
            steps[0] = Step::Feed;
        }
        self.runs_on = steps.get(next - start) == Some(&Step::Feed);
        steps.truncate(next - start);
        steps
    }
}

impl Part {
    fn take_keyframe(&mut self, number: Option<u64>, decoded: frame::Video) {
        if let Some((number, pts)) = number.and_then(|number| self.wanted.remove_entry(&number)) {
            self.keyframe = Some((number, pts, decoded));
        }
    }
}
