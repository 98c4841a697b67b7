//! The segments of one camera around a time: what a player plays one after the other.

use chrono::{DateTime, TimeDelta, Utc};
use config::CameraId;
use rusqlite::params;

use crate::segment::COLUMNS;
use crate::{Catalog, CatalogError, Segment, Span};

/// A file is looked for so far back, where nothing before it is nearer.
const LONGEST: TimeDelta = TimeDelta::days(1);

impl Catalog {
    /// Lists the segments of a camera that reach into a span and whose file is there, oldest first, `limit` at most.
    /// One whose length is not known yet counts as a minute.
    pub fn camera_segments(
        &self,
        camera: &CameraId,
        (within, limit): (Span, u32),
    ) -> Result<Vec<Segment>, CatalogError> {
        self.read("list a camera's segments", |c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM segment
                 WHERE camera = ?1 AND start_ms >= ?2 AND start_ms < ?3 AND start_ms + ifnull(duration_ms, 60000) > ?4
                    AND state IN ('ready', 'processed') AND path NOT LIKE '/%'
                 ORDER BY start_ms, id LIMIT ?5"
            ))?
            .query_map(
                params![
                    camera.as_str(),
                    (within.from - LONGEST).timestamp_millis(),
                    within.to.timestamp_millis(),
                    within.from.timestamp_millis(),
                    limit
                ],
                Segment::from_row,
            )?
            .collect()
        })
    }

    /// Returns the last segment of a camera that begins before a time and whose file is there.
    pub fn camera_segment_before(
        &self,
        camera: &CameraId,
        at: DateTime<Utc>,
    ) -> Result<Option<Segment>, CatalogError> {
        self.read("look up a camera's segment", |c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM segment
                 WHERE camera = ?1 AND start_ms < ?2 AND state IN ('ready', 'processed') AND path NOT LIKE '/%'
                 ORDER BY start_ms DESC, id DESC LIMIT 1"
            ))?
            .query_map(params![camera.as_str(), at.timestamp_millis()], Segment::from_row)?
            .next()
            .transpose()
        })
    }

    /// Lists the cameras of which there are segments, whatever the settings say. Goes from one to the next in the
    /// index, however many segments each has.
    pub fn recorded_cameras(&self) -> Result<Vec<CameraId>, CatalogError> {
        let names: Vec<String> = self.read("list cameras", |c| {
            c.prepare_cached(
                "WITH RECURSIVE name (camera) AS (
                    SELECT min(camera) FROM segment
                    UNION ALL SELECT (SELECT min(camera) FROM segment WHERE camera > name.camera) FROM name
                    WHERE name.camera IS NOT NULL)
                 SELECT camera FROM name WHERE camera IS NOT NULL",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
        })?;
        Ok(names.into_iter().filter_map(|name| name.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn a_camera_s_files_are_found_by_time() {
        let store = Store::new();
        let first = store.add_processed("gate/a.mp4", "a");
        store.add_quarantined("gate/b.mp4", "b");
        store.add_processed("yard/c.mp4", "c");
        let gate: CameraId = "gate".parse().unwrap();
        let start = store.catalog.segment(first).unwrap().start;
        let hour = |from: DateTime<Utc>| (Span::new(from, from + TimeDelta::hours(1)), 10);
        let ids = |from| -> Vec<_> {
            let found = store.catalog.camera_segments(&gate, hour(from)).unwrap();
            found.into_iter().map(|segment| segment.id).collect()
        };
        assert_eq!(ids(start), [first]);
        assert_eq!(ids(noon() + TimeDelta::days(2)), []);
        let before = |at| store.catalog.camera_segment_before(&gate, at).unwrap().map(|segment| segment.id);
        assert_eq!(before(start + TimeDelta::days(400)), Some(first));
        assert_eq!(before(start), None);
        let names: Vec<String> =
            store.catalog.recorded_cameras().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["gate", "yard"]);
    }
}
