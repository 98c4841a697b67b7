//! The plan: which packets must be decoded so that every wanted frame comes out as in a full decode.

use std::ops::Range;

use super::coded::Role;
use super::index::IndexedPacket;
use super::order::DisplayOrder;

/// Says what to do with one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Skip,
    Feed,
    /// Take out what the decoder still holds and forget its references, then feed the packet.
    Restart,
}

/// Holds one GOP and how much of it is needed.
#[derive(Debug, Clone)]
struct Gop {
    packets: Range<usize>,
    /// Packets from here on are not needed.
    until: usize,
    /// No wanted picture, here or among the leading ones of the next GOP, is of a higher layer.
    top_layer: u8,
}

impl Gop {
    fn is_needed_to_its_end(&self) -> bool {
        self.until == self.packets.end
    }
}

/// Plans the decoding of the frames `is_wanted` picks, one step for each packet.
///
/// Per GOP that is the keyframe up to the last wanted picture, without the unwanted pictures nothing is
/// predicted from. Wanted leading pictures of an open GOP take in the GOP before.
pub(super) fn plan(
    packets: &[IndexedPacket],
    order: &DisplayOrder,
    is_wanted: impl Fn(u64) -> bool,
) -> Vec<Step> {
    let wanted: Vec<bool> = order.numbers.iter().map(|number| number.is_some_and(&is_wanted)).collect();
    let gops = needed(packets, &order.entries, &wanted);
    let mut steps = vec![Step::Skip; packets.len()];
    let mut whole_before = false;
    for gop in &gops {
        for index in gop.packets.start..gop.until {
            if wanted[index] || is_predicted_from(&packets[index], gop.top_layer) {
                steps[index] = Step::Feed;
            }
        }
        if gop.until > gop.packets.start && !whole_before {
            steps[gop.packets.start] = Step::Restart;
        }
        whole_before = gop.is_needed_to_its_end();
    }
    steps
}

/// Finds how far each GOP must be decoded.
fn needed(packets: &[IndexedPacket], entries: &[usize], wanted: &[bool]) -> Vec<Gop> {
    let ends = entries.iter().skip(1).copied().chain([packets.len()]);
    let mut gops: Vec<Gop> = Vec::with_capacity(entries.len());
    for (&start, end) in entries.iter().zip(ends) {
        let wanted_here: Vec<usize> = (start..end).filter(|&index| wanted[index]).collect();
        let top_layer = wanted_here.iter().map(|&index| packets[index].temporal_id).max().unwrap_or(0);
        let until = wanted_here.last().map_or(start, |last| last + 1);
        let has_leading = wanted_here.iter().any(|&index| packets[index].pts < packets[start].pts);
        if let Some(before) = gops.last_mut().filter(|_| has_leading) {
            before.until = before.packets.end;
            before.top_layer = before.top_layer.max(top_layer);
        }
        gops.push(Gop { packets: start..end, until, top_layer });
    }
    gops
}

/// Tells whether a picture of `top_layer` or below may need this packet.
fn is_predicted_from(packet: &IndexedPacket, top_layer: u8) -> bool {
    match packet.role {
        Role::Empty | Role::Entry => true,
        Role::Reference => packet.temporal_id <= top_layer,
        Role::Disposable => packet.temporal_id < top_layer,
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Feed, Restart, Skip};
    use super::*;

    /// One letter per packet in decoding order, with its time: `I` keyframe, `P` reference, `b` disposable.
    fn packets(text: &str) -> Vec<IndexedPacket> {
        let packet = |word: &str| {
            let (letter, pts) = word.split_at(1);
            let role = match letter {
                "I" => Role::Entry,
                "P" => Role::Reference,
                _ => Role::Disposable,
            };
            let pts = Some(pts.parse().unwrap());
            IndexedPacket {
                pts,
                duration: 1,
                size: 1,
                role,
                temporal_id: 0,
                parameter_sets: None,
                hidden: false,
            }
        };
        text.split(' ').map(packet).collect()
    }

    fn planned(text: &str, wanted: &[u64]) -> Vec<Step> {
        let packets = packets(text);
        let order = DisplayOrder::of(&packets).unwrap();
        plan(&packets, &order, |number| wanted.contains(&number))
    }

    #[test]
    fn skips_gops_without_a_sample_and_what_follows_the_last_one() {
        let steps = planned("I0 P1 P2 I3 P4 P5 I6 P7 P8", &[1, 7]);
        assert_eq!(steps, [Restart, Feed, Skip, Skip, Skip, Skip, Restart, Feed, Skip]);
    }

    #[test]
    fn leaves_out_unwanted_pictures_that_nothing_needs() {
        let steps = planned("I0 P3 b1 b2 P6 b4 b5", &[2, 6]);
        assert_eq!(steps, [Restart, Feed, Skip, Feed, Feed, Skip, Skip]);
    }

    #[test]
    fn neighbouring_gops_that_are_needed_whole_are_not_torn_apart() {
        let steps = planned("I0 P1 P2 I3 P4 P5", &[2, 4]);
        assert_eq!(steps, [Restart, Feed, Feed, Feed, Feed, Skip]);
    }

    #[test]
    fn a_wanted_leading_picture_takes_in_the_gop_before() {
        let steps = planned("I0 P3 b1 b2 I6 b4 b5 P9 b7 b8", &[4]);
        assert_eq!(steps, [Restart, Feed, Skip, Skip, Feed, Feed, Skip, Skip, Skip, Skip]);
    }

    #[test]
    fn higher_layers_are_needed_only_by_their_own() {
        let mut packets = packets("I0 P4 P2 b1 b3");
        for (packet, layer) in packets.iter_mut().zip([0, 0, 1, 2, 2]) {
            packet.temporal_id = layer;
        }
        let order = DisplayOrder::of(&packets).unwrap();
        let only = |wanted: u64| plan(&packets, &order, |number| number == wanted);
        assert_eq!(only(4), [Restart, Feed, Skip, Skip, Skip]);
        assert_eq!(only(2), [Restart, Feed, Feed, Skip, Skip]);
        assert_eq!(only(3), [Restart, Feed, Feed, Skip, Feed]);
    }
}
