//! When a camera was to be recorded: from the day on which it came into the settings to the day on which it was
//! taken out. What lies between two runs of the recorder is then a gap, and what lies before is none.

use chrono::{DateTime, Utc};
use config::CameraId;
use rusqlite::{Connection, Transaction, params};

use crate::segment::time;
use crate::{Catalog, CatalogError, Gap, GapCause, Span, gap};

impl Catalog {
    /// Notes that a recorder has a camera in hand since `at`: its first frame, or its first attempt to get one.
    /// Where it was in hand before, the time between is a gap with the cause `stopped`.
    pub fn note_resumed(&self, camera: &CameraId, at: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note that a camera is recorded again", |t| {
            let Some(since) = open_since(t, camera)? else {
                return t
                    .prepare_cached("INSERT OR IGNORE INTO expected (camera, from_ms) VALUES (?1, ?2)")?
                    .execute(params![camera.as_str(), at.timestamp_millis()])
                    .map(drop);
            };
            let from = last_sign(t, camera, at)?.unwrap_or(since).max(since);
            if from >= at {
                return Ok(()); // the clock was set back meanwhile
            }
            gap::insert(t, &Gap { camera: camera.clone(), from, to: at, cause: GapCause::Stopped })
        })
    }

    /// Notes which cameras are to be recorded by the settings, so that nothing is expected any more of those that
    /// were taken out. Called with all of them, also where only some are recorded.
    pub fn note_configured(&self, cameras: &[CameraId], now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("note the cameras of the settings", |t| {
            let open: Vec<String> = t
                .prepare_cached("SELECT camera FROM expected WHERE to_ms IS NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let gone = open.iter().filter(|id| !cameras.iter().any(|camera| camera.as_str() == id.as_str()));
            let mut end = t.prepare_cached(
                "UPDATE expected SET to_ms = max(from_ms, ?2) WHERE camera = ?1 AND to_ms IS NULL",
            )?;
            for id in gone {
                end.execute(params![id, now.timestamp_millis()])?;
            }
            Ok(())
        })
    }
}

fn open_since(t: &Transaction<'_>, camera: &CameraId) -> rusqlite::Result<Option<DateTime<Utc>>> {
    t.prepare_cached("SELECT max(from_ms) FROM expected WHERE camera = ?1 AND to_ms IS NULL")?
        .query_row([camera.as_str()], |row| row.get::<_, Option<i64>>(0).map(|ms| ms.map(time)))
}

/// Returns the last moment before `now` of which is known what became of it.
pub(crate) fn last_sign(
    c: &Connection,
    camera: &CameraId,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let footage = c
        .prepare_cached(
            "SELECT max(start_ms + ifnull(duration_ms, 0)) FROM
                (SELECT start_ms, duration_ms FROM segment WHERE camera = ?1 AND start_ms <= ?2
                 ORDER BY start_ms DESC LIMIT 10)",
        )?
        .query_row(params![camera.as_str(), now.timestamp_millis()], |row| row.get::<_, Option<i64>>(0))?;
    Ok(footage.map(time).max(gap::last_end(c, camera, now)?))
}

/// Lists when a camera was to be recorded within a span, up to `now`.
pub(crate) fn expected_within(
    c: &Connection,
    camera: &CameraId,
    within: Span,
    now: DateTime<Utc>,
) -> rusqlite::Result<Vec<Span>> {
    c.prepare_cached("SELECT from_ms, ifnull(to_ms, ?2) FROM expected WHERE camera = ?1 ORDER BY from_ms")?
        .query_map(params![camera.as_str(), now.timestamp_millis()], |row| {
            let (from, to) = (time(row.get(0)?), time(row.get(1)?));
            Ok(Span::new(from.max(within.from), to.min(within.to).min(now)))
        })?
        .filter(|span| span.as_ref().map_or(true, |span| span.from < span.to))
        .collect()
}

/// Tells whether a camera is to be recorded now.
pub(crate) fn is_expected(c: &Connection, camera: &CameraId) -> rusqlite::Result<bool> {
    c.prepare_cached("SELECT 1 FROM expected WHERE camera = ?1 AND to_ms IS NULL")?.exists([camera.as_str()])
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::fixture::{Store, noon};

    fn at(second: i64) -> DateTime<Utc> {
        noon() + TimeDelta::seconds(second)
    }

    fn gaps(store: &Store) -> Vec<(i64, i64, GapCause)> {
        let seconds = |at: DateTime<Utc>| (at - noon()).num_seconds();
        let gaps = store.catalog.gaps().unwrap();
        gaps.iter().map(|gap| (seconds(gap.from), seconds(gap.to), gap.cause)).collect()
    }

    #[test]
    fn the_time_between_two_runs_is_a_gap_from_what_is_known_last() {
        let store = Store::new();
        let gate: CameraId = "gate".parse().unwrap();
        store.catalog.note_resumed(&gate, at(0)).unwrap();
        assert_eq!(gaps(&store), [], "nothing was expected before the first run");
        store.footage("gate", at(0), 60);
        store.catalog.note_resumed(&gate, at(100)).unwrap();
        assert_eq!(gaps(&store), [(60, 100, GapCause::Stopped)]);

        store
            .catalog
            .add_gap(&Gap { camera: gate.clone(), from: at(100), to: at(130), cause: GapCause::Unreachable })
            .unwrap();
        store.catalog.note_resumed(&gate, at(150)).unwrap();
        assert_eq!(gaps(&store)[2], (130, 150, GapCause::Stopped));
        store.catalog.note_resumed(&gate, at(-3600)).unwrap();
        assert_eq!(gaps(&store).len(), 3, "a clock that went back leaves no gap");
    }

    #[test]
    fn nothing_is_expected_of_a_camera_while_it_is_not_in_the_settings() {
        let store = Store::new();
        let cameras: Vec<CameraId> = vec!["gate".parse().unwrap(), "yard".parse().unwrap()];
        cameras.iter().for_each(|camera| store.catalog.note_resumed(camera, at(0)).unwrap());
        store.footage("gate", at(0), 60);
        store.catalog.note_configured(&cameras[1..], at(60)).unwrap();
        store.catalog.note_configured(&cameras, at(500)).unwrap();
        store.catalog.note_resumed(&cameras[0], at(500)).unwrap();
        assert_eq!(gaps(&store), []);
        let day = Span::new(at(-10_000), at(10_000));
        let expected =
            |camera| store.catalog.read("test", |c| expected_within(c, camera, day, at(600))).unwrap();
        assert_eq!(expected(&cameras[0]), [Span::new(at(0), at(60)), Span::new(at(500), at(600))]);
        assert_eq!(expected(&cameras[1]), [Span::new(at(0), at(600))]);
    }
}
