//! The sizes of the packets between keyframes: where something moves, more must be coded than before.

use std::ops::Range;

use super::coded::Role;
use super::index::IndexedPacket;

/// So many packets on each side say what is usual.
const AROUND: usize = 450;
/// A lasting excess counts, not a single packet's.
const RUN: usize = 5;
/// Fewer packets of a kind say nothing.
const LEAST: usize = 10;
/// The mean of a run must lie so many standard errors above the usual …
const ERRORS: f64 = 6.0;
/// … and so much of the usual size.
const LEAST_EXCESS: f64 = 0.15;

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
            let Some(usual) = usual(&sizes(&packets[around.clone()], kind)) else { return false };
            let sizes = sizes(&packets[stretch.clone()], kind);
            sizes.windows(RUN.min(sizes.len()).max(1)).any(|run| usual.is_exceeded_by(run))
        };
        self.kinds.iter().any(stands_out)
    }
}

impl Usual {
    fn is_exceeded_by(self, run: &[f64]) -> bool {
        let mean = run.iter().sum::<f64>() / run.len() as f64;
        let error = self.deviation / (run.len() as f64).sqrt();
        mean > self.middle + (ERRORS * error).max(LEAST_EXCESS * self.middle)
    }
}

fn kind(packet: &IndexedPacket) -> Option<Kind> {
    match packet.role {
        Role::Empty | Role::Entry => None,
        role => Some((role, packet.temporal_id)),
    }
}

fn sizes(packets: &[IndexedPacket], wanted: Kind) -> Vec<f64> {
    packets
        .iter()
        .filter(|packet| kind(packet) == Some(wanted))
        .map(|packet| f64::from(packet.size))
        .collect()
}

/// Estimates middle and deviation from the smaller packets alone: the larger ones may show what is looked for.
fn usual(sizes: &[f64]) -> Option<Usual> {
    if sizes.len() < LEAST {
        return None;
    }
    let mut sorted = sizes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    // Of a normal distribution, 0.76 deviations lie between these two, and 0.84 from the second to the middle.
    let deviation = (quantile(0.3) - quantile(0.1)) / 0.76;
    Some(Usual { middle: quantile(0.2) + 0.84 * deviation, deviation })
}
