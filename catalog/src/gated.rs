//! What the gate decided: per sampled frame in results, and summed per camera for `status`.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::segment::time;
use crate::store::{milliseconds, rfc3339};
use crate::{Catalog, CatalogError, Results, Sample, SegmentId, Span};

/// What the gate made of one sampled frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// By how many grey levels, of 255, the part that changed most did so beyond its usual noise.
    pub score: f32,
    /// The frame was looked at.
    pub kept: bool,
    pub reason: GateReason,
    /// Of an audited frame: it shows what the gate missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<bool>,
}

/// Why a frame was looked at, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateReason {
    /// Something changed.
    Activity,
    /// The first frame of an activity, or of a file of whose background nothing is known.
    First,
    /// The first frame after an activity.
    Last,
    Heartbeat,
    /// The light changed as a whole.
    Light,
    /// Called quiet, and looked at all the same.
    Audit,
    Quiet,
}

impl GateReason {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Activity, "activity"),
        (Self::First, "first"),
        (Self::Last, "last"),
        (Self::Heartbeat, "heartbeat"),
        (Self::Light, "light"),
        (Self::Audit, "audit"),
        (Self::Quiet, "quiet"),
    ];
}

impl fmt::Display for GateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(reason, _)| reason == self).map_or("", |(_, word)| *word);
        f.write_str(word)
    }
}

impl FromStr for GateReason {
    type Err = rusqlite::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word).map(|(reason, _)| *reason);
        found.ok_or_else(|| rusqlite::Error::InvalidColumnName(format!("no reason: {word}")))
    }
}

/// Decisions, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateTally {
    pub samples: u64,
    /// Looked at, audited ones among them.
    pub kept: u64,
    /// Called quiet and looked at all the same.
    pub audited: u64,
    /// Of the audited: showed what the gate missed.
    pub missed: u64,
}

impl GateTally {
    /// Counts the decisions; `None` where there was no gate.
    pub(crate) fn of(samples: &[Sample]) -> Option<Self> {
        let decisions: Vec<_> = samples.iter().filter_map(|sample| sample.gate).collect();
        let count = |of: fn(&Decision) -> bool| decisions.iter().filter(|one| of(one)).count() as u64;
        (!decisions.is_empty()).then(|| Self {
            samples: decisions.len() as u64,
            kept: count(|one| one.kept),
            audited: count(|one| one.reason == GateReason::Audit),
            missed: count(|one| one.missed == Some(true)),
        })
    }

    /// Returns the share of quiet frames that showed something; `None` where none was audited.
    pub fn miss_rate(self) -> Option<f64> {
        (self.audited > 0).then(|| self.missed as f64 / self.audited as f64)
    }

    /// Returns between which rates the true one lies, 19 times of 20, by Wilson's formula, which holds for few frames
    /// and for none missed too; `None` where none was audited.
    pub fn miss_interval(self) -> Option<[f64; 2]> {
        const Z: f64 = 1.96;
        let (rate, count) = (self.miss_rate()?, self.audited as f64);
        let scale = 1.0 + Z * Z / count;
        let middle = (rate + Z * Z / (2.0 * count)) / scale;
        let half = Z / scale * (rate * (1.0 - rate) / count + Z * Z / (4.0 * count * count)).sqrt();
        Some([(middle - half).max(0.0), (middle + half).min(1.0)])
    }
}

impl Add for GateTally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            kept: self.kept + other.kept,
            audited: self.audited + other.audited,
            missed: self.missed + other.missed,
        }
    }
}

impl Sum for GateTally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

impl Catalog {
    /// Sums up, per camera, what the gate decided in results since `since`.
    pub fn gate_tallies(
        &self,
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<Option<String>, GateTally>, CatalogError> {
        self.read("sum up the gate", |c| {
            let mut statement = c.prepare_cached(
                "SELECT s.camera, sum(g.samples), sum(g.kept), sum(g.audited), sum(g.missed)
                 FROM gated g JOIN segment s ON s.id = g.segment_id
                 WHERE g.finished_ms >= ?1 GROUP BY s.camera",
            )?;
            let tally = |row: &Row<'_>| {
                let [samples, kept, audited, missed] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                Ok((row.get(0)?, GateTally { samples, kept, audited, missed }))
            };
            statement.query_map([since.timestamp_millis()], tally)?.collect()
        })
    }

    /// Sums up what the gate decided of the footage that began within a span.
    pub fn gate_tally(&self, footage: Span) -> Result<GateTally, CatalogError> {
        self.read("sum up the gate", |c| {
            c.prepare_cached(
                "SELECT ifnull(sum(g.samples), 0), ifnull(sum(g.kept), 0), ifnull(sum(g.audited), 0),
                        ifnull(sum(g.missed), 0)
                 FROM segment s JOIN gated g ON g.segment_id = s.id WHERE s.start_ms >= ?1 AND s.start_ms < ?2",
            )?
            .query_row([footage.from.timestamp_millis(), footage.to.timestamp_millis()], |row| {
                let [samples, kept, audited, missed] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
                Ok(GateTally { samples, kept, audited, missed })
            })
        })
    }
}

pub(crate) fn insert(
    t: &Transaction<'_>,
    id: SegmentId,
    results: &Results,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let Some(GateTally { samples, kept, audited, missed }) = results.gate else { return Ok(()) };
    let profile = &results.profile.id;
    t.prepare_cached("INSERT INTO gated VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        id,
        profile,
        now.timestamp_millis(),
        samples,
        kept,
        audited,
        missed
    ])?;
    let mut statement = t.prepare_cached("INSERT INTO decision VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for (sample, gate) in results.samples.iter().filter_map(|sample| Some((sample, sample.gate?))) {
        let (time, score, reason) =
            (milliseconds(&sample.time)?, f64::from(gate.score), gate.reason.to_string());
        statement.execute(params![id, profile, sample.frame, time, score, gate.kept, reason, gate.missed])?;
    }
    Ok(())
}

/// Adds the decisions to samples that were read from their observations, and the samples that have none.
pub(crate) fn add_to(
    samples: Vec<Sample>,
    (c, id, profile): (&Connection, SegmentId, &str),
) -> rusqlite::Result<Vec<Sample>> {
    let mut samples: BTreeMap<u64, Sample> =
        samples.into_iter().map(|sample| (sample.frame, sample)).collect();
    let mut statement = c.prepare_cached(
        "SELECT frame, time_ms, score, kept, reason, missed FROM decision
         WHERE segment_id = ?1 AND profile_id = ?2",
    )?;
    let mut rows = statement.query(params![id, profile])?;
    while let Some(row) = rows.next()? {
        let frame = row.get(0)?;
        let at = time(row.get(1)?);
        let sample = samples.entry(frame).or_insert_with(|| Sample {
            frame,
            time: rfc3339(at),
            gate: None,
            views: Vec::new(),
        });
        sample.gate = Some(decision(row)?);
    }
    Ok(samples.into_values().collect())
}

fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let score: f64 = row.get(2)?;
    let reason: String = row.get(4)?;
    Ok(Decision { score: score as f32, kept: row.get(3)?, reason: reason.parse()?, missed: row.get(5)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Queue;
    use crate::fixture::{Store, noon, results};

    fn decided(reason: GateReason, missed: Option<bool>) -> Decision {
        Decision { score: 1.25, kept: reason != GateReason::Quiet, reason, missed }
    }

    #[test]
    fn decisions_are_read_as_they_were_stored_and_summed_by_camera() {
        let store = Store::new();
        let id = store.add("gate/a.mp4", "a");
        let lease = store.lease(id);
        let mut stored = results(&lease.segment);
        stored.samples[0].gate = Some(decided(GateReason::Activity, None));
        stored.samples[1].gate = Some(decided(GateReason::Audit, Some(true)));
        let time = "2026-11-22T12:00:06.140Z".to_owned();
        let gate = Some(decided(GateReason::Quiet, None));
        stored.samples.push(Sample { frame: 60, time, gate, views: Vec::new() });
        let stored = Results::new(stored.segment, stored.profile, stored.samples, Vec::new());
        let tally = GateTally { samples: 3, kept: 2, audited: 1, missed: 1 };
        assert_eq!(stored.gate, Some(tally));
        store.queue().finish(&lease, &stored, noon()).unwrap();
        assert_eq!(store.catalog.results(id, "profile").unwrap(), Some(stored));
        let summed = store.catalog.gate_tallies(noon()).unwrap();
        assert_eq!(summed, [(Some("gate".to_owned()), tally)].into());
        assert_eq!(tally.miss_rate(), Some(1.0));
        assert!(store.catalog.gate_tallies(noon() + chrono::TimeDelta::seconds(1)).unwrap().is_empty());
        let years = |from: i64| {
            let at = |years| noon() + chrono::TimeDelta::days(365 * years);
            store.catalog.gate_tally(Span::new(at(from), at(from + 20))).unwrap()
        };
        assert_eq!((years(-10), years(10)), (tally, GateTally::default()));
    }

    #[test]
    fn the_interval_narrows_with_the_frames_that_were_audited() {
        let tally = |audited, missed| GateTally { audited, missed, ..GateTally::default() };
        assert_eq!(tally(0, 0).miss_interval(), None);
        // Wilson's interval, reckoned elsewhere.
        for (audited, missed, expected) in [
            (1, 0, [0.0, 0.7935]),
            (10, 0, [0.0, 0.2775]),
            (100, 0, [0.0, 0.0370]),
            (100, 5, [0.0215, 0.1118]),
            (1000, 50, [0.0381, 0.0653]),
            (1, 1, [0.2065, 1.0]),
        ] {
            let [low, high] = tally(audited, missed).miss_interval().unwrap();
            let off = (low - expected[0]).abs().max((high - expected[1]).abs());
            assert!(off < 1e-4, "{missed} of {audited}: {low} to {high}");
        }
    }

    #[test]
    fn every_reason_has_one_word() {
        for (reason, word) in GateReason::ALL {
            assert_eq!(word.parse::<GateReason>().unwrap(), reason);
            assert_eq!(serde_json::to_value(reason).unwrap(), word);
        }
        assert!("whatever".parse::<GateReason>().is_err());
    }
}
