//! The sizes of the packets between keyframes: where something moves, more must be coded than before.

use std::ops::Range;

use super::coded::Role;
use super::index::IndexedPacket;

/// So many packets on each side say what is usual.
const AROUND: usize = 450;
/// A lasting excess counts, not a single packet's.
const RUN: usize = 5;
/// Fewer runs of a kind say nothing.
const LEAST: usize = 10;
/// A run must lie so many deviations above the usual …
const DEVIATIONS: f64 = 7.0;
/// … and so much of the usual size.
const LEAST_EXCESS: f64 = 0.2;

/// Knows which kinds of packets there are.
#[derive(Debug)]
pub(super) struct Sizes {
    kinds: Vec<Kind>,
}

/// Packets that are coded alike.
type Kind = (Role, u8);

#[derive(Debug, Clone, Copy)]
struct Usual {
    middle: f64,
    deviation: f64,
}

impl Sizes {
    pub(super) fn new(packets: &[IndexedPacket]) -> Self {
        let mut kinds: Vec<Kind> = Vec::new();
        for packet in packets {
            if let Some(kind) = kind(packet).filter(|kind| !kinds.contains(kind)) {
                kinds.push(kind);
            }
        }
        Self { kinds }
    }

    /// Tells whether packets within `stretch` are larger than is usual around it.
    pub(super) fn stand_out(&self, packets: &[IndexedPacket], stretch: Range<usize>) -> bool {
        let around = stretch.start.saturating_sub(AROUND)..(stretch.end + AROUND).min(packets.len());
        let stands_out = |&kind: &Kind| {
            let Some(usual) = usual(runs(&packets[around.clone()], kind)) else { return false };
            runs(&packets[stretch.clone()], kind).into_iter().any(|size| usual.is_exceeded_by(size))
        };
        self.kinds.iter().any(stands_out)
    }
}

impl Usual {
    fn is_exceeded_by(self, size: f64) -> bool {
        size > self.middle + (DEVIATIONS * self.deviation).max(LEAST_EXCESS * self.middle)
    }
}

fn kind(packet: &IndexedPacket) -> Option<Kind> {
    match packet.role {
        Role::Empty | Role::Entry => None,
        role => Some((role, packet.temporal_id)),
    }
}

/// Gives the mean size of each run of packets of a kind.
fn runs(packets: &[IndexedPacket], wanted: Kind) -> Vec<f64> {
    let sizes: Vec<f64> = packets
        .iter()
        .filter(|packet| kind(packet) == Some(wanted))
        .map(|packet| f64::from(packet.size))
        .collect();
    let length = RUN.min(sizes.len()).max(1);
    sizes.windows(length).map(|run| run.iter().sum::<f64>() / length as f64).collect()
}

/// Estimates middle and deviation from the smaller runs alone: the larger ones may show what is looked for.
fn usual(mut runs: Vec<f64>) -> Option<Usual> {
    if runs.len() < LEAST {
        return None;
    }
    runs.sort_by(f64::total_cmp);
    let quantile = |share: f64| runs[((runs.len() - 1) as f64 * share) as usize];
    // Of a normal distribution, 1.03 deviations lie between these two, and 0.25 from the second to the middle.
    let deviation = (quantile(0.4) - quantile(0.1)) / 1.03;
    Some(Usual { middle: quantile(0.4) + 0.25 * deviation, deviation })
}
