//! The windows of local time in which the heavy work may run, or a camera be recorded.
//!
//! Where clocks change, each boundary is turned into an instant by itself: one in the hour that does not
//! exist moves forward by the length of the gap; in the hour that occurs twice a window opens at the first
//! pass and closes at the second. A window whose end thereby comes before its beginning is left out that
//! night.

use chrono::{DateTime, Days, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

#[cfg(test)]
mod tests;

const MINUTES_PER_DAY: u16 = 24 * 60;

/// Days looked at on either side of today. No window is longer than a day, so two would do on ordinary
/// days; the others are for zones that once left out a whole day.
const HORIZON_DAYS: u64 = 4;

/// Windows such as `22:00-06:00`, in one time zone. None at all means always open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    zone: Tz,
    spans: Vec<Span>,
}

/// In minutes after the local midnight of the day on which the window opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    opens: u16,
    /// More than a day's minutes where the window closes on the day after.
    closes: u16,
}

/// One night's window as instants; it holds `since` but not `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interval {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    /// There are no windows, or together they leave no minute of the day out, so there is no waiting.
    Always,
    Open {
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    },
    Closed {
        until: DateTime<Utc>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a window: write `HH:MM-HH:MM`, such as `22:00-06:00`")]
pub struct InvalidWindow(pub String);

impl Windows {
    /// Parses windows written `HH:MM-HH:MM`; an end at or before the beginning is on the next day, `24:00`
    /// is the day's end. A window that ends when it begins is refused, because it could mean both a whole
    /// day and nothing.
    pub fn parse(zone: Tz, spans: &[impl AsRef<str>]) -> Result<Self, InvalidWindow> {
        let spans = spans
            .iter()
            .map(|text| parse_span(text.as_ref()).ok_or_else(|| InvalidWindow(text.as_ref().to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { zone, spans })
    }

    /// Makes windows that are always open.
    pub fn always(zone: Tz) -> Self {
        Self { zone, spans: Vec::new() }
    }

    /// Tells whether work may run at `now`, and until when that holds. Windows that overlap or touch count
    /// as one.
    pub fn at(&self, now: DateTime<Utc>) -> WindowState {
        if self.leave_nothing_out() {
            return WindowState::Always;
        }
        let intervals = self.intervals_around(now);
        match intervals.iter().find(|interval| interval.until > now) {
            Some(interval) if interval.since <= now => {
                WindowState::Open { since: interval.since, until: interval.until }
            }
            Some(interval) => WindowState::Closed { until: interval.since },
            // Only where each of the coming nights is lost to a change of clocks: ask again tomorrow.
            None => WindowState::Closed { until: now + Duration::days(1) },
        }
    }

    /// Returns the day that a cap of money counts for at `now`: the local date on which a window opened last;
    /// the calendar day where there are no windows. What is bought by day thus takes nothing from the night to
    /// come.
    pub fn cap_day(&self, now: DateTime<Utc>) -> NaiveDate {
        let opened = match self.at(now) {
            WindowState::Always => None,
            _ => self.intervals_around(now).iter().rev().map(|interval| interval.since).find(|&at| at <= now),
        };
        self.date(opened.unwrap_or(now))
    }

    /// Returns when the next cap day begins: with the first window that opens on another date, or at midnight.
    pub fn cap_day_ends(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.cap_day(now);
        let ends = match self.at(now) {
            WindowState::Always => self.midnight_after(today),
            _ => {
                let openings = self.intervals_around(now).into_iter().map(|interval| interval.since);
                openings.filter(|&at| at > now).find(|&at| self.date(at) != today)
            }
        };
        ends.unwrap_or(now + Duration::days(1))
    }

    /// Returns when a window closed last, at `now` or before; `None` where they never close.
    pub fn closed_last(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.at(now) {
            WindowState::Always => None,
            _ => self.intervals_around(now).iter().rev().map(|interval| interval.until).find(|&at| at <= now),
        }
    }

    fn midnight_after(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let midnight = day.succ_opt()?.and_hms_opt(0, 0, 0)?;
        // Some zones change their clocks at midnight, and the day then begins at one.
        let local = |at: NaiveDateTime| self.zone.from_local_datetime(&at).earliest();
        let begins = local(midnight).or_else(|| local(midnight + Duration::hours(1)));
        begins.map(|at| at.to_utc())
    }

    fn date(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    fn leave_nothing_out(&self) -> bool {
        let mut covered = 0;
        let mut spans: Vec<Span> = self.spans.iter().flat_map(|span| span.within_one_day()).collect();
        spans.sort_by_key(|span| span.opens);
        for span in spans {
            if span.opens > covered {
                return false;
            }
            covered = covered.max(span.closes);
        }
        self.spans.is_empty() || covered >= MINUTES_PER_DAY
    }

    /// Returns the intervals near `now` in order, no two of them touching.
    fn intervals_around(&self, now: DateTime<Utc>) -> Vec<Interval> {
        let today = now.with_timezone(&self.zone).date_naive();
        let first = today.checked_sub_days(Days::new(HORIZON_DAYS)).unwrap_or(NaiveDate::MIN);
        let days = 2 * usize::try_from(HORIZON_DAYS).unwrap_or(0) + 1;
        let mut intervals: Vec<Interval> = first
            .iter_days()
            .take(days)
            .flat_map(|date| self.spans.iter().filter_map(move |span| span.on(date, self.zone)))
            .collect();
        intervals.sort_by_key(|interval| interval.since);
        intervals.into_iter().fold(Vec::new(), merge)
    }
}

impl Span {
    /// Cuts what lies after midnight off and puts it to the beginning of the day.
    fn within_one_day(self) -> [Self; 2] {
        [
            Self { opens: self.opens, closes: self.closes.min(MINUTES_PER_DAY) },
            Self { opens: 0, closes: self.closes.saturating_sub(MINUTES_PER_DAY) },
        ]
    }

    fn on(self, date: NaiveDate, zone: Tz) -> Option<Interval> {
        let midnight = date.and_hms_opt(0, 0, 0)?;
        let opens = midnight + Duration::minutes(i64::from(self.opens));
        let closes = midnight + Duration::minutes(i64::from(self.closes));
        let interval = Interval {
            since: instant(opens, zone, Boundary::Opening),
            until: instant(closes, zone, Boundary::Closing),
        };
        (interval.since < interval.until).then_some(interval)
    }
}

#[derive(Clone, Copy)]
enum Boundary {
    Opening,
    Closing,
}

fn instant(local: NaiveDateTime, zone: Tz, boundary: Boundary) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(only) => only.to_utc(),
        MappedLocalTime::Ambiguous(first, second) => match boundary {
            Boundary::Opening => first.to_utc(),
            Boundary::Closing => second.to_utc(),
        },
        MappedLocalTime::None => after_the_gap(local, zone),
    }
}

/// Reads a local time that does not exist with the offset that held before the gap, which moves it forward
/// by the gap's length. Steps of a quarter of an hour, as zones change by no less; the longest gap known
/// was a day.
fn after_the_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    (1..=2 * 24 * 4)
        .map(|quarters| Duration::minutes(15 * quarters))
        .find_map(|step| Some(zone.from_local_datetime(&(local - step)).latest()?.to_utc() + step))
        .unwrap_or_else(|| local.and_utc())
}

fn merge(mut merged: Vec<Interval>, next: Interval) -> Vec<Interval> {
    match merged.last_mut() {
        Some(last) if next.since <= last.until => last.until = last.until.max(next.until),
        _ => merged.push(next),
    }
    merged
}

fn parse_span(text: &str) -> Option<Span> {
    let (opens, closes) = text.split_once('-')?;
    let opens = parse_minutes(opens.trim())?;
    let closes = parse_minutes(closes.trim())?;
    if opens == closes || opens == MINUTES_PER_DAY {
        return None;
    }
    Some(Span { opens, closes: if closes < opens { closes + MINUTES_PER_DAY } else { closes } })
}

fn parse_minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MINUTES_PER_DAY).then_some(total)
}
