//! The camera's own clock, as its sender reports tell it (RFC 3550, 6.4.1): used for the times of frames where it
//! can be trusted, since it knows nothing of the network's delays.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use crate::times::rescale;

/// So many reports in a row have to agree.
const REPORTS: usize = 3;

/// Reports that agree differ by less. Cameras stamp them when they get round to it.
const AGREE: TimeDelta = TimeDelta::milliseconds(200);

/// A camera's clock that is further from the system's is not set: many begin in 1970 at each start.
const NEAR: TimeDelta = TimeDelta::seconds(10);

/// One report: a stamp of the picture, and the time that it stands for by the camera's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SenderReport {
    pub(crate) stamp: i64,
    pub(crate) camera_time: DateTime<Utc>,
}

/// What the reports of one session say.
#[derive(Debug)]
pub(crate) struct SenderClock {
    /// Of the stamps, in ticks per second.
    scale: u32,
    /// The newest reports, each as the time of stamp 0.
    zeros: VecDeque<DateTime<Utc>>,
    newest: Option<SenderReport>,
}

impl SenderClock {
    pub(crate) fn new(scale: u32) -> Self {
        Self { scale, zeros: VecDeque::with_capacity(REPORTS), newest: None }
    }

    pub(crate) fn scale(&self) -> u32 {
        self.scale
    }

    /// Takes a report that was received at `received` by the system's clock. One that disagrees with those before
    /// it makes the trust begin anew.
    pub(crate) fn take(&mut self, report: SenderReport, received: DateTime<Utc>) {
        let Some(zero) = report.camera_time.checked_sub_signed(self.since_zero(report.stamp)) else { return };
        let runs_on = self
            .newest
            .is_none_or(|newest| report.camera_time > newest.camera_time && report.stamp > newest.stamp);
        let agrees = self.zeros.iter().all(|other| (*other - zero).abs() <= AGREE);
        if !runs_on || !agrees || (report.camera_time - received).abs() > NEAR {
            self.zeros.clear();
        }
        if (report.camera_time - received).abs() <= NEAR {
            self.zeros.truncate(REPORTS - 1);
            self.zeros.push_front(zero);
        }
        self.newest = Some(report);
    }

    /// Returns the time of a frame by the camera's clock, where that is to be trusted. `received` is the time at
    /// which it came by the system's clock, which may have been set, as the camera's stamps may have jumped.
    pub(crate) fn time_of(&self, stamp: i64, received: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.zeros.len() < REPORTS {
            return None;
        }
        let mut zeros: Vec<DateTime<Utc>> = self.zeros.iter().copied().collect();
        zeros.sort_unstable();
        let time = zeros[REPORTS / 2].checked_add_signed(self.since_zero(stamp))?;
        Some(time).filter(|time| (*time - received).abs() <= NEAR)
    }

    fn since_zero(&self, stamp: i64) -> TimeDelta {
        TimeDelta::microseconds(rescale(stamp, self.scale, 1_000_000))
    }
}

/// Reads the 64 bits of an NTP timestamp (RFC 5905, 6): seconds since 1900, or since 2036 where the first bit is
/// not set, and a binary fraction.
pub(crate) fn ntp_time(ntp: u64) -> Option<DateTime<Utc>> {
    const FROM_1900_TO_1970: i64 = 2_208_988_800;
    let (seconds, fraction) = ((ntp >> 32) as u32, ntp & 0xffff_ffff);
    let era = if seconds >> 31 == 0 { 1 << 32 } else { 0 };
    let nanoseconds = (fraction * 1_000_000_000) >> 32;
    DateTime::from_timestamp(i64::from(seconds) + era - FROM_1900_TO_1970, u32::try_from(nanoseconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: u32 = 90_000;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_764_000_000_000 + ms).unwrap()
    }

    fn report(ms: i64, camera_ahead_ms: i64) -> SenderReport {
        SenderReport { stamp: ms * 90, camera_time: at(ms + camera_ahead_ms) }
    }

    /// Takes reports of these seconds, each ahead of the system's clock by so many milliseconds.
    fn after(reports: &[(i64, i64)]) -> SenderClock {
        let mut clock = SenderClock::new(SCALE);
        for &(second, ahead) in reports {
            clock.take(report(second * 1000, ahead), at(second * 1000 + 50));
        }
        clock
    }

    fn ahead_at(clock: &SenderClock, ms: i64) -> Option<i64> {
        clock.time_of(ms * 90, at(ms)).map(|time| (time - at(ms)).num_milliseconds())
    }

    #[test]
    fn a_clock_is_trusted_after_three_reports_that_agree() {
        type Reports = &'static [(i64, i64)];
        let cases: [(Reports, Option<i64>); 8] = [
            (&[(0, -80), (5, -80)], None),
            (&[(0, -80), (5, -80), (10, -80)], Some(-80)),
            (&[(0, -80), (5, -20), (10, -150)], Some(-80)),
            (&[(0, 4000), (5, 4000), (10, 4001), (15, 4001)], Some(4001)),
            // set to another time, and not yet sure again
            (&[(0, 0), (5, 0), (10, 0), (15, 3000), (20, 3000)], None),
            (&[(0, 0), (5, 0), (10, 0), (15, 3000), (20, 3000), (25, 3000)], Some(3000)),
            // never set
            (&[(0, -1_700_000_000_000), (5, -1_700_000_000_000), (10, -1_700_000_000_000)], None),
            // stands still
            (&[(0, 0), (5, -5000), (10, -10_000)], None),
        ];
        for (reports, expected) in cases {
            assert_eq!(ahead_at(&after(reports), 20_000), expected, "{reports:?}");
        }
    }

    #[test]
    fn a_clock_that_drifts_is_followed() {
        let reports: Vec<(i64, i64)> = (0..2000).map(|n| (n * 5, n / 4)).collect();
        let ahead = ahead_at(&after(&reports), 9_995_000).unwrap();
        assert!((498..=500).contains(&ahead), "{ahead}");
    }

    #[test]
    fn neither_a_jump_of_stamps_nor_a_step_of_the_systems_clock_is_believed() {
        let clock = after(&[(0, 0), (5, 0), (10, 0)]);
        assert_eq!(clock.time_of(3_600_000 * 90, at(20_000)), None);
        assert_eq!(clock.time_of(20_000 * 90, at(3_620_000)), None);
        assert!(clock.time_of(20_000 * 90, at(20_000)).is_some());
        assert_eq!(clock.time_of(i64::MAX, at(0)), None);
    }

    #[test]
    fn ntp_times_are_read_in_both_eras() {
        assert_eq!(ntp_time(0x83aa_7e80_8000_0000), DateTime::from_timestamp_millis(500));
        assert_eq!(ntp_time(0), Some("2036-02-07T06:28:16Z".parse().unwrap()));
        assert_eq!(ntp_time(0xffff_ffff_ffff_ffff).unwrap().to_rfc3339()[..19], *"2036-02-07T06:28:15");
    }
}
