//! Digests: what happened at each camera in one night, in a few sentences, and the captions that they are made of.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rusqlite::params;
use serde::Serialize;

use crate::segment::time;
use crate::store::parse;
use crate::{Catalog, CatalogError, Description};

/// Longer than any cap day lasts.
const LOOK_BACK: TimeDelta = TimeDelta::days(9);

/// What the vision model makes of a camera's night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// A cap day: the date on which the window opened.
    pub night: NaiveDate,
    pub camera: String,
    pub text: String,
    /// Names the row of the ledger.
    pub request_id: String,
}

/// A caption of a camera's, as a digest is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NightCaption {
    pub camera: String,
    pub time: DateTime<Utc>,
    pub view: String,
    pub caption: String,
    /// Why it is notable; absent where it is not.
    pub notable: Option<String>,
}

impl Catalog {
    /// Lists the captions that cameras' footage got, in order of camera and time, where `is_wanted` says so of the time
    /// at which their results were stored. Of several answers alike in a row the first counts.
    pub fn night_captions(
        &self,
        is_wanted: impl Fn(DateTime<Utc>) -> bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<NightCaption>, CatalogError> {
        self.read("list a night's captions", |c| {
            let mut statement = c.prepare_cached(
                "SELECT r.finished_ms, s.camera, o.time_ms, o.view, o.caption, o.description
                 FROM result r JOIN segment s ON s.id = r.segment_id
                 JOIN observation o ON o.segment_id = r.segment_id AND o.profile_id = r.profile_id
                 WHERE r.finished_ms >= ?1 AND s.camera IS NOT NULL AND o.caption IS NOT NULL
                 ORDER BY s.camera, o.view, o.time_ms",
            )?;
            let mut rows = statement.query([(now - LOOK_BACK).timestamp_millis()])?;
            let mut all: Vec<NightCaption> = Vec::new();
            while let Some(row) = rows.next()? {
                if !is_wanted(time(row.get(0)?)) {
                    continue;
                }
                let (camera, view, caption): (String, String, String) =
                    (row.get(1)?, row.get(3)?, row.get(4)?);
                let is_same = |last: &NightCaption| {
                    (&last.camera, &last.view, &last.caption) == (&camera, &view, &caption)
                };
                if all.last().is_some_and(is_same) {
                    continue;
                }
                let said: Option<Description> =
                    row.get::<_, Option<String>>(5)?.map(|text| parse(&text)).transpose()?;
                let notable = said.filter(|said| said.notable).map(|said| said.reason);
                all.push(NightCaption { camera, time: time(row.get(2)?), view, caption, notable });
            }
            all.sort_by(|one, other| (&one.camera, one.time).cmp(&(&other.camera, other.time)));
            Ok(all)
        })
    }

    /// Keeps a night's digest of a camera, in the place of an earlier one.
    pub fn keep_digest(&self, digest: &Digest, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("keep a digest", |t| {
            t.prepare_cached("INSERT OR REPLACE INTO night_digest VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    digest.night.to_string(),
                    digest.camera,
                    digest.request_id,
                    digest.text,
                    now.timestamp_millis()
                ])
                .map(drop)
        })
    }

    /// Lists a night's digests by camera.
    pub fn digests(&self, night: NaiveDate) -> Result<Vec<Digest>, CatalogError> {
        self.read("list digests", |c| {
            c.prepare_cached(
                "SELECT camera, text, request_id FROM night_digest WHERE night = ?1 ORDER BY camera",
            )?
            .query_map([night.to_string()], |row| {
                Ok(Digest { night, camera: row.get(0)?, text: row.get(1)?, request_id: row.get(2)? })
            })?
            .collect()
        })
    }

    /// Returns the last night that has a digest.
    pub fn last_digested_night(&self) -> Result<Option<NaiveDate>, CatalogError> {
        let last: Option<String> = self.read("look for digests", |c| {
            c.prepare_cached("SELECT max(night) FROM night_digest")?.query_row([], |row| row.get(0))
        })?;
        Ok(last.and_then(|night| night.parse().ok()))
    }
}
