//! Arrivals: packets of a running stream between the thread that reads and the one that decodes.
//!
//! What is not decoded in time is passed over up to the next keyframe, so that the pictures are never long behind.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

/// A packet that waits for longer makes all that wait pass over.
const MOST_BEHIND: TimeDelta = TimeDelta::seconds(1);
/// Of packets that wait. A second of the largest cameras takes a tenth of it.
const MOST_BYTES: usize = 32 << 20;

/// A packet, when it came, and which it is.
#[derive(Debug)]
pub(super) struct Arrival<P> {
    pub(super) packet: P,
    pub(super) received: DateTime<Utc>,
    /// Counts all packets from the first keyframe on, passed over or not.
    pub(super) number: u64,
    bytes: usize,
}

/// What decides whether a packet waits or is passed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) is_keyframe: bool,
    pub(super) bytes: usize,
    pub(super) received: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Arrivals<P> {
    waiting: VecDeque<Arrival<P>>,
    bytes: usize,
    next: u64,
    has_begun: bool,
    /// Until the next keyframe.
    is_passing_over: bool,
}

impl<P> Arrivals<P> {
    /// Begins to count at `first`.
    pub(super) fn from(first: u64) -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, next: first, has_begun: false, is_passing_over: true }
    }

    pub(super) fn put(&mut self, packet: P, facts: Facts) {
        self.has_begun |= facts.is_keyframe;
        if !self.has_begun {
            return;
        }
        let number = self.next;
        self.next += 1;
        if self.is_too_far_behind(facts) {
            self.waiting.clear();
            self.bytes = 0;
            self.is_passing_over = true;
        }
        self.is_passing_over &= !facts.is_keyframe;
        if !self.is_passing_over {
            self.bytes += facts.bytes;
            self.waiting.push_back(Arrival { packet, received: facts.received, number, bytes: facts.bytes });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn take(&mut self) -> Option<Arrival<P>> {
        let arrival = self.waiting.pop_front()?;
        self.bytes -= arrival.bytes;
        Some(arrival)
    }

    fn is_too_far_behind(&self, facts: Facts) -> bool {
        let oldest = self.waiting.front();
        let is_old = oldest.is_some_and(|oldest| facts.received - oldest.received > MOST_BEHIND);
        is_old || self.bytes + facts.bytes > MOST_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts packets of 100 ms each with a keyframe each second, and takes `taken` of them after each.
    fn numbers(packets: u64, taken: impl Fn(u64) -> usize) -> Vec<u64> {
        let mut arrivals = Arrivals::from(0);
        let mut numbers = Vec::new();
        for packet in 0..packets {
            let received = DateTime::from_timestamp_millis(100 * packet as i64).unwrap();
            let is_keyframe = packet % 10 == 0;
            arrivals.put((), Facts { is_keyframe, bytes: 1000, received });
            numbers.extend((0..taken(packet)).map_while(|_| arrivals.take()).map(|arrival| arrival.number));
        }
        numbers
    }

    #[test]
    fn who_keeps_up_gets_every_packet() {
        assert_eq!(numbers(50, |_| 1), (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn who_falls_behind_goes_on_at_a_keyframe_and_is_never_far_behind() {
        // nothing is taken for three seconds
        let numbers = numbers(50, |packet| if (5..35).contains(&packet) { 0 } else { 20 });
        let after = numbers.iter().position(|&number| number > 4).unwrap();
        assert_eq!(numbers[..after], [0, 1, 2, 3, 4]);
        assert!(numbers[after].is_multiple_of(10) && numbers[after] >= 20, "{numbers:?}");
        assert_eq!(numbers[after..], (numbers[after]..50).collect::<Vec<_>>());
    }

    #[test]
    fn who_is_always_too_slow_gets_whole_beginnings_of_gops() {
        let numbers = numbers(200, |packet| usize::from(packet % 2 == 0));
        for pair in numbers.windows(2) {
            assert!(pair[1] == pair[0] + 1 || pair[1].is_multiple_of(10), "{pair:?}");
        }
        assert!(numbers.len() > 50);
    }

    #[test]
    fn nothing_waits_before_the_first_keyframe_nor_without_bound() {
        let received = DateTime::from_timestamp_millis(0).unwrap();
        let facts = |is_keyframe, bytes| Facts { is_keyframe, bytes, received };
        let mut arrivals = Arrivals::from(30);
        arrivals.put("cut off", facts(false, 10));
        assert!(arrivals.take().is_none());
        arrivals.put("key", facts(true, MOST_BYTES));
        arrivals.put("more", facts(false, 10));
        assert!(arrivals.take().is_none(), "too many bytes");
        arrivals.put("key", facts(true, 10));
        assert_eq!(arrivals.take().map(|arrival| (arrival.packet, arrival.number)), Some(("key", 32)));
    }
}
