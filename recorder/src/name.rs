//! Names of segments and pictures: the second of the first frame, and a number where that is taken.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Of every name here.
pub(crate) const BEGINS: &str = "segment_";

/// Of a file that still grows.
pub(crate) const PARTIAL: &str = "partial";

/// Returns `segment_YYYYMMDD_HHMMSS.mp4`, then `…_2.mp4`, `…_3.mp4` without end.
pub(crate) fn candidates(start: DateTime<Utc>, zone: Tz) -> impl Iterator<Item = String> {
    numbered(format!("{BEGINS}{}", second(start, zone)), "mp4")
}

/// Returns `YYYYMMDD_HHMMSS.jpg`, then `…_2.jpg`, `…_3.jpg` without end.
pub(crate) fn picture_candidates(taken: DateTime<Utc>, zone: Tz) -> impl Iterator<Item = String> {
    numbered(second(taken, zone), "jpg")
}

fn numbered(stem: String, extension: &'static str) -> impl Iterator<Item = String> {
    let first = std::iter::once(format!("{stem}.{extension}"));
    first.chain((2u64..).map(move |number| format!("{stem}_{number}.{extension}")))
}

/// In an hour that the zone's clocks pass twice, both passes carry their offset (`…_023000+0200.mp4`), so that
/// neither looks like the other.
fn second(time: DateTime<Utc>, zone: Tz) -> String {
    let local = time.with_timezone(&zone);
    let is_passed_twice = zone.from_local_datetime(&local.naive_local()).single().is_none();
    let name = local.format("%Y%m%d_%H%M%S").to_string();
    if is_passed_twice {
        let minutes = local.offset().fix().local_minus_utc() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{name}{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn first(start: &str, zone: Tz) -> String {
        candidates(start.parse().unwrap(), zone).next().unwrap()
    }

    #[test]
    fn what_waits_to_be_sent_is_told_by_the_names_that_are_given_here() {
        for taken in ["2026-11-22T11:54:42Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            for name in picture_candidates(taken.parse().unwrap(), chrono_tz::Europe::Berlin).take(12) {
                assert!(catalog::pictures::is_picture(&name), "{name}");
            }
        }
    }

    #[test]
    fn names_tell_the_second_in_the_zone() {
        let (utc, berlin) = (Tz::UTC, chrono_tz::Europe::Berlin);
        let cases = [
            ("2026-11-22T11:54:42.900Z", utc, "segment_20261122_115442.mp4"),
            ("2026-11-22T11:54:42Z", berlin, "segment_20261122_125442.mp4"),
            ("2026-10-25T00:30:00Z", berlin, "segment_20261025_023000+0200.mp4"),
            ("2026-10-25T01:30:00Z", berlin, "segment_20261025_023000+0100.mp4"),
            ("2026-10-25T02:00:00Z", berlin, "segment_20261025_030000.mp4"),
            ("2026-03-29T01:00:00Z", berlin, "segment_20260329_030000.mp4"),
            ("2026-11-01T06:30:00Z", chrono_tz::America::New_York, "segment_20261101_013000-0500.mp4"),
        ];
        for (start, zone, name) in cases {
            assert_eq!(first(start, zone), name, "{start}");
        }
    }

    #[test]
    fn a_taken_name_gets_the_next_number() {
        let names: Vec<String> =
            candidates("2026-11-22T11:54:42Z".parse().unwrap(), Tz::UTC).take(3).collect();
        assert_eq!(
            names,
            ["segment_20261122_115442.mp4", "segment_20261122_115442_2.mp4", "segment_20261122_115442_3.mp4"]
        );
        let berlin = chrono_tz::Europe::Berlin;
        let pictures = picture_candidates("2026-10-25T00:30:00Z".parse().unwrap(), berlin);
        assert_eq!(
            pictures.take(2).collect::<Vec<_>>(),
            ["20261025_023000+0200.jpg", "20261025_023000+0200_2.jpg"]
        );
    }

    proptest! {
        /// All of 2026, with both changes of the clocks, read back by the catalogue's own parser.
        #[test]
        fn the_catalogue_reads_the_same_second_back(
            second in 1_767_225_600i64..1_798_761_600,
            zone in prop::sample::select(vec![
                Tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe,
            ]),
        ) {
            let start = DateTime::from_timestamp(second, 0).unwrap();
            let name = candidates(start, zone).next().unwrap();
            prop_assert_eq!(catalog::start_from_name(Path::new(&name), zone), Some(start));
        }
    }
}
