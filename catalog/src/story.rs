//! The story of a segment: all that is known of it, from its recording to its end.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use config::Usd;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::paths::in_folder;
use crate::segment::{COLUMNS, PathText, Word, millis, time};
use crate::{Catalog, CatalogError, FAILED, GapCause, Hold, PROCESSED, Segment, SegmentId, SegmentState};

/// Gaps that end so shortly before a segment, or begin so shortly after it, are told of.
const AROUND: TimeDelta = TimeDelta::minutes(10);

/// What began longer before a time does not reach it.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// Its JSON form is that of `why --json`, docs/results.md.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    #[serde(skip)]
    pub id: SegmentId,
    /// Relative to the root.
    pub file: PathBuf,
    pub camera: Option<String>,
    pub state: SegmentState,
    /// Why it failed or is missing.
    pub reason: Option<String>,
    pub start: DateTime<Utc>,
    pub start_source: String,
    pub duration_s: Option<f64>,
    pub bytes: u64,
    /// When the catalogue first knew of it.
    pub added: DateTime<Utc>,
    pub gaps: Vec<StoryGap>,
    /// Absent where it was never queued, or was deleted.
    pub work: Option<StoryWork>,
    /// Oldest first.
    pub results: Vec<StoryResults>,
    /// Requests to the vision model about its content, oldest first.
    pub calls: Vec<StoryCall>,
    pub hold: Option<Hold>,
    /// When its file was moved last, by rule or into `failed/`.
    pub moved: Option<DateTime<Utc>>,
    /// Absent where the archive does not hold it.
    pub archived: Option<Archival>,
    /// When it came back from there.
    pub restored: Option<DateTime<Utc>>,
    pub deletion: Option<Deletion>,
}

/// Since when the archive holds it, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Archival {
    pub at: DateTime<Utc>,
    pub store: String,
    pub bundle: String,
    pub class: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryGap {
    pub from: DateTime<Utc>,
    /// Absent while it lasts.
    pub to: Option<DateTime<Utc>>,
    pub cause: GapCause,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryWork {
    /// `queued`, `leased`, `done` or `dead`.
    pub state: String,
    pub attempts: u32,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoryResults {
    pub profile: String,
    pub finished: DateTime<Utc>,
    pub sha256: String,
    /// Frames that were looked at.
    pub frames: u64,
    pub labels: Vec<StoryLabel>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoryLabel {
    pub label: String,
    pub objects: u64,
    pub best_score: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoryCall {
    pub begun: DateTime<Utc>,
    pub model: String,
    pub status: String,
    /// Absent where it is not known.
    pub cost_usd: Option<f64>,
}

/// Why a rule deleted it, in the words of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deletion {
    pub at: DateTime<Utc>,
    pub why: String,
}

impl Catalog {
    /// Finds the segment that a person means by a path under the root: where it lies, where it was recorded and moved
    /// away from, or where the last one lay that was deleted.
    pub fn segment_meant(&self, path: &Path) -> Result<Option<Segment>, CatalogError> {
        self.read("find a segment", |c| {
            let elsewhere = [PROCESSED, FAILED].map(|folder| in_folder(path, Some(folder)));
            let places = [path.to_owned()].into_iter().chain(elsewhere);
            let places: Vec<PathBuf> = places.collect();
            for gone in [false, true] {
                for place in &places {
                    if let Some(found) = newest_at(c, place, gone)? {
                        return Ok(Some(found));
                    }
                }
            }
            Ok(None)
        })
    }

    /// Finds a camera's segment of a time, whatever became of it. One whose length is not known counts as a minute.
    pub fn segment_of_time(&self, camera: &str, at: DateTime<Utc>) -> Result<Option<Segment>, CatalogError> {
        self.read("find a segment", |c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM segment
                 WHERE camera = ?1 AND start_ms BETWEEN ?2 - ?3 AND ?2 AND start_ms + ifnull(duration_ms, 60000) > ?2
                 ORDER BY start_ms DESC, id DESC LIMIT 1"
            ))?
            .query_row(
                params![camera, at.timestamp_millis(), LONGEST.num_milliseconds()],
                Segment::from_row,
            )
            .optional()
        })
    }

    pub fn story(&self, segment: &Segment, now: DateTime<Utc>) -> Result<Story, CatalogError> {
        let hold = self.holds(now)?.of(segment).cloned();
        self.read("tell a segment's story", |c| {
            let id = segment.id;
            let results = results(c, id)?;
            let [added, moved, restored] = times(c, id)?;
            Ok(Story {
                id,
                file: segment.path.clone(),
                camera: segment.camera.clone(),
                state: segment.state,
                reason: segment.reason.clone(),
                start: segment.start,
                start_source: segment.start_source.to_string(),
                duration_s: segment.duration.map(|duration| duration.as_secs_f64()),
                bytes: segment.stat.size,
                added: added.unwrap_or_default(),
                gaps: gaps(c, segment)?,
                work: work(c, id)?,
                calls: calls(c, id)?,
                results,
                hold,
                moved,
                archived: archival(c, id)?,
                restored,
                deletion: deletion(c, id)?,
            })
        })
    }
}

fn newest_at(c: &Connection, path: &Path, gone: bool) -> rusqlite::Result<Option<Segment>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM segment WHERE path = ?1 AND (state IN ('archived', 'deleted')) = ?2 ORDER BY id DESC LIMIT 1"
    ))?
    .query_row(params![PathText(path.into()), gone], Segment::from_row)
    .optional()
}

fn gaps(c: &Connection, segment: &Segment) -> rusqlite::Result<Vec<StoryGap>> {
    let around = AROUND.num_milliseconds();
    let start = segment.start.timestamp_millis();
    let length = i64::try_from(segment.duration.map_or(0, millis)).unwrap_or(0);
    c.prepare_cached(
        "SELECT from_ms, to_ms, cause FROM gap
         WHERE camera = ?1 AND from_ms <= ?3 AND ifnull(to_ms, ?2) >= ?2 ORDER BY from_ms",
    )?
    .query_map(params![segment.camera, start - around, start + length + around], |row| {
        let to = row.get::<_, Option<i64>>(1)?.map(time);
        Ok(StoryGap { from: time(row.get(0)?), to, cause: row.get::<_, Word<GapCause>>(2)?.0 })
    })?
    .collect()
}

fn work(c: &Connection, id: SegmentId) -> rusqlite::Result<Option<StoryWork>> {
    c.prepare_cached("SELECT state, attempts, reason FROM job WHERE segment_id = ?1")?
        .query_row([id], |row| {
            Ok(StoryWork { state: row.get(0)?, attempts: row.get(1)?, reason: row.get(2)? })
        })
        .optional()
}

fn results(c: &Connection, id: SegmentId) -> rusqlite::Result<Vec<StoryResults>> {
    let mut statement = c.prepare_cached(
        "SELECT profile_id, finished_ms, sha256,
                (SELECT count(DISTINCT frame) FROM observation o
                 WHERE o.segment_id = r.segment_id AND o.profile_id = r.profile_id)
         FROM result r WHERE segment_id = ?1 ORDER BY finished_ms",
    )?;
    let found = statement.query_map([id], |row| {
        let (profile, finished) = (row.get(0)?, time(row.get(1)?));
        Ok(StoryResults { profile, finished, sha256: row.get(2)?, frames: row.get(3)?, labels: Vec::new() })
    })?;
    found
        .map(|results| {
            let mut results = results?;
            results.labels = labels(c, id, &results.profile)?;
            Ok(results)
        })
        .collect()
}

fn labels(c: &Connection, id: SegmentId, profile: &str) -> rusqlite::Result<Vec<StoryLabel>> {
    c.prepare_cached(
        "SELECT label, objects, best_score FROM seen WHERE segment_id = ?1 AND profile_id = ?2 ORDER BY label",
    )?
    .query_map(params![id, profile], |row| {
        Ok(StoryLabel { label: row.get(0)?, objects: row.get(1)?, best_score: row.get(2)? })
    })?
    .collect()
}

fn calls(c: &Connection, id: SegmentId) -> rusqlite::Result<Vec<StoryCall>> {
    c.prepare_cached(
        "SELECT begun_ms, model, status, cost_nanousd FROM call
         WHERE segment_sha256 IN (SELECT sha256 FROM result WHERE segment_id = ?1) ORDER BY begun_ms",
    )?
    .query_map([id], |row| {
        let cost = row.get::<_, Option<u64>>(3)?.map(|nanos| Usd::of_nanos(nanos).dollars());
        Ok(StoryCall { begun: time(row.get(0)?), model: row.get(1)?, status: row.get(2)?, cost_usd: cost })
    })?
    .collect()
}

fn times(c: &Connection, id: SegmentId) -> rusqlite::Result<[Option<DateTime<Utc>>; 3]> {
    c.query_row("SELECT added_ms, moved_ms, restored_ms FROM segment WHERE id = ?1", [id], |row| {
        let at = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(time));
        Ok([at(0)?, at(1)?, at(2)?])
    })
}

fn archival(c: &Connection, id: SegmentId) -> rusqlite::Result<Option<Archival>> {
    c.prepare_cached(
        "SELECT s.archived_ms, b.store, b.key, b.class FROM segment s
         JOIN bundle_member m ON m.segment_id = s.id JOIN bundle b ON b.id = m.bundle_id
         WHERE s.id = ?1 AND s.archived_ms IS NOT NULL AND b.state = 'stored' ORDER BY b.stored_ms LIMIT 1",
    )?
    .query_row([id], |row| {
        let at = time(row.get(0)?);
        Ok(Archival { at, store: row.get(1)?, bundle: row.get(2)?, class: row.get(3)? })
    })
    .optional()
}

fn deletion(c: &Connection, id: SegmentId) -> rusqlite::Result<Option<Deletion>> {
    c.prepare_cached("SELECT at_ms, why FROM deletion WHERE segment_id = ?1")?
        .query_row([id], |row| Ok(Deletion { at: time(row.get(0)?), why: row.get(1)? }))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Gap, Planned};

    #[test]
    fn a_story_goes_from_the_recording_to_the_end() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let cause = GapCause::Stalled;
        let gap = |from, to| Gap {
            camera: "gate".parse().unwrap(),
            from: noon() + TimeDelta::minutes(from),
            to: noon() + TimeDelta::minutes(to),
            cause,
        };
        store.catalog.add_gaps(&[gap(-90, -30), gap(-6, -5), gap(3, 4), gap(30, 31)]).unwrap();
        store.media().move_into(id, Some(PROCESSED)).unwrap();
        let meant = store.catalog.segment_meant(Path::new("gate/a.mp4")).unwrap().unwrap();
        let story = store.catalog.story(&meant, noon()).unwrap();
        assert_eq!((story.id, story.state, story.gaps.len()), (id, SegmentState::Processed, 2));
        let moved = story.moved.unwrap();
        assert!((crate::Clock::system().now() - moved).abs() < TimeDelta::minutes(10), "moved at {moved}");
        assert_eq!((story.archived, story.restored), (None, None));
        assert_eq!(story.work.unwrap().state, "done");
        let labels: Vec<_> = story.results[0].labels.iter().map(|seen| seen.label.as_str()).collect();
        assert_eq!((labels, story.results[0].frames), (vec!["car", "person"], 2));
        let planned = Planned { id, state: SegmentState::Processed, now: noon() };
        store.media().delete_planned(planned, "older than thirty days").unwrap();
        let meant = store.catalog.segment_meant(Path::new("gate/a.mp4")).unwrap().unwrap();
        let at = |seconds| {
            store.catalog.segment_of_time("gate", meant.start + TimeDelta::seconds(seconds)).unwrap()
        };
        assert_eq!(at(1).map(|segment| segment.id), Some(id));
        assert!(at(-1).is_none() && at(3600).is_none());
        let story = store.catalog.story(&meant, noon()).unwrap();
        let deletion = Deletion { at: noon(), why: "older than thirty days".to_owned() };
        assert_eq!((story.state, story.deletion), (SegmentState::Deleted, Some(deletion)));
        assert!(store.catalog.segment_meant(Path::new("gate/b.mp4")).unwrap().is_none());
    }
}
