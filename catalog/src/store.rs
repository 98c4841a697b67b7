//! Results in rows: written once with the end of the lease, read back to write a lost sidecar again.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::gated;
use crate::segment::time;
use crate::{Catalog, CatalogError, Object, Results, Sample, SegmentId, ViewResult, events};

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
        self.read("look for results", |c| newest(c, id))
    }
}

/// Inserts results. Those of the same segment and profile that are there already stand, as the newest.
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
            params![id, profile, results.segment.sha256, json(&results.segment)?, now.timestamp_millis(),],
        )?;
    if inserted == 0 {
        return promote(t, id, (profile, now));
    }
    insert_observations(t, id, results)?;
    gated::insert(t, id, results, now)?;
    insert_seen(t, id, results)?;
    events::replace(t, id, results)
}

/// Makes stored results the newest of their segment: what counts for events and search.
pub(crate) fn promote(
    t: &Transaction<'_>,
    id: SegmentId,
    (profile, now): (&str, DateTime<Utc>),
) -> rusqlite::Result<()> {
    let newest = newest(t, id)?;
    if newest.as_deref() == Some(profile) {
        return Ok(());
    }
    // Later than the others, also where the clock went back.
    t.prepare_cached(
        "UPDATE result SET finished_ms = max(?3, (SELECT max(finished_ms) + 1 FROM result WHERE segment_id = ?1))
         WHERE segment_id = ?1 AND profile_id = ?2",
    )?
    .execute(params![id, profile, now.timestamp_millis()])?;
    match load(t, id, profile)? {
        Some(results) => events::replace(t, id, &results),
        None => Ok(()),
    }
}

fn newest(c: &Connection, id: SegmentId) -> rusqlite::Result<Option<String>> {
    c.prepare_cached("SELECT profile_id FROM result WHERE segment_id = ?1 ORDER BY finished_ms DESC LIMIT 1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

fn insert_observations(t: &Transaction<'_>, id: SegmentId, results: &Results) -> rusqlite::Result<()> {
    let mut statement =
        t.prepare_cached("INSERT INTO observation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for sample in &results.samples {
        for (number, view) in sample.views.iter().enumerate() {
            statement.execute(params![
                id,
                results.profile.id,
                sample.frame,
                number as i64,
                view.view,
                milliseconds(&sample.time)?,
                json(&view.objects)?,
                view.caption,
                view.jpeg,
                view.description.as_ref().map(json).transpose()?,
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

pub(crate) fn load(c: &Connection, id: SegmentId, profile: &str) -> rusqlite::Result<Option<Results>> {
    let found: Option<(String, String, String, Option<u32>)> = c
        .prepare_cached(
            "SELECT r.facts, p.description, r.sha256,
                    (SELECT event_gap_s FROM looked WHERE segment_id = ?1)
             FROM result r JOIN profile p ON p.id = r.profile_id
             WHERE r.segment_id = ?1 AND r.profile_id = ?2",
        )?
        .query_row(params![id, profile], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((facts, description, sha256, event_gap_s)) = found else { return Ok(None) };
    let profile: crate::Profile = parse(&description)?;
    let samples = gated::add_to(load_samples(c, id, &profile.id)?, (c, id, &profile.id))?;
    let calls = match &profile.vision_model {
        Some(model) => crate::ledger::calls_of(c, &sha256, model)?,
        None => Vec::new(),
    };
    let results = Results::new(parse(&facts)?, profile, samples, calls);
    Ok(Some(Results { event_gap_s: event_gap_s.unwrap_or(results.event_gap_s), ..results }))
}

fn load_samples(c: &Connection, id: SegmentId, profile: &str) -> rusqlite::Result<Vec<Sample>> {
    let mut statement = c.prepare_cached(
        "SELECT frame, time_ms, view, objects, caption, jpeg, description FROM observation
         WHERE segment_id = ?1 AND profile_id = ?2 ORDER BY frame, view_number",
    )?;
    let mut rows = statement.query(params![id, profile])?;
    let mut samples: Vec<Sample> = Vec::new();
    while let Some(row) = rows.next()? {
        let frame = row.get(0)?;
        if samples.last().is_none_or(|s| s.frame != frame) {
            samples.push(Sample { frame, time: rfc3339(time(row.get(1)?)), gate: None, views: Vec::new() });
        }
        let objects: Vec<Object> = parse(&row.get::<_, String>(3)?)?;
        let description = row.get::<_, Option<String>>(6)?.map(|text| parse(&text)).transpose()?;
        let (caption, jpeg) = (row.get(4)?, row.get(5)?);
        let view = ViewResult { view: row.get(2)?, objects, caption, description, jpeg };
        if let Some(sample) = samples.last_mut() {
            sample.views.push(view);
        }
    }
    Ok(samples)
}

/// Formats a time as results carry it: UTC with milliseconds.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(crate) fn milliseconds(time: &str) -> rusqlite::Result<i64> {
    let time: DateTime<Utc> =
        time.parse().map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    Ok(time.timestamp_millis())
}

pub(crate) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon, results};
    use crate::{Call, CallIntent, Queue};

    #[test]
    fn results_are_read_as_they_were_stored() {
        let store = Store::new();
        let id = store.add("gate/a.mp4", "a");
        let lease = store.lease(id);
        let mut stored = results(&lease.segment);
        stored.profile.vision_model = Some("model".to_owned());
        let call = CallIntent {
            request_id: "request".to_owned(),
            key: "key".to_owned(),
            cap_day: noon().date_naive(),
            camera: None,
            segment_sha256: stored.segment.sha256.clone(),
            model: "model".to_owned(),
            mode: crate::CallMode::Direct,
            bound: crate::Bound::default(),
        };
        store.catalog.begin_call(&call, &crate::DayCaps::default(), noon()).unwrap();
        stored.calls = vec![Call {
            request_id: "request".to_owned(),
            model: "model".to_owned(),
            input_tokens: None,
            output_tokens: None,
            cost_usd: None,
            status: "sent".to_owned(),
        }];
        assert_eq!(store.catalog.results(id, "profile").unwrap(), None);
        store.queue().finish(&lease, &stored, noon()).unwrap();
        assert_eq!(store.catalog_elsewhere().results(id, "profile").unwrap(), Some(stored));
        assert!(store.catalog.has_results(id, "profile").unwrap());
        assert!(!store.catalog.has_results(id, "another").unwrap());
    }

    #[test]
    fn the_sidecar_says_what_the_rows_say() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let sidecar: Results = serde_json::from_str(&store.read("gate/a.mp4.json").unwrap()).unwrap();
        assert_eq!(store.catalog.results(id, "profile").unwrap(), Some(sidecar));
    }

    #[test]
    fn each_profile_has_results_of_its_own() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        store.queue().offer(&[id], noon()).unwrap();
        let lease = store.lease(id);
        let mut other = results(&lease.segment);
        other.profile.id = "another".to_owned();
        other.samples.pop();
        let later = noon() + chrono::TimeDelta::hours(1);
        store.queue().finish(&lease, &other, later).unwrap();
        assert_eq!(store.catalog.results(id, "another").unwrap(), Some(other));
        assert_eq!(store.catalog.results(id, "profile").unwrap().unwrap().samples.len(), 2);
        assert_eq!(store.catalog.latest_profile(id).unwrap().as_deref(), Some("another"));
    }

    #[test]
    fn results_of_the_same_profile_stand() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        store.queue().offer(&[id], noon()).unwrap();
        let lease = store.lease(id);
        let mut other = results(&lease.segment);
        other.samples.clear();
        store.queue().finish(&lease, &other, noon()).unwrap();
        assert_eq!(store.catalog.results(id, "profile").unwrap(), Some(results(&lease.segment)));
    }

    #[test]
    fn labels_are_summed_up() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let seen: Vec<(String, u64, u64, f64)> = store
            .catalog
            .read("read labels", |c| {
                let mut rows = c.prepare(
                    "SELECT label, objects, peak, best_score FROM seen WHERE segment_id = ?1 ORDER BY label",
                )?;
                rows.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                    .collect()
            })
            .unwrap();
        let score = f64::from(0.7_f32);
        assert_eq!(seen, [("car".to_owned(), 1, 1, score), ("person".to_owned(), 2, 2, 0.875)]);
    }

    #[test]
    fn a_time_that_is_none_is_refused() {
        let store = Store::new();
        let id = store.add("gate/a.mp4", "a");
        let lease = store.lease(id);
        let mut broken = results(&lease.segment);
        broken.samples[0].time = "noon".to_owned();
        store.queue().finish(&lease, &broken, noon()).unwrap_err();
        assert_eq!(store.catalog.results(id, "profile").unwrap(), None);
    }
}
