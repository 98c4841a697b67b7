//! The order of display: which frame of a full decode each packet becomes.

use super::coded::Role;
use super::doubt::Doubt;
use super::index::IndexedPacket;

/// No codec reorders by more than its 16 reference pictures; twice that is a jump in time.
const MOST_REORDERING: usize = 32;

/// Numbers the shown pictures and knows where decoding may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DisplayOrder {
    /// The frame number of each packet, in decoding order; `None` where no frame comes of it.
    pub numbers: Vec<Option<u64>>,
    /// The packets at which decoding may start, ascending; the first holds the first picture.
    pub entries: Vec<usize>,
    /// By how many pictures decoding runs ahead of display at most.
    pub reorder: usize,
}

impl DisplayOrder {
    /// Works out the order, or says what makes it uncertain.
    ///
    /// Frames are numbered by presentation time among the pictures a full decode shows: not those an
    /// edit list hides, and not the leading pictures of the first GOP, whose references are missing.
    pub(super) fn of(packets: &[IndexedPacket]) -> Result<Self, Doubt> {
        let first = packets.iter().position(|packet| packet.role != Role::Empty);
        let Some(first) = first else {
            return Ok(Self { numbers: vec![None; packets.len()], entries: Vec::new(), reorder: 0 });
        };
        if packets[first].role != Role::Entry {
            return Err(Doubt::StartsInMidGop);
        }
        let entries = entries(packets);
        check_times(packets, &entries)?;
        let shown = shown(packets, first);
        let (numbers, reorder) = rank(packets, &shown)?;
        Ok(Self { numbers, entries, reorder })
    }

    /// Counts the frames a full decode gives.
    pub(super) fn frames(&self) -> u64 {
        self.numbers.iter().flatten().max().map_or(0, |last| last + 1)
    }
}

/// Lists where decoding may start. A keyframe that relies on parameter sets changed on the way is none,
/// unless it repeats them: the packet that brought them might be skipped.
fn entries(packets: &[IndexedPacket]) -> Vec<usize> {
    let mut first_sets = None;
    let mut changed = false;
    let mut entries = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        if let Some(sets) = packet.parameter_sets {
            changed |= *first_sets.get_or_insert(sets) != sets;
        }
        if packet.role == Role::Entry && (!changed || packet.parameter_sets.is_some()) {
            entries.push(index);
        }
    }
    entries
}

/// Checks that each GOP follows the one before in display, but for leading pictures of its own.
fn check_times(packets: &[IndexedPacket], entries: &[usize]) -> Result<(), Doubt> {
    let mut latest = i64::MIN;
    let mut earliest_allowed = i64::MIN;
    let mut entry_time = i64::MIN;
    let mut next_entry = entries.iter().peekable();
    for (index, packet) in packets.iter().enumerate() {
        if packet.role == Role::Empty {
            continue;
        }
        let time = packet.pts.ok_or(Doubt::NoTimes)?;
        if next_entry.next_if(|&&entry| entry == index).is_some() {
            if time <= latest {
                return Err(Doubt::Disordered);
            }
            earliest_allowed = entry_time;
            entry_time = time;
        }
        if time < earliest_allowed {
            return Err(Doubt::Disordered);
        }
        latest = latest.max(time);
    }
    Ok(())
}

/// Lists the packets whose pictures a full decode shows.
fn shown(packets: &[IndexedPacket], first: usize) -> Vec<usize> {
    let start = packets[first].pts;
    let mut in_first_gop = true;
    let mut shown = Vec::with_capacity(packets.len());
    for (index, packet) in packets.iter().enumerate() {
        in_first_gop &= index <= first || packet.role != Role::Entry;
        let is_undecodable = in_first_gop && packet.pts < start;
        if packet.role != Role::Empty && !packet.hidden && !is_undecodable {
            shown.push(index);
        }
    }
    shown
}

/// Numbers the shown packets by time and measures how far decoding runs ahead.
fn rank(packets: &[IndexedPacket], shown: &[usize]) -> Result<(Vec<Option<u64>>, usize), Doubt> {
    let mut by_time: Vec<(usize, usize)> = shown.iter().copied().enumerate().collect();
    by_time.sort_by_key(|&(_, index)| packets[index].pts);
    if by_time.windows(2).any(|pair| packets[pair[0].1].pts == packets[pair[1].1].pts) {
        return Err(Doubt::EqualTimes);
    }
    let mut numbers = vec![None; packets.len()];
    let mut reorder = 0;
    for (number, &(decoded, index)) in by_time.iter().enumerate() {
        if decoded.abs_diff(number) > MOST_REORDERING {
            return Err(Doubt::Disordered);
        }
        reorder = reorder.max(decoded.saturating_sub(number));
        numbers[index] = Some(number as u64);
    }
    Ok((numbers, reorder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(role: Role, pts: impl Into<Option<i64>>) -> IndexedPacket {
        let pts = pts.into();
        IndexedPacket { pts, duration: 1, size: 1, role, temporal_id: 0, parameter_sets: None, hidden: false }
    }

    fn gop(times: &[i64]) -> Vec<IndexedPacket> {
        let role = |index| if index == 0 { Role::Entry } else { Role::Reference };
        times.iter().enumerate().map(|(index, &time)| packet(role(index), time)).collect()
    }

    #[test]
    fn numbers_pictures_by_the_time_they_are_shown() {
        let order = DisplayOrder::of(&[gop(&[0, 30, 10, 20]), gop(&[40, 50])].concat()).unwrap();
        assert_eq!(order.numbers, [0, 3, 1, 2, 4, 5].map(Some));
        assert_eq!((order.entries, order.reorder), (vec![0, 4], 1));
    }

    #[test]
    fn leading_pictures_of_the_first_gop_become_no_frames() {
        let order = DisplayOrder::of(&[gop(&[20, 0, 10, 30]), gop(&[50, 40])].concat()).unwrap();
        assert_eq!(order.numbers, [Some(0), None, None, Some(1), Some(3), Some(2)]);
        assert_eq!(order.frames(), 4);
    }

    #[test]
    fn hidden_and_empty_packets_become_no_frames() {
        let mut packets = gop(&[0, 10, 20]);
        packets[1].hidden = true;
        packets.push(packet(Role::Empty, None));
        assert_eq!(DisplayOrder::of(&packets).unwrap().numbers, [Some(0), None, Some(1), None]);
    }

    #[test]
    fn a_keyframe_after_changed_parameter_sets_is_an_entry_only_with_its_own() {
        let mut packets = [gop(&[0, 1]), gop(&[2, 3]), gop(&[4, 5])].concat();
        packets[0].parameter_sets = Some(1);
        packets[2].parameter_sets = Some(2);
        assert_eq!(DisplayOrder::of(&packets).unwrap().entries, [0, 2]);
    }

    #[test]
    fn doubts_what_it_cannot_number_with_certainty() {
        let cases = [
            (gop(&[0, 10, 10]), Doubt::EqualTimes),
            ([gop(&[0, 30]), gop(&[20, 40])].concat(), Doubt::Disordered),
            ([gop(&[0, 10]), gop(&[20, 5, -5])].concat(), Doubt::Disordered),
            (vec![packet(Role::Entry, 0), packet(Role::Reference, None)], Doubt::NoTimes),
            (vec![packet(Role::Reference, 0)], Doubt::StartsInMidGop),
        ];
        for (packets, doubt) in cases {
            assert_eq!(DisplayOrder::of(&packets), Err(doubt));
        }
    }
}
