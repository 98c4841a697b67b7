//! Forecasts: what the backlog will ask of the vision model, told by what past runs asked, and when it is done.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::{Caps, WindowState, Windows};
use rusqlite::{Row, params};

use crate::{Catalog, CatalogError, Spent};

/// Segments looked back at, and for how long.
const SEGMENTS: u32 = 500;
const LOOK_BACK: TimeDelta = TimeDelta::days(30);

/// Two results further apart than this were not made by one run without a pause.
const PAUSE_S: f64 = 600.0;

/// A forecast that takes more days than this is as good as never.
const HORIZON: usize = 4000;

/// What past runs made of footage, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Past {
    pub segments: u64,
    pub footage_s: f64,
    pub frames: u64,
    pub calls: u64,
    /// Requests of which it is known what they used, and what that was.
    pub counted: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Squares of the segments' calls, for how much they differ.
    calls_squared: f64,
    /// Footage looked at without a pause, and the time it took.
    steady_footage_s: f64,
    steady_s: f64,
}

/// The backlog.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    pub segments: u64,
    /// Of those whose length is known.
    pub footage_s: f64,
    pub known: u64,
}

/// How many nights it takes, and when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nights {
    /// Days of the caps, this one too, in which something is done.
    pub nights: u32,
    /// Absent where no end is in sight.
    pub done: Option<DateTime<Utc>>,
    /// A cap, not time, is what it waits for.
    pub capped: bool,
}

impl Past {
    /// Returns how much footage is looked at per second; nothing where no run was long enough to tell.
    pub fn speed(&self) -> Option<f64> {
        (self.steady_s > 0.0).then(|| self.steady_footage_s / self.steady_s)
    }

    /// Returns how many requests `segments` that wait may differ by from what is expected, 19 times of 20.
    pub fn spread(&self, segments: u64) -> Option<f64> {
        let (count, waiting) = (self.segments as f64, segments as f64);
        if self.segments < 2 {
            return None;
        }
        let mean = self.calls as f64 / count;
        let variance = (self.calls_squared / count - mean * mean).max(0.0) * count / (count - 1.0);
        Some(2.0 * (waiting * variance * (1.0 + waiting / count)).sqrt())
    }
}

impl Waiting {
    /// Returns its length; what is not known is as long as the others, or a minute.
    pub fn length_s(&self, past: &Past) -> f64 {
        let mean = match (self.known, past.segments) {
            (0, 0) => 60.0,
            (0, segments) => past.footage_s / segments as f64,
            (known, _) => self.footage_s / known as f64,
        };
        self.footage_s + mean * self.segments.saturating_sub(self.known) as f64
    }
}

impl Catalog {
    /// Sums up what the latest results took; of one model, the requests.
    pub fn past(&self, model: &str, now: DateTime<Utc>) -> Result<Past, CatalogError> {
        let since = (now - LOOK_BACK).timestamp_millis();
        self.read("sum up past runs", |c| {
            let mut statement = c.prepare_cached(
                "SELECT r.finished_ms, s.duration_ms,
                        coalesce((SELECT samples FROM gated g
                                  WHERE g.segment_id = r.segment_id AND g.profile_id = r.profile_id),
                                 (SELECT count(DISTINCT frame) FROM observation o
                                  WHERE o.segment_id = r.segment_id AND o.profile_id = r.profile_id)),
                        count(k.request_id), count(k.output_tokens), coalesce(sum(k.input_tokens), 0),
                        coalesce(sum(k.output_tokens), 0)
                 FROM (SELECT r.* FROM result r JOIN segment s ON s.id = r.segment_id
                       WHERE r.finished_ms >= ?2 AND s.duration_ms IS NOT NULL
                       ORDER BY r.finished_ms DESC LIMIT ?3) r
                 JOIN segment s ON s.id = r.segment_id
                 LEFT JOIN call k ON k.segment_sha256 = r.sha256 AND k.model = ?1
                 GROUP BY r.segment_id, r.profile_id ORDER BY r.finished_ms DESC",
            )?;
            let rows = statement.query_map(params![model, since, SEGMENTS], looked_at)?;
            let mut looked = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            looked.reverse();
            Ok(looked.into_iter().fold((Past::default(), None), add).0)
        })
    }

    /// Returns what waits in the queue, put off or not; what waits for answers of a batch was looked at.
    pub fn waiting(&self) -> Result<Waiting, CatalogError> {
        self.read("measure the backlog", |c| {
            c.query_row(
                "SELECT count(*), coalesce(sum(s.duration_ms), 0), count(s.duration_ms)
                 FROM job j JOIN segment s ON s.id = j.segment_id
                 WHERE j.state IN ('queued', 'leased') AND j.scope = ''
                   AND NOT EXISTS (SELECT 1 FROM submission w WHERE w.segment_id = s.id)",
                [],
                |row| {
                    let footage_s = row.get::<_, u64>(1)? as f64 / 1000.0;
                    Ok(Waiting { segments: row.get(0)?, footage_s, known: row.get(2)? })
                },
            )
        })
    }
}

/// One result: when it was there, how much footage, and the rest as a [`Past`] of its own.
type LookedAt = (f64, Past);

fn looked_at(row: &Row<'_>) -> rusqlite::Result<LookedAt> {
    let calls: u64 = row.get(3)?;
    let one = Past {
        segments: 1,
        footage_s: row.get::<_, u64>(1)? as f64 / 1000.0,
        frames: row.get(2)?,
        calls,
        counted: row.get(4)?,
        input_tokens: row.get(5)?,
        output_tokens: row.get(6)?,
        calls_squared: (calls * calls) as f64,
        ..Past::default()
    };
    Ok((row.get::<_, i64>(0)? as f64 / 1000.0, one))
}

fn add((past, before): (Past, Option<f64>), (finished, one): LookedAt) -> (Past, Option<f64>) {
    let since = before.map(|before| finished - before).filter(|since| *since < PAUSE_S);
    let sum = Past {
        segments: past.segments + 1,
        footage_s: past.footage_s + one.footage_s,
        frames: past.frames + one.frames,
        calls: past.calls + one.calls,
        counted: past.counted + one.counted,
        input_tokens: past.input_tokens + one.input_tokens,
        output_tokens: past.output_tokens + one.output_tokens,
        calls_squared: past.calls_squared + one.calls_squared,
        steady_footage_s: past.steady_footage_s + since.map_or(0.0, |_| one.footage_s),
        steady_s: past.steady_s + since.unwrap_or(0.0),
    };
    (sum, Some(finished))
}

/// What is to be done, and what may be.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    pub work: Duration,
    /// What all of it takes.
    pub takes: Spent,
    pub caps: Caps,
    /// What the caps' day took already.
    pub spent: Spent,
}

/// Goes through the nights to come until the task is done, each with its hours and its caps.
pub fn nights(task: &Task, windows: &Windows, now: DateTime<Utc>) -> Nights {
    let (mut at, mut left, mut found) = (now, 1.0_f64, Nights { nights: 0, done: None, capped: false });
    let (mut day, mut budget, mut counted) = (windows.cap_day(now), task.share(task.spent), None);
    for _ in 0..HORIZON {
        if windows.cap_day(at) != day {
            (day, budget) = (windows.cap_day(at), task.share(Spent::default()));
        }
        let until = match windows.at(at) {
            WindowState::Closed { until } => {
                at = until;
                continue;
            }
            WindowState::Open { until, .. } => until,
            WindowState::Always => windows.cap_day_ends(at),
        };
        let work = task.work.as_secs_f64().max(1e-9);
        let time = (until - at).as_seconds_f64() / work;
        let share = left.min(time).min(budget);
        if share > 0.0 && counted != Some(day) {
            (found.nights, counted) = (found.nights + 1, Some(day));
        }
        if share >= left {
            let takes = TimeDelta::try_milliseconds((left * work * 1000.0) as i64).unwrap_or_default();
            return Nights { done: Some(at + takes), ..found };
        }
        found.capped |= budget < time;
        (left, budget, at) = (left - share, budget - share, until);
    }
    found
}

impl Task {
    /// Returns how much of the task the caps still let through, 1 for all of it.
    fn share(&self, spent: Spent) -> f64 {
        let left = |cap: Option<u64>, spent: u64, takes: u64| {
            cap.map_or(f64::INFINITY, |cap| cap.saturating_sub(spent) as f64 / takes.max(1) as f64)
        };
        let calls = left(self.caps.calls, spent.calls, self.takes.calls);
        let tokens = left(self.caps.tokens, spent.tokens, self.takes.tokens);
        let usd = left(self.caps.usd.map(config::Usd::nanos), spent.usd.nanos(), self.takes.usd.nanos());
        calls.min(tokens).min(usd)
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Berlin;
    use config::Usd;

    use super::*;

    #[test]
    fn goes_through_the_nights_with_their_hours_and_caps() {
        let windows = Windows::parse(Berlin, &["22:00-06:00"]).unwrap();
        let takes = Spent { calls: 1000, tokens: 1_000_000, usd: Usd::of_dollars(10.0) };
        let calls = |calls| Caps { calls: Some(calls), ..Caps::default() };
        let dollars = |usd| Caps { usd: Some(Usd::of_dollars(usd)), ..Caps::default() };
        let cases = [
            // Noon: the night to come is enough.
            (4, Caps::default(), 0, "2026-11-22T11:00:00Z", Some((1, "2026-11-23T01:00:00Z", false))),
            // Twenty hours are two nights and a half.
            (20, Caps::default(), 0, "2026-11-22T11:00:00Z", Some((3, "2026-11-25T01:00:00Z", false))),
            (4, calls(400), 0, "2026-11-22T11:00:00Z", Some((3, "2026-11-24T21:48:00Z", true))),
            // The night that is under way took some of its calls already.
            (4, calls(400), 200, "2026-11-22T22:00:00Z", Some((3, "2026-11-24T22:36:00Z", true))),
            (1, dollars(5.0), 0, "2026-11-22T11:00:00Z", Some((2, "2026-11-23T21:30:00Z", true))),
            // One more hour in the night in which clocks go back.
            (9, Caps::default(), 0, "2026-10-24T20:00:00Z", Some((1, "2026-10-25T05:00:00Z", false))),
            (9, Caps { tokens: Some(0), ..Caps::default() }, 0, "2026-11-22T11:00:00Z", None),
        ];
        for (hours, caps, spent, now, expected) in cases {
            let work = Duration::from_secs(hours * 3600);
            let task = Task { work, takes, caps, spent: Spent { calls: spent, ..Spent::default() } };
            let found = nights(&task, &windows, now.parse().unwrap());
            match expected {
                None => assert_eq!(found.done, None),
                Some((nights, done, capped)) => {
                    let done = found.done.is_some_and(|at| {
                        (at - done.parse::<DateTime<Utc>>().unwrap()).num_seconds().abs() < 2
                    });
                    assert!(
                        done && found.nights == nights && found.capped == capped,
                        "{now} {hours} {caps:?}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn segments_that_differ_widen_the_forecast() {
        let past = |calls: &[u64]| {
            let one = |calls: u64| {
                (
                    0.0,
                    Past { footage_s: 60.0, calls, calls_squared: (calls * calls) as f64, ..Past::default() },
                )
            };
            calls.iter().map(|&calls| one(calls)).fold((Past::default(), None), add).0
        };
        assert_eq!(past(&[7]).spread(10), None);
        assert_eq!(past(&[7, 7, 7]).spread(10), Some(0.0));
        let wide = past(&[0, 20, 0, 20]).spread(4).unwrap();
        assert!((60.0..70.0).contains(&wide), "{wide}");
    }
}
