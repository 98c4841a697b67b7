//! Ticks of a track's time base as time on the presentation time line.

use std::time::Duration;

use ffmpeg_the_third::Rational;

/// Converts ticks to time, to the nanosecond; negative ones and broken time bases give zero.
pub(super) fn duration(ticks: i64, time_base: Rational) -> Duration {
    let numerator = i128::from(ticks) * i128::from(time_base.numerator()) * 1_000_000_000;
    let nanoseconds = match i128::from(time_base.denominator()) {
        0 => 0,
        denominator => numerator / denominator,
    };
    Duration::from_nanos(u64::try_from(nanoseconds.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_ticks_without_losing_precision() {
        assert_eq!(duration(90_000, Rational::new(1, 90_000)), Duration::from_secs(1));
        assert_eq!(duration(3, Rational::new(1001, 30_000)), Duration::from_nanos(100_100_000));
        assert_eq!(duration(-5, Rational::new(1, 10)), Duration::ZERO);
        assert_eq!(duration(5, Rational::new(1, 0)), Duration::ZERO);
        assert_eq!(duration(i64::MAX, Rational::new(1000, 1)), Duration::from_nanos(u64::MAX));
    }
}
