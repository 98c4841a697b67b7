//! The start time that a file's name tells: nightreel's own names and those of other recorders.

use std::path::Path;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Reads the start from a name such as `segment_20261122_115442.mp4`, `…_023000+0200.mp4`,
/// `2026-11-22_11-54-42.mkv`, `RLC_20261122T115442Z.mp4` or `gate-20261122115442.ts`. Without an offset in
/// the name the time is of `zone`: where it occurs twice, the first; where it does not exist, none.
pub fn start_from_name(path: &Path, zone: Tz) -> Option<DateTime<Utc>> {
    let stem = path.file_stem()?.to_str()?;
    (0..stem.len()).filter(|&at| starts_a_number(stem, at)).find_map(|at| {
        let (time, rest) = date_and_time(&stem[at..])?;
        match offset(rest) {
            Some(offset) => offset.from_local_datetime(&time).single().map(|t| t.to_utc()),
            None => zone.from_local_datetime(&time).earliest().map(|t| t.to_utc()),
        }
    })
}

fn starts_a_number(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit())
}

/// Takes `YYYY?MM?DD?HH?MM?SS` with one separator or none between the fields, and returns what follows.
fn date_and_time(text: &str) -> Option<(NaiveDateTime, &str)> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let mut field = || {
        rest = rest.strip_prefix(['-', '_', '.', ' ', 'T', ':']).unwrap_or(rest);
        digits(&mut rest, 2)
    };
    let (month, day, hour, minute, second) = (field()?, field()?, field()?, field()?, field()?);
    let plausible = (1990..2200).contains(&year) && !rest.starts_with(|c: char| c.is_ascii_digit());
    let time =
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_hms_opt(hour, minute, second)?;
    plausible.then_some((time, rest))
}

fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let head = rest.get(..count)?;
    let number = head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())??;
    *rest = &rest[count..];
    Some(number)
}

/// `Z`, `+0200`, `-0330`: but `-` only with exactly four digits after it, since it also parts other words.
fn offset(rest: &str) -> Option<FixedOffset> {
    if rest.starts_with('Z') {
        return FixedOffset::east_opt(0);
    }
    let sign = match rest.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let mut rest = &rest[1..];
    let (hours, minutes) = (digits(&mut rest, 2)?, digits(&mut rest, 2)?);
    let ends = !rest.starts_with(|c: char| c.is_ascii_digit());
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (ends && hours <= 14 && minutes < 60).then(|| FixedOffset::east_opt(sign * seconds))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_of_many_recorders() {
        let berlin = chrono_tz::Europe::Berlin;
        let cases = [
            ("segment_20261122_115442.mp4", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("segment_20261122_115442_2.mp4", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("segment_20261122_115442.mp4", berlin, "2026-11-22T10:54:42Z"),
            ("segment_20261025_023000+0200.mp4", berlin, "2026-10-25T00:30:00Z"),
            ("segment_20261025_023000+0100_2.mp4", berlin, "2026-10-25T01:30:00Z"),
            ("2026-11-22_11-54-42.mkv", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("RLC-811A_20261122T115442Z.mp4", berlin, "2026-11-22T11:54:42Z"),
            ("gate-20261122115442.ts", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("cam01_00_20261122115442.mp4", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("2026-11-22 11:54:42.avi", Tz::UTC, "2026-11-22T11:54:42Z"),
            ("20261122_115442-gate.mov", Tz::UTC, "2026-11-22T11:54:42Z"),
        ];
        for (name, zone, expected) in cases {
            let expected: DateTime<Utc> = expected.parse().unwrap();
            assert_eq!(start_from_name(Path::new(name), zone), Some(expected), "{name}");
        }
    }

    #[test]
    fn names_without_a_time_tell_none() {
        let berlin = chrono_tz::Europe::Berlin;
        let names = [
            "vtest.avi",
            "clip_20261399_115442.mp4",
            "20261122.mp4",
            "clip_20261122_1154.mp4",
            "123456789012345678.mp4",
            // The hour that does not exist.
            "segment_20260329_023000.mp4",
            "ä20.mp4",
        ];
        for name in names {
            assert_eq!(start_from_name(Path::new(name), berlin), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_panic(name in "\\PC{0,40}") {
            let _ = start_from_name(Path::new(&name), Tz::UTC);
        }
    }
}
