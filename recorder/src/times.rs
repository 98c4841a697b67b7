//! Decode times. RTP carries only presentation times, in decode order: the n-th frame of a group is decoded
//! at the n-th smallest of the group's presentation times.

use std::time::Duration;

/// Returns the decode time of each frame of a group, strictly rising and all later than `after`.
///
/// Without B-frames they equal the presentation times. Cameras that stamp two frames alike get a tick between
/// them, since equal decode times make players drop one.
pub(crate) fn decode_times(presentation: impl IntoIterator<Item = i64>, after: Option<i64>) -> Vec<i64> {
    let mut times: Vec<i64> = presentation.into_iter().collect();
    times.sort_unstable();
    let mut earliest = after.map_or(i64::MIN, |after| after.saturating_add(1));
    for time in &mut times {
        *time = (*time).max(earliest);
        earliest = time.saturating_add(1);
    }
    times
}

/// Converts a time between units per second, rounding down.
pub(crate) fn rescale(time: i64, from: u32, to: u32) -> i64 {
    let scaled = (i128::from(time) * i128::from(to)).div_euclid(i128::from(from.max(1)));
    i64::try_from(scaled).unwrap_or(if scaled < 0 { i64::MIN } else { i64::MAX })
}

/// Converts a length of time to units per second.
pub(crate) fn ticks(duration: Duration, scale: u32) -> i64 {
    i64::try_from(duration.as_micros() * u128::from(scale) / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn b_frames_are_decoded_at_even_steps() {
        // I0 P3 B1 B2 P6 B4 B5, shown every 3600 ticks
        let shown = [0, 3, 1, 2, 6, 4, 5].map(|n| n * 3600);
        assert_eq!(decode_times(shown, None), [0, 1, 2, 3, 4, 5, 6].map(|n| n * 3600));
    }

    #[test]
    fn times_convert_without_overflow() {
        assert_eq!(rescale(90_000, 90_000, 16_000), 16_000);
        assert_eq!(rescale(-1, 90_000, 16_000), -1);
        assert_eq!(rescale(i64::MAX, 1, u32::MAX), i64::MAX);
    }

    proptest! {
        #[test]
        fn decode_times_rise_and_never_change_the_end(
            shown in prop::collection::vec(0i64..1_000_000, 1..60),
            after in prop::option::of(-5i64..5),
        ) {
            let decoded = decode_times(shown.iter().copied(), after);
            prop_assert_eq!(decoded.len(), shown.len());
            prop_assert!(decoded.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(after.is_none_or(|after| decoded[0] > after));
            let mut sorted = shown.clone();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() == shown.len() && after.is_none_or(|after| after < sorted[0]) {
                prop_assert_eq!(decoded, sorted);
            }
        }
    }
}
