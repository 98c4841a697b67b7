//! Catching up: results that were stored before there were events get theirs.

use crate::{Catalog, CatalogError, SegmentId, events, store};

/// Segments per transaction: other processes want to write meanwhile.
const BATCH: u32 = 100;

impl Catalog {
    /// Makes the events of stored results that have none yet, oldest first. Quick where there is nothing to do.
    pub fn catch_up_events(&self) -> Result<usize, CatalogError> {
        let mut done = 0;
        loop {
            let some = self.write("make events of earlier results", |t| {
                let mut statement = t.prepare_cached(
                    "SELECT r.segment_id, r.profile_id FROM result r JOIN segment s ON s.id = r.segment_id
                     WHERE r.segment_id NOT IN (SELECT segment_id FROM looked)
                     GROUP BY r.segment_id HAVING r.finished_ms = max(r.finished_ms) ORDER BY s.start_ms LIMIT ?1",
                )?;
                let found = statement
                    .query_map([BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<rusqlite::Result<Vec<(SegmentId, String)>>>()?;
                for (id, profile) in &found {
                    let results = store::load(t, *id, profile)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                    events::replace(t, *id, &results)?;
                }
                Ok(found.len())
            })?;
            done += some;
            if some == 0 {
                return Ok(done);
            }
        }
    }
}
