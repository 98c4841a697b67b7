//! Results in rows: written once with the end of the lease, read back to write a lost sidecar again.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::segment::time;
use crate::{Catalog, CatalogError, Object, Results, Sample, SegmentId, ViewResult};

impl Catalog {
    /// Tells whether this content was looked at under this profile.
    pub fn has_results(&self, id: SegmentId, profile: &str) -> Result<bool, CatalogError> {
        self.read("look for results", |c| {
            c.prepare_cached("SELECT 1 FROM result WHERE segment_id = ?1 AND profile_id = ?2")?
                .exists(params![id, profile])
        })
    }

    /// Reads stored results, as they were when they were stored.
    pub fn results(&self, id: SegmentId, profile: &str) -> Result<Option<Results>, CatalogError> {
        self.read("read results", |c| load(c, id, profile))
    }

    /// Returns the profile under which the segment was looked at last.
    pub fn latest_profile(&self, id: SegmentId) -> Result<Option<String>, CatalogError> {
        self.read("look for results", |c| {
            c.prepare_cached(
                "SELECT profile_id FROM result WHERE segment_id = ?1 ORDER BY finished_ms DESC LIMIT 1",
            )?
            .query_row([id], |row| row.get(0))
            .optional()
        })
    }
}

/// Inserts results. Those of the same segment and profile that are there already stand.
pub(crate) fn insert(
    t: &Transaction<'_>,
    id: SegmentId,
    results: &Results,
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let profile = &results.profile.id;
    t.prepare_cached("INSERT INTO profile VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![profile, json(&results.profile)?])?;
    let inserted =
        t.prepare_cached("INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")?.execute(
            params![id, profile, results.segment.sha256, json(&results.segment)?, now.timestamp_millis()],
        )?;
    if inserted == 0 {
        return Ok(());
    }
    insert_observations(t, id, results)?;
    insert_seen(t, id, results)
}

fn insert_observations(t: &Transaction<'_>, id: SegmentId, results: &Results) -> rusqlite::Result<()> {
    let mut statement =
        t.prepare_cached("INSERT INTO observation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for sample in &results.samples {
        for (number, view) in sample.views.iter().enumerate() {
            statement.execute(params![
                id,
                results.profile.id,
                sample.frame,
                number as i64,
                view.view,
                milliseconds(&sample.time),
                json(&view.objects)?,
                view.caption,
                view.jpeg,
            ])?;
        }
    }
    Ok(())
}

fn insert_seen(t: &Transaction<'_>, id: SegmentId, results: &Results) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (label, seen) in summarise(results) {
        statement.execute(params![
            id,
            results.profile.id,
            label,
            seen.objects,
            seen.peak,
            seen.best_score
        ])?;
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    objects: u64,
    /// Most in one view of one frame.
    peak: u64,
    best_score: f64,
}

fn summarise(results: &Results) -> BTreeMap<&str, Seen> {
    let mut all: BTreeMap<&str, Seen> = BTreeMap::new();
    for view in results.samples.iter().flat_map(|s| &s.views) {
        let mut here: BTreeMap<&str, u64> = BTreeMap::new();
        for object in &view.objects {
            *here.entry(&object.label).or_default() += 1;
            let seen = all.entry(&object.label).or_default();
            seen.objects += 1;
            seen.best_score = seen.best_score.max(object.score.into());
        }
        for (label, count) in here {
            let seen = all.entry(label).or_default();
            seen.peak = seen.peak.max(count);
        }
    }
    all
}

fn load(c: &Connection, id: SegmentId, profile: &str) -> rusqlite::Result<Option<Results>> {
    let found: Option<(String, String, String)> = c
        .prepare_cached(
            "SELECT r.facts, p.description, r.sha256 FROM result r JOIN profile p ON p.id = r.profile_id
             WHERE r.segment_id = ?1 AND r.profile_id = ?2",
        )?
        .query_row(params![id, profile], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((facts, description, sha256)) = found else { return Ok(None) };
    let profile: crate::Profile = parse(&description)?;
    let samples = load_samples(c, id, &profile.id)?;
    let calls = match &profile.vision_model {
        Some(model) => crate::ledger::calls_of(c, &sha256, model)?,
        None => Vec::new(),
    };
    Ok(Some(Results::new(parse(&facts)?, profile, samples, calls)))
}

fn load_samples(c: &Connection, id: SegmentId, profile: &str) -> rusqlite::Result<Vec<Sample>> {
    let mut statement = c.prepare_cached(
        "SELECT frame, time_ms, view, objects, caption, jpeg FROM observation
         WHERE segment_id = ?1 AND profile_id = ?2 ORDER BY frame, view_number",
    )?;
    let mut rows = statement.query(params![id, profile])?;
    let mut samples: Vec<Sample> = Vec::new();
    while let Some(row) = rows.next()? {
        let frame = row.get(0)?;
        if samples.last().is_none_or(|s| s.frame != frame) {
            samples.push(Sample { frame, time: rfc3339(time(row.get(1)?)), views: Vec::new() });
        }
        let objects: Vec<Object> = parse(&row.get::<_, String>(3)?)?;
        let view = ViewResult { view: row.get(2)?, objects, caption: row.get(4)?, jpeg: row.get(5)? };
        if let Some(sample) = samples.last_mut() {
            sample.views.push(view);
        }
    }
    Ok(samples)
}

/// Formats a time as results carry it: UTC with milliseconds.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn milliseconds(time: &str) -> i64 {
    time.parse::<DateTime<Utc>>().map_or(0, |t| t.timestamp_millis())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn parse<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}
