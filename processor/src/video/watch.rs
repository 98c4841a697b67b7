//! The watch: decides GOP by GOP, from keyframes and sizes of packets, which samples must be decoded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ffmpeg_the_third::frame;

use super::eye::Eye;
use super::grid::Grid;
use super::index::{IndexedPacket, PacketIndex};
use super::order::DisplayOrder;
use super::scout::Scout;
use super::sizes::Sizes;
use super::time;

/// Where nothing changes, one sample is looked at all the same in so much time.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Who is in the picture for so long is in a keyframe, or their stretch is decoded. Most cameras send a keyframe at
/// least every three seconds.
const LONGEST_UNSEEN: Duration = Duration::from_millis(3500);

/// Walks over the GOPs that hold exact samples.
pub(super) struct Watch {
    index: Arc<PacketIndex>,
    /// Samples that no decision was made about, with their times.
    open: BTreeMap<u64, Duration>,
    stretches: std::vec::IntoIter<Stretch>,
    /// The keyframe of the next stretch, already decoded; `None` before the first.
    ahead: Option<Keyframe>,
    scout: Scout,
    eye: Eye,
    sizes: Sizes,
    last_looked_at: Option<Duration>,
}

/// From the keyframe of a GOP with exact samples to the next such keyframe, in the order of display.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    entry: usize,
    /// The next stretch's keyframe.
    next: Option<usize>,
    /// The exact samples shown from the keyframe on, up to the next one.
    samples: Vec<u64>,
}

/// A keyframe as the scout brought it back.
struct Keyframe {
    decoded: Option<frame::Video>,
    grid: Option<Grid>,
}

/// What was decided about one stretch.
pub(super) struct Verdict {
    /// The samples to hand on, with their times.
    pub wanted: BTreeMap<u64, Duration>,
    /// The decoded keyframe, whether it is wanted or not.
    pub keyframe: Option<frame::Video>,
}

impl Watch {
    pub(super) fn new(
        index: Arc<PacketIndex>,
        order: &DisplayOrder,
        samples: BTreeMap<u64, Duration>,
        scout: Scout,
    ) -> Self {
        let stretches = stretches(&index.packets, order, &samples).into_iter();
        let sizes = Sizes::new(&index.packets);
        let eye = Eye::default();
        Self { index, open: samples, stretches, ahead: None, scout, eye, sizes, last_looked_at: None }
    }

    /// Gives the packet at which the next decision is due.
    pub(super) fn next_entry(&self) -> Option<usize> {
        self.stretches.as_slice().first().map(|stretch| stretch.entry)
    }

    pub(super) fn packets_fed(&self) -> u64 {
        self.scout.packets_fed
    }

    /// Decides about the next stretch; decodes the keyframe at its end, and the first one at its begin.
    pub(super) fn decide(&mut self) -> Option<Verdict> {
        let stretch = self.stretches.next()?;
        let mut keyframe = self.ahead.take();
        let is_active = self.is_too_long(&stretch) || {
            let now = keyframe.get_or_insert_with(|| Keyframe::of(self.scout.keyframe(stretch.entry)));
            self.ahead = stretch.next.map(|entry| Keyframe::of(self.scout.keyframe(entry)));
            self.is_active(&stretch, now.grid.as_ref())
        };
        let mut wanted: BTreeMap<u64, Duration> =
            stretch.samples.iter().filter_map(|&number| self.open.remove_entry(&number)).collect();
        if !is_active {
            let first = wanted.pop_first().filter(|&(_, pts)| self.is_heartbeat_due(pts));
            wanted = first.into_iter().collect();
        }
        self.last_looked_at = wanted.last_key_value().map(|(_, &pts)| pts).or(self.last_looked_at);
        Some(Verdict { wanted, keyframe: keyframe.and_then(|keyframe| keyframe.decoded) })
    }

    /// Tells whether somebody may come and go between the keyframes.
    fn is_too_long(&self, stretch: &Stretch) -> bool {
        let packets = &self.index.packets;
        let ends = match stretch.next {
            Some(next) => packets[next].pts,
            None => packets[stretch.entry..].iter().filter_map(|packet| packet.pts).max(),
        };
        let lasts = ends.zip(packets[stretch.entry].pts).map(|(end, begin)| end.saturating_sub(begin));
        lasts.is_none_or(|ticks| time::duration(ticks, self.scout.time_base()) > LONGEST_UNSEEN)
    }

    /// Says yes where it cannot tell.
    fn is_active(&mut self, stretch: &Stretch, keyframe: Option<&Grid>) -> bool {
        let until = stretch.next.unwrap_or(self.index.packets.len());
        let stands_out = self.sizes.stand_out(&self.index.packets, stretch.entry..until);
        let next = self.ahead.as_ref().map(|ahead| ahead.grid.as_ref());
        let changed = match (keyframe, next) {
            (Some(keyframe), Some(Some(next))) => self.eye.sees_change(keyframe, Some(next)),
            // The last GOP has no keyframe after it.
            (Some(keyframe), None) => self.eye.sees_change(keyframe, None),
            _ => true,
        };
        stands_out || changed
    }

    fn is_heartbeat_due(&self, now: Duration) -> bool {
        self.last_looked_at.is_none_or(|last| now.saturating_sub(last) >= HEARTBEAT)
    }
}

impl Keyframe {
    fn of(decoded: Option<frame::Video>) -> Self {
        let grid = decoded.as_ref().and_then(Grid::of);
        Self { decoded, grid }
    }
}

/// Divides the footage at those keyframes after which an exact sample is shown before the next keyframe.
fn stretches(
    packets: &[IndexedPacket],
    order: &DisplayOrder,
    samples: &BTreeMap<u64, Duration>,
) -> Vec<Stretch> {
    let mut by_entry: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    let mut gop = 0;
    for (index, number) in order.numbers.iter().enumerate() {
        while order.entries.get(gop + 1).is_some_and(|&next| next <= index) {
            gop += 1;
        }
        let Some(number) = number.filter(|number| samples.contains_key(number)) else { continue };
        let is_leading = packets[index].pts < packets[order.entries[gop]].pts;
        let shown_in = if is_leading { gop.saturating_sub(1) } else { gop };
        by_entry.entry(order.entries[shown_in]).or_default().push(number);
    }
    let nexts: Vec<usize> = by_entry.keys().skip(1).copied().collect();
    let nexts = nexts.into_iter().map(Some).chain([None]);
    by_entry.into_iter().zip(nexts).map(|((entry, samples), next)| Stretch { entry, next, samples }).collect()
}
