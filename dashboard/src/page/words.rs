//! Numbers and times as people read them, in a zone.

use catalog::{Segment, SegmentState};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what RFC 3986 leaves alone in a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, PART).to_string()
}

pub(crate) fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%H:%M:%S").to_string()
}

pub(crate) fn date_and_clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b %Y, %H:%M:%S").to_string()
}

pub(crate) fn long_date(date: NaiveDate) -> String {
    date.format("%A, %-d %B %Y").to_string()
}

/// As addresses and machines have it.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(crate) fn length(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut amount, mut unit) = (bytes as f64, 0);
    while amount >= 1000.0 && unit + 1 < units.len() {
        amount /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", units[unit]) }
}

/// Writes `3 events`, `1 event`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

pub(crate) fn play_address(camera: &str, at: DateTime<Utc>) -> String {
    format!("/play/{}?at={}", encoded(camera), encoded(&instant(at)))
}

/// Returns where a segment's file is served; none where it is gone, lies elsewhere or was given up.
pub(crate) fn media_address(segment: &Segment) -> Option<String> {
    let is_there = matches!(segment.state, SegmentState::Ready | SegmentState::Processed);
    let parts = segment.path.to_str().filter(|path| is_there && !path.starts_with('/'))?;
    Some(format!("/media/{}", parts.split('/').map(encoded).collect::<Vec<_>>().join("/")))
}

/// Tells the measured rate of what the gate missed, with the interval it lies in.
pub(crate) fn missed(rate: Option<f64>, interval: Option<[f64; 2]>) -> String {
    let Some((rate, [low, high])) = rate.zip(interval) else { return String::new() };
    format!(" ({:.1} %, between {:.1} and {:.1} %)", 100.0 * rate, 100.0 * low, 100.0 * high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        let lengths = [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min"), (-5, "0 s")];
        for (seconds, text) in lengths {
            assert_eq!(length(TimeDelta::seconds(seconds)), text);
        }
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000_000, "2.5 GB")] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!((count(1, "event"), count(2, "event")), ("1 event".to_owned(), "2 events".to_owned()));
    }

    #[test]
    fn no_name_breaks_out_of_an_address() {
        assert_eq!(encoded("a/b\"<script>?&é"), "a%2Fb%22%3Cscript%3E%3F%26%C3%A9");
    }
}
