//! Times as people type them: an instant, a day, a time of day, `yesterday 22:00`, or so long ago.

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// What `--from` and `--to` take, for their help.
pub(crate) const FORMS: &str =
    "2026-11-22, 2026-11-22T22:00, today, `yesterday 22:00`, 22:00, or 2h for two hours ago";

/// Which end of a day is meant where only the day is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    From,
    To,
}

/// Says what the words mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) now: DateTime<Utc>,
    pub(crate) zone: Tz,
}

impl When {
    /// Reads the two ends of a span of time.
    pub(crate) fn span(
        self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> anyhow::Result<[Option<DateTime<Utc>>; 2]> {
        let read = |text: Option<&str>, end| text.map(|text| self.read(text, end)).transpose();
        Ok([read(from, End::From)?, read(to, End::To)?])
    }

    fn read(self, text: &str, end: End) -> anyhow::Result<DateTime<Utc>> {
        let text = text.trim();
        let found = self.instant(text).or_else(|| self.ago(text)).or_else(|| self.day_and_time(text, end));
        found.with_context(|| format!("`{text}` is no time; write {FORMS}"))
    }

    fn instant(self, text: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
    }

    /// `90s`, `15m` or `15min`, `2h`, `3d`.
    fn ago(self, text: &str) -> Option<DateTime<Utc>> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let seconds = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let ago = TimeDelta::try_seconds(number.parse::<i64>().ok()?.checked_mul(seconds)?)?;
        self.now.checked_sub_signed(ago)
    }

    fn day_and_time(self, text: &str, end: End) -> Option<DateTime<Utc>> {
        if text == "now" {
            return Some(self.now);
        }
        let today = self.now.with_timezone(&self.zone).date_naive();
        if let Some(time) = time_of_day(text) {
            return self.local(today.and_time(time));
        }
        if let Some(day) = day(text, today) {
            let day = if end == End::To { day.succ_opt()? } else { day };
            return self.local(day.and_time(NaiveTime::MIN));
        }
        let (day_text, time) = text.split_once([' ', 'T'])?;
        self.local(day(day_text, today)?.and_time(time_of_day(time.trim())?))
    }

    /// Of an hour that occurs twice the first counts; one that is left out begins where it would have ended.
    fn local(self, time: NaiveDateTime) -> Option<DateTime<Utc>> {
        let at = |time: NaiveDateTime| self.zone.from_local_datetime(&time).earliest();
        at(time).or_else(|| at(time.checked_add_signed(TimeDelta::hours(1))?)).map(|time| time.to_utc())
    }
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

fn day(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    match text {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let when = When { now: "2026-11-22T12:00:00Z".parse().unwrap(), zone: chrono_tz::Europe::Berlin };
        let cases = [
            ("2026-11-21T22:00:00Z", End::From, "2026-11-21T22:00:00Z"),
            ("2026-11-21T22:00:00+02:00", End::To, "2026-11-21T20:00:00Z"),
            ("2026-11-21", End::From, "2026-11-20T23:00:00Z"),
            ("2026-11-21", End::To, "2026-11-21T23:00:00Z"),
            ("2026-11-21T22:00", End::To, "2026-11-21T21:00:00Z"),
            ("2026-11-21 22:00:30", End::From, "2026-11-21T21:00:30Z"),
            ("today", End::From, "2026-11-21T23:00:00Z"),
            ("yesterday", End::To, "2026-11-21T23:00:00Z"),
            ("yesterday 22:00", End::From, "2026-11-21T21:00:00Z"),
            ("06:00", End::To, "2026-11-22T05:00:00Z"),
            ("2h", End::From, "2026-11-22T10:00:00Z"),
            ("15min", End::From, "2026-11-22T11:45:00Z"),
            ("now", End::To, "2026-11-22T12:00:00Z"),
            // Clocks go forward at 2:00.
            ("2026-03-29 02:30", End::From, "2026-03-29T01:30:00Z"),
        ];
        for (text, end, expected) in cases {
            assert_eq!(when.read(text, end).unwrap(), expected.parse::<DateTime<Utc>>().unwrap(), "{text}");
        }
        for text in
            ["", "noon", "25:00", "2026-13-01", "99999999999999999d", "h", "yesterday at 22:00", "é2h"]
        {
            assert!(when.read(text, End::From).unwrap_err().to_string().contains("is no time"), "{text}");
        }
    }
}
