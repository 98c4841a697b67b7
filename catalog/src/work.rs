//! The work that is left on segments, as the queue tells it.

use chrono::{DateTime, Utc};

use crate::near::first_of;
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
pub struct Works(Vec<(SegmentId, Work)>);

impl Works {
    /// Returns the work on one segment. `near` is where the one before it was found.
    pub(crate) fn of(&self, id: SegmentId, near: &mut usize) -> Work {
        *near = first_of(&self.0, |(segment, _)| *segment, (id, *near));
        self.0.get(*near).filter(|(segment, _)| *segment == id).map_or(Work::None, |(_, work)| *work)
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
            let works = statement.query_map([now.timestamp_millis()], work)?;
            let mut works: Vec<(SegmentId, Work)> = works.collect::<rusqlite::Result<_>>()?;
            works.sort_unstable_by_key(|(segment, _)| segment.0);
            Ok(Works(works))
        })
    }
}
