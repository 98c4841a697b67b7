//! The choice: which frames of a file become samples.

use std::num::NonZeroU32;

use config::Sampling;

/// Says which frames are to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Frames 0, `every`, 2 × `every` … are the exact samples.
    pub every: NonZeroU32,
    pub sampling: Sampling,
}

impl Choice {
    /// All of frames 0, `every`, 2 × `every` …
    pub fn exact(every: NonZeroU32) -> Self {
        Self { every, sampling: Sampling::Exact }
    }

    pub(super) fn is_exact_sample(&self, number: u64) -> bool {
        number.is_multiple_of(u64::from(self.every.get()))
    }
}

/// Thins keyframes, given by their numbers in ascending order, until they lie `every` frames apart or more.
pub(super) fn thinned(keyframes: impl Iterator<Item = u64>, every: NonZeroU32) -> impl Iterator<Item = u64> {
    let mut earliest = 0;
    keyframes.filter(move |&number| {
        let is_due = number >= earliest;
        if is_due {
            earliest = number + u64::from(every.get());
        }
        is_due
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_are_thinned_to_the_distance_of_the_samples() {
        let cases: [(&[u64], &[u64]); 3] = [
            (&[0, 12, 24, 36, 48, 60, 72], &[0, 36, 72]),
            (&[0, 250, 500], &[0, 250, 500]),
            (&[0, 29, 30, 59, 60], &[0, 30, 60]),
        ];
        for (keyframes, expected) in cases {
            let kept: Vec<u64> = thinned(keyframes.iter().copied(), NonZeroU32::new(30).unwrap()).collect();
            assert_eq!(kept, expected);
        }
    }
}
