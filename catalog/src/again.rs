//! Looking again: which processed segments were looked at otherwise than they would be now.

use chrono::{DateTime, Utc};
use rusqlite::params;

use crate::{Catalog, CatalogError, SegmentId, files, sidecar_of, store};
use crate::{MediaFolder, cues};

/// Which footage is to be looked at again.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// Segments that start in it.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Empty: all.
    pub cameras: Vec<String>,
}

/// A segment whose newest results have another profile than today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outdated {
    pub id: SegmentId,
    /// It was looked at under today's profile before: these results need only count again.
    pub is_known: bool,
}

impl Catalog {
    /// Lists the processed segments of a camera whose newest results are not of `profile`, oldest first. What
    /// waits in the queue already, or is gone, is left out.
    pub fn outdated(
        &self,
        camera: &str,
        (profile, again): (&str, &Again),
    ) -> Result<Vec<Outdated>, CatalogError> {
        let millis = |time: Option<DateTime<Utc>>, open: i64| time.map_or(open, |t| t.timestamp_millis());
        self.read("list what was looked at otherwise", |c| {
            let mut statement = c.prepare_cached(
                "SELECT s.id, EXISTS (SELECT 1 FROM result r WHERE r.segment_id = s.id AND r.profile_id = ?2)
                 FROM segment s
                 WHERE s.camera = ?1 AND s.start_ms >= ?3 AND s.start_ms < ?4 AND s.state = 'processed'
                   AND s.intent IS NULL AND s.path NOT LIKE '/%'
                   AND ?2 <> (SELECT profile_id FROM result r WHERE r.segment_id = s.id
                              ORDER BY finished_ms DESC LIMIT 1)
                   AND NOT EXISTS (SELECT 1 FROM job j WHERE j.segment_id = s.id AND j.state IN ('queued', 'leased'))
                 ORDER BY s.start_ms, s.id",
            )?;
            let span = (millis(again.from, i64::MIN), millis(again.to, i64::MAX));
            let outdated = |row: &rusqlite::Row<'_>| Ok(Outdated { id: row.get(0)?, is_known: row.get(1)? });
            statement.query_map(params![camera, profile, span.0, span.1], outdated)?.collect()
        })
    }

    /// Lists the cameras that have processed footage.
    pub fn cameras_processed(&self) -> Result<Vec<String>, CatalogError> {
        self.read("list cameras", |c| {
            let mut statement = c.prepare_cached(
                "SELECT DISTINCT camera FROM segment WHERE state = 'processed' AND camera IS NOT NULL ORDER BY camera",
            )?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }
}

impl MediaFolder {
    /// Makes results that are there already the ones that count: for events, search and the sidecar.
    pub fn promote(&self, id: SegmentId, profile: &str, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let (_turn, segment) = self.turn_for(id)?;
        self.catalog().write("let earlier results count", |t| store::promote(t, id, (profile, now)))?;
        let Some(results) = self.catalog().results(id, profile)? else { return Ok(()) };
        let file = self.absolute(&segment);
        files::write_atomically(&sidecar_of(&file), &results.to_json()?)?;
        cues::write(&file, &results)
    }
}
