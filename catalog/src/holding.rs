//! Holdings: the segments whose files lie in the media folder, each with the work that is still to be done on it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use crate::segment::{COLUMNS, Word, time};
use crate::{Catalog, CatalogError, Segment, SegmentId, SegmentState};

/// Rows read at a time; between two pages other threads get the connection.
const PAGE: u32 = 4096;

#[derive(Clone, Debug)]
pub struct Holding {
    pub segment: Segment,
    pub work: Work,
    /// Labels with their best scores, by the newest results; empty where they were not asked for.
    pub seen: Vec<(String, f64)>,
    /// Since when the archive holds it.
    pub archived: Option<DateTime<Utc>>,
    /// Since when it is back from there.
    pub restored: Option<DateTime<Utc>>,
}

/// Which holdings are listed, and what is told of them.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'w> {
    pub state: SegmentState,
    pub works: &'w Works,
    pub labels: Labels,
    pub facts: Facts,
}

/// How much of a segment is told; to leave out most of it costs half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    All,
    /// Camera, times, state and size; the path is empty.
    Sizes,
}

/// The work that is left, as the queue told it at one moment. What is done, or was never asked for, takes no room.
#[derive(Clone, Debug, Default)]
pub struct Works(HashMap<SegmentId, Work>);

impl Works {
    fn of(&self, id: SegmentId) -> Work {
        self.0.get(&id).copied().unwrap_or(Work::None)
    }
}

/// Whether it is told what a holding shows; it costs as much again as the listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    Read,
    LeftOut,
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

/// Labels and scores of the newest results, between characters that no label has.
const SEEN: &str = "(SELECT group_concat(label || char(31) || best_score, char(30)) FROM seen
                     WHERE seen.segment_id = segment.id AND seen.profile_id =
                        (SELECT profile_id FROM result WHERE result.segment_id = segment.id
                         ORDER BY finished_ms DESC LIMIT 1))";

impl Labels {
    fn column(self) -> &'static str {
        match self {
            Self::Read => SEEN,
            Self::LeftOut => "NULL",
        }
    }
}

impl Facts {
    fn columns(self) -> &'static str {
        match self {
            Self::All => COLUMNS,
            Self::Sizes => "id, '', camera, state, start_ms, 'mtime', duration_ms, size, 0, 0, NULL",
        }
    }
}

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

    /// Calls `each` for every segment of a camera that is in the wanted state, oldest first, until it breaks. What is
    /// being moved or deleted already is left out. Holds one page of rows in memory, however many there are; `each`
    /// may call the catalogue, since no page is being read meanwhile.
    pub fn try_each_holding(
        &self,
        listing: Listing<'_>,
        mut each: impl FnMut(Holding) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CatalogError> {
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let page = self.read("list holdings", |c| page(c, listing, after))?;
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
                "SELECT {COLUMNS}, {WORK}, {SEEN}, archived_ms, restored_ms FROM segment
                 WHERE id = ?2 AND camera IS NOT NULL AND intent IS NULL
                   AND state NOT IN ('missing', 'archived', 'deleted')"
            ))?
            .query_row(params![now.timestamp_millis(), id], |row| {
                Holding::from_row(row, row.get::<_, Word<Work>>(11)?.0, 12)
            })
            .optional()
        })
    }
}

impl Holding {
    fn from_row(row: &rusqlite::Row<'_>, work: Work, seen_at: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            segment: Segment::from_row(row)?,
            work,
            seen: row.get_ref(seen_at)?.as_str_or_null()?.map(labels).unwrap_or_default(),
            archived: row.get::<_, Option<i64>>(seen_at + 1)?.map(time),
            restored: row.get::<_, Option<i64>>(seen_at + 2)?.map(time),
        })
    }
}

fn labels(joined: &str) -> Vec<(String, f64)> {
    let label = |entry: &str| {
        let (label, score) = entry.split_once('\u{1f}')?;
        Some((label.to_owned(), score.parse().ok()?))
    };
    joined.split('\u{1e}').filter_map(label).collect()
}

fn page(c: &Connection, listing: Listing<'_>, after: (i64, i64)) -> rusqlite::Result<Vec<Holding>> {
    let Listing { state, works, labels, facts } = listing;
    let (columns, seen) = (facts.columns(), labels.column());
    let mut statement = c.prepare_cached(&format!(
        "SELECT {columns}, {seen}, archived_ms, restored_ms FROM segment
         WHERE state = ?1 AND (start_ms, id) > (?2, ?3) AND camera IS NOT NULL AND intent IS NULL
         ORDER BY start_ms, id LIMIT ?4"
    ))?;
    statement
        .query_map(params![Word(state), after.0, after.1, PAGE], |row| {
            Holding::from_row(row, works.of(row.get(0)?), 11)
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Planned, Queue};

    fn holdings(store: &Store, state: SegmentState, now: DateTime<Utc>) -> Vec<(String, Work)> {
        let mut found = Vec::new();
        let each = |holding: Holding| {
            // What is listed may be acted upon at once.
            let known = store.catalog.holding(holding.segment.id, now).unwrap().unwrap();
            assert_eq!(known.work, holding.work);
            found.push((holding.segment.path.to_str().unwrap().to_owned(), holding.work));
            ControlFlow::Continue(())
        };
        let works = store.catalog.works(now).unwrap();
        let listing = Listing { state, works: &works, labels: Labels::LeftOut, facts: Facts::All };
        let _ = store.catalog.try_each_holding(listing, each).unwrap();
        found
    }

    #[test]
    fn holdings_tell_the_work_that_is_left() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let again = store.add_processed("gate/b.mp4", "b");
        store.queue().offer(&[again], noon()).unwrap();
        let leased = store.add("gate/c.mp4", "c");
        store.lease(leased);
        store.add("gate/d.mp4", "d");
        store.add_quarantined("gate/e.mp4", "e");
        let processed = [("gate/a.mp4", Work::None), ("gate/b.mp4", Work::Waiting)];
        let ready = [("gate/c.mp4", Work::Leased), ("gate/d.mp4", Work::Waiting)];
        let failed = [("gate/failed/e.mp4", Work::Dead)];
        let cases: [(SegmentState, &[(&str, Work)]); 3] = [
            (SegmentState::Processed, &processed),
            (SegmentState::Ready, &ready),
            (SegmentState::Failed, &failed),
        ];
        for (state, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(path, work)| ((*path).to_owned(), *work)).collect();
            assert_eq!(holdings(&store, state, noon()), expected);
        }
        // Whose lease ran out works no longer.
        let later = noon() + chrono::TimeDelta::hours(1);
        assert!(holdings(&store, SegmentState::Ready, later).iter().all(|(_, work)| *work == Work::Waiting));
    }

    #[test]
    fn a_holding_tells_what_the_newest_results_show() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let seen = store.catalog.holding(id, noon()).unwrap().unwrap().seen;
        let seen: Vec<_> = seen.iter().map(|(label, score)| (label.as_str(), *score as f32)).collect();
        assert_eq!(seen, [("car", 0.7), ("person", 0.875)]);
        let mut listed = Vec::new();
        for labels in [Labels::Read, Labels::LeftOut] {
            let works = Works::default();
            let listing =
                Listing { state: SegmentState::Processed, works: &works, labels, facts: Facts::Sizes };
            let each = |holding: Holding| {
                assert_eq!(holding.segment.stat.size, 1);
                listed.push(holding.seen.len());
                ControlFlow::Continue(())
            };
            let _ = store.catalog.try_each_holding(listing, each).unwrap();
        }
        assert_eq!(listed, [2, 0]);
    }

    #[test]
    fn what_is_gone_on_its_way_or_named_is_not_held() {
        let store = Store::new();
        let deleted = store.add_processed("gate/a.mp4", "a");
        let planned = Planned { id: deleted, state: SegmentState::Processed, now: noon() };
        store.media().delete_planned(planned, "too old").unwrap();
        let leaving = store.add_processed("gate/b.mp4", "b");
        store.break_rows("UPDATE segment SET intent = 'delete' WHERE path = 'gate/b.mp4'");
        let named = store.add_processed("gate/c.mp4", "c");
        store.break_rows("UPDATE segment SET camera = NULL WHERE path = 'gate/c.mp4'");
        assert_eq!(holdings(&store, SegmentState::Processed, noon()), []);
        for id in [deleted, leaving, named] {
            assert!(store.catalog.holding(id, noon()).unwrap().is_none());
        }
    }

    #[test]
    fn many_are_listed_in_order_page_by_page_until_it_is_enough() {
        let store = Store::new();
        store.break_rows(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO segment (path, camera, state, start_ms, start_source, size, mtime_ns, inode, added_ms)
             SELECT 'gate/' || i || '.mp4', 'gate', 'processed', 5000 - i / 7, 'mtime', 1, 1, i, 0 FROM n",
        );
        let mut starts = Vec::new();
        let states = [SegmentState::Processed];
        store.catalog.each_segment(&states, |s| starts.push((s.start, s.id))).unwrap();
        assert_eq!(starts.len(), 5000);
        assert!(starts.is_sorted());
        let mut held = Vec::new();
        let until_enough = |holding: Holding| {
            held.push((holding.segment.start, holding.segment.id));
            if held.len() == 4500 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let works = Works::default();
        let (state, labels, facts) = (SegmentState::Processed, Labels::LeftOut, Facts::All);
        let listing = Listing { state, works: &works, labels, facts };
        let flow = store.catalog.try_each_holding(listing, until_enough).unwrap();
        assert!(flow.is_break());
        assert_eq!(held, starts[..4500]);
    }
}
