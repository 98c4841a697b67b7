//! Holdings: the segments whose files lie in the media folder, each with the work that is still to be done on it.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use crate::segment::{COLUMNS, Word};
use crate::{Catalog, CatalogError, Segment, SegmentId, SegmentState};

/// Rows read at a time; between two pages other threads get the connection.
const PAGE: u32 = 4096;

#[derive(Clone, Debug)]
pub struct Holding {
    pub segment: Segment,
    pub work: Work,
}

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

/// The `?1` is the time after which a lease is alive.
const WORK: &str = "ifnull((SELECT CASE WHEN job.state = 'leased' AND job.lease_until_ms > ?1 THEN 'leased'
                                        WHEN job.state = 'dead' THEN 'dead'
                                        WHEN job.state = 'done' THEN 'none'
                                        ELSE 'waiting' END
                            FROM job WHERE job.segment_id = segment.id), 'none')";

impl Catalog {
    /// Calls `each` for every segment of a camera that is in `state`, oldest first. What is being moved or
    /// deleted already is left out. Holds one page of rows in memory, however many there are.
    pub fn each_holding(
        &self,
        state: SegmentState,
        now: DateTime<Utc>,
        mut each: impl FnMut(Holding),
    ) -> Result<(), CatalogError> {
        let all = |holding| {
            each(holding);
            ControlFlow::Continue(())
        };
        self.try_each_holding(state, now, all).map(|_| ())
    }

    /// As [`Catalog::each_holding`], but ends when `each` breaks. It may call the catalogue: no page is being read
    /// meanwhile.
    pub fn try_each_holding(
        &self,
        state: SegmentState,
        now: DateTime<Utc>,
        mut each: impl FnMut(Holding) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CatalogError> {
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let page = self.read("list holdings", |c| page(c, state, now, after))?;
            let Some(last) = page.last() else { return Ok(ControlFlow::Continue(())) };
            after = (last.segment.start.timestamp_millis(), last.segment.id.0);
            if page.into_iter().try_for_each(&mut each).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Looks up one segment and the work on it. Nothing when its file is gone, or on its way.
    pub fn holding(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Option<Holding>, CatalogError> {
        self.read("look up a holding", |c| {
            c.prepare_cached(&format!(
                "SELECT {COLUMNS}, {WORK} FROM segment
                 WHERE id = ?2 AND camera IS NOT NULL AND intent IS NULL AND state NOT IN ('missing', 'deleted')"
            ))?
            .query_row(params![now.timestamp_millis(), id], Holding::from_row)
            .optional()
        })
    }
}

impl Holding {
    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { segment: Segment::from_row(row)?, work: row.get::<_, Word<Work>>(11)?.0 })
    }
}

fn page(
    c: &Connection,
    state: SegmentState,
    now: DateTime<Utc>,
    after: (i64, i64),
) -> rusqlite::Result<Vec<Holding>> {
    let mut statement = c.prepare_cached(&format!(
        "SELECT {COLUMNS}, {WORK} FROM segment
         WHERE state = ?2 AND (start_ms, id) > (?3, ?4) AND camera IS NOT NULL AND intent IS NULL
         ORDER BY start_ms, id LIMIT ?5"
    ))?;
    statement
        .query_map(params![now.timestamp_millis(), Word(state), after.0, after.1, PAGE], Holding::from_row)?
        .collect()
}
