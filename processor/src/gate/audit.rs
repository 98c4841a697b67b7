//! The audit: a sample of the frames that the gate called quiet, looked at to measure what it misses.

use catalog::Object;
use sha2::{Digest, Sha256};

/// Overlap from which on two boxes of one label are the same thing in the same place.
const SAME_PLACE: f32 = 0.4;

/// Picks frames by hash, so that each run over the same file picks the same.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) segment_sha256: String,
    /// 0 to 1.
    pub(crate) share: f64,
}

impl Audit {
    pub(super) fn picks(&self, frame: u64) -> bool {
        let hash = Sha256::new()
            .chain_update("audit")
            .chain_update(&self.segment_sha256)
            .chain_update(frame.to_le_bytes())
            .finalize();
        let number = hash[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        (number as f64) < self.share * 2.0_f64.powi(64)
    }
}

/// Tells whether something of this kind was in the same place.
pub(crate) fn is_in_place(object: &Object, others: &[Object]) -> bool {
    others.iter().any(|other| other.label == object.label && overlap(other.area, object.area) >= SAME_PLACE)
}

/// Intersection over union.
fn overlap(one: [f32; 4], other: [f32; 4]) -> f32 {
    let shared = |axis: usize| {
        let from = one[axis].max(other[axis]);
        let to = (one[axis] + one[axis + 2]).min(other[axis] + other[axis + 2]);
        (to - from).max(0.0)
    };
    let shared = shared(0) * shared(1);
    let both = one[2] * one[3] + other[2] * other[3] - shared;
    if both > 0.0 { shared / both } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(segment: &str, share: f64) -> Vec<u64> {
        let audit = Audit { segment_sha256: segment.to_owned(), share };
        (0..30_000).step_by(30).filter(|&frame| audit.picks(frame)).collect()
    }

    #[test]
    fn the_share_is_picked_the_same_in_each_run_and_another_of_each_segment() {
        let some = picked("ab", 0.1);
        assert!((70..130).contains(&some.len()), "{} of 1000", some.len());
        assert_eq!(picked("ab", 0.1), some);
        assert_ne!(picked("cd", 0.1), some);
        assert!(some.iter().all(|frame| picked("ab", 0.2).contains(frame)));
        assert_eq!((picked("ab", 0.0).len(), picked("ab", 1.0).len()), (0, 1000));
    }

    #[test]
    fn only_the_same_thing_in_the_same_place_is_in_place() {
        let object =
            |label: &str, area| Object { label: label.to_owned(), score: 0.5, area, zones: Vec::new() };
        let car = object("car", [0.2, 0.2, 0.3, 0.2]);
        for (other, expected) in [
            (object("car", [0.21, 0.19, 0.3, 0.2]), true),
            (object("truck", [0.2, 0.2, 0.3, 0.2]), false),
            (object("car", [0.45, 0.2, 0.3, 0.2]), false),
        ] {
            assert_eq!(is_in_place(&car, std::slice::from_ref(&other)), expected, "{other:?}");
        }
    }
}
