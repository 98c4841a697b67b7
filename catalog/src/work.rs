//! The work that is left on segments, as the queue tells it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::segment::Word;
use crate::{Catalog, CatalogError, SegmentId};

/// What the queue says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Work {
    /// Done, or never asked for.
    None,
    /// In the queue, or leased by somebody whose time is over.
    Waiting,
    /// Somebody works on it now.
    Leased,
    /// Given up: a dead letter.
    Dead,
}

/// The work that is left, as the queue told it at one moment. What is done, or was never asked for, takes no room.
#[derive(Clone, Debug, Default)]
pub struct Works(HashMap<SegmentId, Work>);

impl Works {
    pub(crate) fn of(&self, id: SegmentId) -> Work {
        self.0.get(&id).copied().unwrap_or(Work::None)
    }
}

/// For one segment; the `?1` is the time after which a lease is alive.
pub(crate) const WORK: &str =
    "ifnull((SELECT CASE WHEN job.state = 'leased' AND job.lease_until_ms > ?1 THEN 'leased'
                         WHEN job.state = 'dead' THEN 'dead'
                         WHEN job.state = 'done' THEN 'none'
                         ELSE 'waiting' END
             FROM job WHERE job.segment_id = segment.id), 'none')";

impl Catalog {
    /// Asks the queue once for the work on all segments: a look at each would cost as much as the segments do.
    pub fn works(&self, now: DateTime<Utc>) -> Result<Works, CatalogError> {
        self.read("list the work that is left", |c| {
            let mut statement = c.prepare_cached(
                "SELECT segment_id, CASE WHEN state = 'leased' AND lease_until_ms > ?1 THEN 'leased'
                                         WHEN state = 'dead' THEN 'dead' ELSE 'waiting' END
                 FROM job WHERE state IN ('queued', 'leased', 'dead')",
            )?;
            let work = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Word<Work>>(1)?.0));
            statement.query_map([now.timestamp_millis()], work)?.collect::<rusqlite::Result<_>>().map(Works)
        })
    }
}
