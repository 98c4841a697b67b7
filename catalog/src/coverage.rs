//! Coverage: how much of a day of a camera was to be recorded, was, and was looked at, and why the rest is missing.

use std::time::Duration;

use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use config::{CameraId, WindowState, Windows};
use rusqlite::{Connection, params};
use serde::Serialize;
use strum::VariantArray;

use crate::segment::time;
use crate::spans::Spans;
use crate::{Catalog, CatalogError, GapCause, Span, expected, gap};

/// Starts are receive times, which jitter: a smaller hole between two segments is none.
const SEAM: TimeDelta = TimeDelta::seconds(1);

/// No segment is longer: what began so long before a day cannot reach into it.
pub(crate) const LONGEST: TimeDelta = TimeDelta::days(1);

/// What ended longer before a span is joined to nothing in it, neither here nor where it is drawn.
const JOINED: TimeDelta = TimeDelta::minutes(1);

/// One day of the calendar in some time zone; 23 or 25 hours where the clocks change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    pub span: Span,
}

/// What the catalogue knows of a camera's time; a camera in hand is counted up to its last frame.
#[derive(Clone, Debug, Default)]
pub struct CoverageRows {
    pub expected: Vec<Span>,
    pub footage: Vec<Footage>,
    pub gaps: Vec<(Span, GapCause)>,
    /// In which the clock may have been wrong.
    pub doubts: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footage {
    pub span: Span,
    pub processed: bool,
    pub archived: bool,
    /// The archive alone has it.
    pub away: bool,
}

/// Of one camera and day. Each second is counted once, however many files or gaps it is in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Up to now, within the camera's windows.
    pub expected_s: f64,
    /// Also what was deleted since.
    pub recorded_s: f64,
    pub processed_s: f64,
    pub archived_s: f64,
    /// Of what was expected and is not recorded, longest first.
    pub missing: Vec<Cause>,
    /// Missing without an entry in the ledger.
    pub unexplained_s: f64,
    /// The times of this day may be wrong.
    pub clock_in_doubt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cause {
    pub cause: GapCause,
    pub seconds: f64,
}

impl Day {
    pub fn of(date: NaiveDate, zone: Tz) -> Self {
        let next = date.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        Self { date, span: Span::new(first_instant(date, zone), first_instant(next, zone)) }
    }

    /// Returns how long windows are open on it.
    pub fn open_for(self, windows: &Windows) -> Duration {
        within(windows, self.span).length().to_std().unwrap_or_default()
    }

    /// Returns the day that `now` lies in.
    pub fn at(now: DateTime<Utc>, zone: Tz) -> Self {
        Self::of(now.with_timezone(&zone).date_naive(), zone)
    }
}

fn first_instant(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    // some zones change at midnight, and a few once left out a whole day
    let instants = (0..48).map(|half| midnight + TimeDelta::minutes(30 * half));
    let mut found = instants.filter_map(|local| match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
        MappedLocalTime::None => None,
    });
    found.next().unwrap_or_else(|| midnight.and_utc())
}

/// Reckons a day from rows; with `windows`, only what lies in them was to be recorded.
pub fn coverage(rows: &CoverageRows, windows: &Windows, day: Span) -> Coverage {
    let whole: Spans = [day].into_iter().collect();
    let of_gaps = |wanted: &dyn Fn(GapCause) -> bool| -> Spans {
        rows.gaps.iter().filter(|(_, cause)| wanted(*cause)).map(|(span, _)| *span).collect()
    };
    let of_footage = |wanted: &dyn Fn(&Footage) -> bool| -> Spans {
        let files: Spans = rows.footage.iter().filter(|file| wanted(file)).map(|file| file.span).collect();
        let seams = files.holes(SEAM).without(&of_gaps(&|_| true));
        let lost = of_gaps(&|cause| cause == GapCause::PacketLoss);
        files.without(&lost).or(&seams).and(&whole)
    };
    let expected = rows.expected.iter().copied().collect::<Spans>().and(&within(windows, day));
    let recorded = of_footage(&|_| true);

    let mut unexplained = expected.without(&recorded);
    let mut missing = Vec::new();
    for &cause in GapCause::VARIANTS {
        let gaps = of_gaps(&|other| other == cause);
        let length = unexplained.and(&gaps).length();
        unexplained = unexplained.without(&gaps);
        if length > TimeDelta::zero() {
            missing.push(Cause { cause, seconds: seconds(length) });
        }
    }
    missing.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let stepped = |&(span, cause): &(Span, GapCause)| {
        cause == GapCause::ClockStep && span.from <= day.to && span.to >= day.from
    };
    Coverage {
        expected_s: seconds(expected.length()),
        recorded_s: seconds(recorded.length()),
        processed_s: seconds(of_footage(&|file| file.processed).length()),
        archived_s: seconds(of_footage(&|file| file.archived).length()),
        missing,
        unexplained_s: seconds(unexplained.length()),
        clock_in_doubt: rows.gaps.iter().any(stepped) || rows.doubts.iter().any(|doubt| doubt.touches(day)),
    }
}

/// Returns when windows are open within a day.
fn within(windows: &Windows, day: Span) -> Spans {
    let mut open = Vec::new();
    let mut at = day.from;
    while at < day.to {
        let until = match windows.at(at) {
            WindowState::Always => {
                open.push(Span::new(at, day.to));
                break;
            }
            WindowState::Open { until, .. } => {
                open.push(Span::new(at, until.min(day.to)));
                until
            }
            WindowState::Closed { until } => until,
        };
        at = until.max(at + TimeDelta::seconds(1));
    }
    open.into_iter().collect()
}

fn seconds(length: TimeDelta) -> f64 {
    length.num_milliseconds() as f64 / 1000.0
}

impl Catalog {
    /// Reads what is known of a camera's time within `span`, as of `now`.
    pub fn coverage_rows(
        &self,
        camera: &CameraId,
        span: Span,
        now: DateTime<Utc>,
    ) -> Result<CoverageRows, CatalogError> {
        let health = self.health_of(camera)?;
        let doubt = self.clock_doubt()?;
        // what a live recorder has in hand is in no row yet
        let in_hand = health
            .as_ref()
            .filter(|camera| camera.is_recording())
            .and_then(|camera| Some(Span::new(camera.health.in_hand?, camera.health.last_frame?)));
        let is_attended = health.as_ref().is_some_and(|camera| camera.is_attended());
        self.read("read a camera's coverage", |c| {
            let newest = expected::last_sign(c, camera, now)?;
            // what came since the recorder said so last is neither expected nor missing yet
            let until = in_hand.map_or(now, |span| span.to.max(newest.unwrap_or(span.to)).min(now));
            let mut rows = CoverageRows {
                expected: expected::expected_within(c, camera, span, until)?,
                footage: footage_within(c, camera, span)?,
                gaps: gap::causes_within(c, camera, span, now)?,
                doubts: Vec::new(),
            };
            rows.footage.extend(in_hand.map(|span| Footage {
                span,
                processed: false,
                archived: false,
                away: false,
            }));
            if !is_attended
                && expected::is_expected(c, camera)?
                && let Some(end) = newest
            {
                rows.gaps.push((Span::new(end, now), GapCause::Stopped));
            }
            rows.doubts.extend(
                doubt.map(|doubt| Span::new(doubt.before.min(doubt.now), doubt.before.max(doubt.now))),
            );
            Ok(rows)
        })
    }
}

/// Lists the footage that reaches into a span, and the last before it, to which the first may be joined. What is asked
/// of a segment is in the index, but for results, which a processed one has.
fn footage_within(c: &Connection, camera: &CameraId, span: Span) -> rusqlite::Result<Vec<Footage>> {
    c.prepare_cached(
        "SELECT start_ms, ifnull(duration_ms, 0),
                state = 'processed' OR EXISTS (SELECT 1 FROM result WHERE result.segment_id = segment.id),
                archived_ms IS NOT NULL, state = 'archived'
         FROM segment WHERE camera = ?1 AND start_ms >= ?2 AND start_ms < ?3
            AND substr(path, 1, 1) <> '/' AND start_ms + ifnull(duration_ms, 0) >= ?4",
    )?
    .query_map(
        params![
            camera.as_str(),
            (span.from - LONGEST).timestamp_millis(),
            span.to.timestamp_millis(),
            (span.from - JOINED).timestamp_millis()
        ],
        |row| {
            let from = time(row.get(0)?);
            let span = Span::new(from, from + TimeDelta::milliseconds(row.get(1)?));
            Ok(Footage { span, processed: row.get(2)?, archived: row.get(3)?, away: row.get(4)? })
        },
    )?
    .collect()
}

#[cfg(test)]
mod tests;
