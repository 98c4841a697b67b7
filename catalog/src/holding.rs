//! Holdings: the segments whose files lie in the media folder, each with the work that is still to be done on it.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::segment::{PathText, Word, time};
use crate::work::WORK;
use crate::{Catalog, CatalogError, SegmentId, SegmentState, Shown, Work, Works};

/// Rows read at a time, which fit into a processor's cache; between two pages other threads get the connection.
const PAGE: u32 = 1024;

#[derive(Clone, Debug)]
pub struct Holding {
    pub id: SegmentId,
    /// Relative to the root.
    pub path: PathBuf,
    /// Shared by all of its camera in a listing.
    pub camera: Arc<str>,
    pub state: SegmentState,
    pub start: DateTime<Utc>,
    pub duration: Option<Duration>,
    pub bytes: u64,
    pub work: Work,
    /// Labels with their best scores, by the newest results; in a listing those that were asked for.
    pub seen: Vec<(Arc<str>, f64)>,
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
    pub shown: &'w Shown,
    pub facts: Facts,
}

/// How much of a segment is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    All,
    /// The path is empty: all else is in the index, and the rows themselves are not read.
    Sizes,
}

/// Labels and scores of the newest results, between characters that no label has.
const SEEN: &str = "(SELECT group_concat(label || char(31) || best_score, char(30)) FROM seen
                     WHERE seen.segment_id = segment.id AND seen.profile_id =
                        (SELECT profile_id FROM result WHERE result.segment_id = segment.id
                         ORDER BY finished_ms DESC LIMIT 1))";

impl Facts {
    fn columns(self) -> &'static str {
        match self {
            Self::All => "id, camera, start_ms, duration_ms, size, archived_ms, restored_ms, path",
            Self::Sizes => "id, camera, start_ms, duration_ms, size, archived_ms, restored_ms",
        }
    }
}

impl Catalog {
    /// Calls `each` for every segment of a camera that is in the wanted state, oldest first, until it breaks. What is
    /// being moved or deleted already is left out. Holds one page of rows in memory, however many there are; `each`
    /// may call the catalogue, since no page is being read meanwhile.
    pub fn try_each_holding(
        &self,
        listing: Listing<'_>,
        mut each: impl FnMut(Holding) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CatalogError> {
        let mut after = (i64::MIN, i64::MIN);
        let (mut page, mut cameras) = (Vec::new(), Cameras::default());
        loop {
            self.read("list holdings", |c| fill((&mut page, &mut cameras), c, listing, after))?;
            let Some(last) = page.last() else { return Ok(ControlFlow::Continue(())) };
            after = (last.start.timestamp_millis(), last.id.0);
            if page.drain(..).try_for_each(&mut each).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Looks up one segment and the work on it. Nothing when its file is gone, or on its way.
    pub fn holding(&self, id: SegmentId, now: DateTime<Utc>) -> Result<Option<Holding>, CatalogError> {
        self.read("look up a holding", |c| {
            let columns = Facts::All.columns();
            c.prepare_cached(&format!(
                "SELECT {columns}, state, {WORK}, {SEEN} FROM segment
                 WHERE id = ?2 AND camera IS NOT NULL AND intent IS NULL
                   AND state NOT IN ('missing', 'archived', 'deleted')"
            ))?
            .query_row(params![now.timestamp_millis(), id], |row| {
                let (state, work) = (row.get::<_, Word<_>>(8)?.0, row.get::<_, Word<_>>(9)?.0);
                let seen = row.get_ref(10)?.as_str_or_null()?.map(labels).unwrap_or_default();
                let camera = row.get_ref(1)?.as_str()?.into();
                Ok(Holding { seen, work, path: path(row)?, ..Holding::from_row(row, camera, state)? })
            })
            .optional()
        })
    }
}

impl Holding {
    /// Reads what [`Facts::Sizes`] tells; the rest is left empty.
    fn from_row(row: &Row<'_>, camera: Arc<str>, state: SegmentState) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            path: PathBuf::new(),
            camera,
            state,
            start: time(row.get(2)?),
            duration: row.get::<_, Option<u64>>(3)?.map(Duration::from_millis),
            bytes: row.get(4)?,
            work: Work::None,
            seen: Vec::new(),
            archived: row.get::<_, Option<i64>>(5)?.map(time),
            restored: row.get::<_, Option<i64>>(6)?.map(time),
        })
    }
}

/// Of [`Facts::All`].
fn path(row: &Row<'_>) -> rusqlite::Result<PathBuf> {
    Ok(row.get::<_, PathText>(7)?.0)
}

/// The names of the cameras that were met in a listing.
#[derive(Default)]
struct Cameras(HashSet<Arc<str>>);

impl Cameras {
    fn named(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}

fn labels(joined: &str) -> Vec<(Arc<str>, f64)> {
    let label = |entry: &str| {
        let (label, score) = entry.split_once('\u{1f}')?;
        Some((label.into(), score.parse().ok()?))
    };
    joined.split('\u{1e}').filter_map(label).collect()
}

/// Reads the rows that come `after` a start and an id.
fn fill(
    (page, cameras): (&mut Vec<Holding>, &mut Cameras),
    c: &Connection,
    listing: Listing<'_>,
    after: (i64, i64),
) -> rusqlite::Result<()> {
    let Listing { state, works, shown, facts } = listing;
    let columns = facts.columns();
    let mut statement = c.prepare_cached(&format!(
        "SELECT {columns} FROM segment
         WHERE state = ?1 AND (start_ms, id) > (?2, ?3) AND camera IS NOT NULL AND intent IS NULL
         ORDER BY start_ms, id LIMIT ?4"
    ))?;
    let mut rows = statement.query(params![Word(state), after.0, after.1, PAGE])?;
    let (mut near_work, mut near_shown) = (0, 0);
    while let Some(row) = rows.next()? {
        let camera = cameras.named(row.get_ref(1)?.as_str()?);
        let mut holding = Holding::from_row(row, camera, state)?;
        holding.work = works.of(holding.id, &mut near_work);
        holding.seen = shown.of(holding.id, &mut near_shown);
        if facts == Facts::All {
            holding.path = path(row)?;
        }
        page.push(holding);
    }
    Ok(())
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
            let known = store.catalog.holding(holding.id, now).unwrap().unwrap();
            assert_eq!(known.work, holding.work);
            found.push((holding.path.to_str().unwrap().to_owned(), holding.work));
            ControlFlow::Continue(())
        };
        let works = store.catalog.works(now).unwrap();
        let listing = Listing { state, works: &works, shown: &Shown::default(), facts: Facts::All };
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
        let seen: Vec<_> = seen.iter().map(|(label, score)| (label.as_ref(), *score as f32)).collect();
        assert_eq!(seen, [("car", 0.7), ("person", 0.875)]);
        let mut listed = Vec::new();
        for labels in [&["person", "car"][..], &["person"], &[]] {
            let (works, shown) = (Works::default(), store.catalog.shown(labels).unwrap());
            let state = SegmentState::Processed;
            let listing = Listing { state, works: &works, shown: &shown, facts: Facts::Sizes };
            let each = |holding: Holding| {
                assert_eq!(holding.bytes, 1);
                listed.push(holding.seen.len());
                ControlFlow::Continue(())
            };
            let _ = store.catalog.try_each_holding(listing, each).unwrap();
        }
        assert_eq!(listed, [2, 1, 0]);
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
            held.push((holding.start, holding.id));
            if held.len() == 4500 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (works, shown) = (Works::default(), Shown::default());
        let (state, facts) = (SegmentState::Processed, Facts::All);
        let listing = Listing { state, works: &works, shown: &shown, facts };
        let flow = store.catalog.try_each_holding(listing, until_enough).unwrap();
        assert!(flow.is_break());
        assert_eq!(held, starts[..4500]);
    }
}
