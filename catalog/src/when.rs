//! Times as people type them: an instant, a day, a time of day, `yesterday 22:00`, or so long ago.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::{Day, Span};

/// What is read, for whoever wrote something else.
const FORMS: &str = "2026-11-22, 2026-11-22T22:00, today, `yesterday 22:00`, 22:00, or 2h for two hours ago";

/// Words that a span of time is written in, at most; more are not tried.
const MOST_WORDS: usize = 50;

/// Text that says no time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no time; write {FORMS}")]
pub struct NotATime {
    pub text: String,
}

/// Which end of a day is meant where only the day is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    From,
    To,
}

/// Says what the words mean.
#[derive(Clone, Copy, Debug)]
pub struct When {
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

impl When {
    /// Reads the two ends of a span of time.
    pub fn span(self, from: Option<&str>, to: Option<&str>) -> Result<[Option<DateTime<Utc>>; 2], NotATime> {
        let read = |text: Option<&str>, end| text.map(|text| self.read(text, end)).transpose();
        Ok([read(from, End::From)?, read(to, End::To)?])
    }

    fn read(self, text: &str, end: End) -> Result<DateTime<Utc>, NotATime> {
        let text = text.trim();
        let found = self.instant(text).or_else(|| self.ago(text)).or_else(|| self.day_and_time(text, end));
        found.ok_or_else(|| NotATime { text: text.to_owned() })
    }

    /// Takes a span of time off the end of what was typed: `person yesterday 22:00-02:00` is `person` and that night.
    /// Words that say no time are words.
    pub fn words_and_span(self, typed: &str) -> (String, Option<Span>) {
        let words: Vec<&str> = typed.split_whitespace().collect();
        let spans = (0..words.len()).take(MOST_WORDS).map(|start| (start, self.typed_span(&words[start..])));
        match spans.into_iter().find_map(|(start, span)| Some((start, span?))) {
            Some((start, span)) => (words[..start].join(" "), Some(span)),
            None => (words.join(" "), None),
        }
    }

    /// `yesterday`, `22:00-02:00`, `2026-11-22 22:00-02:00`, `yesterday 22:00` (an hour from then on), `2h` (up to now).
    fn typed_span(self, words: &[&str]) -> Option<Span> {
        let today = self.now.with_timezone(&self.zone).date_naive();
        let (from, to) = match words {
            [one] => match (day(one, today), self.ago(one)) {
                (Some(date), _) => return Some(Day::of(date, self.zone).span),
                (None, Some(from)) => (from, self.now),
                (None, None) => {
                    let latest = self.between(today, one)?;
                    let is_past = latest.0 <= self.now;
                    if is_past { latest } else { self.between(today.pred_opt()?, one)? }
                }
            },
            [date, times] => {
                let date = day(date, today)?;
                self.between(date, times).or_else(|| {
                    let from = self.local(date.and_time(time_of_day(times)?))?;
                    Some((from, from.checked_add_signed(TimeDelta::hours(1))?))
                })?
            }
            _ => return None,
        };
        Some(Span::new(from, to))
    }

    /// `22:00-02:00` of a day, over midnight where the second is not the later one.
    fn between(self, date: NaiveDate, times: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let (from, to) = times.split_once(['-', '–'])?;
        let (from, to) = (time_of_day(from)?, time_of_day(to)?);
        let end = if to > from { date } else { date.succ_opt()? };
        Some((self.local(date.and_time(from))?, self.local(end.and_time(to))?))
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
        _ => {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| (1..10_000).contains(&date.year()))
        }
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
        for text in [
            "",
            "noon",
            "25:00",
            "2026-13-01",
            "+262142-12-31",
            "99999999999999999d",
            "h",
            "yesterday at 22:00",
            "é2h",
        ] {
            assert!(when.read(text, End::From).unwrap_err().to_string().contains("is no time"), "{text}");
        }
    }

    #[test]
    fn a_span_is_taken_off_the_end_of_what_was_typed() {
        let when = When { now: "2026-11-22T12:00:00Z".parse().unwrap(), zone: chrono_tz::Europe::Berlin };
        let cases = [
            (
                "person yesterday 22:00-02:00",
                "person",
                Some(("2026-11-21T21:00:00Z", "2026-11-22T01:00:00Z")),
            ),
            ("yesterday", "", Some(("2026-11-20T23:00:00Z", "2026-11-21T23:00:00Z"))),
            ("red van 2026-11-20", "red van", Some(("2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"))),
            ("van today 9:30", "van", Some(("2026-11-22T08:30:00Z", "2026-11-22T09:30:00Z"))),
            ("22:00-23:00", "", Some(("2026-11-21T21:00:00Z", "2026-11-21T22:00:00Z"))),
            ("gate 08:00–09:00", "gate", Some(("2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z"))),
            ("car 2h", "car", Some(("2026-11-22T10:00:00Z", "2026-11-22T12:00:00Z"))),
            ("yesterday a van", "yesterday a van", None),
            ("22:00-", "22:00-", None),
            ("", "", None),
            ("é 99999999999999999d", "é 99999999999999999d", None),
        ];
        for (typed, words, span) in cases {
            let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
            let span = span.map(|(from, to)| Span::new(at(from), at(to)));
            assert_eq!(when.words_and_span(typed), (words.to_owned(), span), "{typed}");
        }
    }
}
