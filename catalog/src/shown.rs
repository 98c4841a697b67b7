//! What held segments show of the labels that somebody asks for, by the newest results of each.
//!
//! It is read in runs of neighbouring rows: a look at each segment would cost ten times as much.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};

use crate::near::first_of;
use crate::{Catalog, CatalogError, SegmentId};

/// Ids that are no further apart are read in one run, with what lies between them.
const GAP: i64 = 8;

/// Ids of a run; between two of them other threads get the connection.
const RUN: i64 = 100_000;

/// Labels with their best scores. What shows none of them takes no room, and each label of a segment 16 bytes.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    labels: Vec<Arc<str>>,
    /// In the order of their segments.
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    segment: SegmentId,
    label: u32,
    score: f32,
}

impl Shown {
    /// Returns what one segment shows. `near` is where the one before it was found: most are asked for in order.
    pub(crate) fn of(&self, id: SegmentId, near: &mut usize) -> Vec<(Arc<str>, f64)> {
        *near = first_of(&self.rows, |row| row.segment, (id, *near));
        let rows = self.rows[*near..].iter().take_while(|row| row.segment == id);
        rows.map(|row| (self.labels[row.label as usize].clone(), f64::from(row.score))).collect()
    }

    fn read(&mut self, c: &Connection, run: &RangeInclusive<i64>, held: &[i64]) -> rusqlite::Result<()> {
        let wanted = vec!["?"; self.labels.len()].join(", ");
        // Most segments have been looked at once: which results of a segment are the newest is asked of few.
        let mut statement = c.prepare_cached(&format!(
            "SELECT segment_id, label, best_score FROM seen
             WHERE segment_id BETWEEN ?1 AND ?2 AND label IN ({wanted})
               AND (segment_id NOT IN (SELECT segment_id FROM result WHERE segment_id BETWEEN ?1 AND ?2
                                       GROUP BY segment_id HAVING count(*) > 1)
                    OR profile_id = (SELECT profile_id FROM result r WHERE r.segment_id = seen.segment_id
                                     ORDER BY finished_ms DESC LIMIT 1))
             ORDER BY segment_id"
        ))?;
        let ends = [run.start(), run.end()].map(|id| id as &dyn rusqlite::ToSql);
        let labels = self.labels.iter().map(|label| label as &dyn rusqlite::ToSql);
        let mut rows = statement.query(params_from_iter(ends.into_iter().chain(labels)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (segment, label) = (row.get(0)?, row.get_ref(1)?.as_str()?);
            if let (Some(label), Ok(_)) =
                (self.labels.iter().position(|known| **known == *label), held.binary_search(&segment))
            {
                let segment = SegmentId(segment);
                found.push(Row { segment, label: label as u32, score: row.get::<_, f64>(2)? as f32 });
            }
        }
        self.rows.extend(found);
        Ok(())
    }
}

impl Catalog {
    /// Reads which of `labels` each segment shows whose file is there.
    pub fn shown(&self, labels: &[&str]) -> Result<Shown, CatalogError> {
        let mut shown =
            Shown { labels: labels.iter().map(|label| Arc::from(*label)).collect(), ..Shown::default() };
        if labels.is_empty() {
            return Ok(shown);
        }
        let held = self.read("list what is held", held)?;
        for run in runs(&held) {
            self.read("list what is shown", |c| shown.read(c, &run, &held))?;
        }
        Ok(shown)
    }
}

fn held(c: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        c.prepare_cached("SELECT id FROM segment WHERE state IN ('ready', 'processed', 'failed')")?;
    let mut ids = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    ids.sort_unstable();
    Ok(ids)
}

fn runs(ids: &[i64]) -> Vec<RangeInclusive<i64>> {
    let mut runs: Vec<RangeInclusive<i64>> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some(run) if id - run.end() <= GAP && id - run.start() < RUN => *run = *run.start()..=*id,
            _ => runs.push(*id..=*id),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn only_the_newest_results_of_what_is_held_are_shown() {
        let store = Store::new();
        let [twice, deleted, again] =
            ["a", "b", "c"].map(|name| store.add_processed(&format!("gate/{name}.mp4"), name));
        store.break_rows("INSERT INTO profile VALUES ('q', '{}')");
        for (id, later) in [(twice, 1), (again, -1)] {
            store.break_rows(&format!(
                "INSERT INTO result SELECT segment_id, 'q', sha256, facts, finished_ms + {later} FROM result
                 WHERE segment_id = {id}"
            ));
            store.break_rows(&format!("INSERT INTO seen VALUES ({id}, 'q', 'dog', 1, 1, 0.5)"));
        }
        store.media().delete(deleted).unwrap();
        let shown = store.catalog.shown(&["person", "dog", "cat"]).unwrap();
        let labels = |id| {
            shown
                .of(id, &mut 0)
                .into_iter()
                .map(|(label, score)| (label.to_string(), score))
                .collect::<Vec<_>>()
        };
        assert_eq!(labels(twice), [("dog".to_owned(), 0.5)]);
        assert_eq!(labels(deleted), []);
        assert_eq!(labels(again), [("person".to_owned(), 0.875)]);
        assert!(store.catalog.shown(&[]).unwrap().of(twice, &mut 0).is_empty());
        for id in [twice, again] {
            let mut known = store.catalog.holding(id, noon()).unwrap().unwrap().seen;
            known.retain(|(label, _)| **label != *"car");
            assert_eq!(known, shown.of(id, &mut 2));
        }
    }

    #[test]
    fn neighbours_are_read_together_and_strangers_are_not() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[1, 2, 10, 19, 20]), [1..=10, 19..=20]);
        let many: Vec<i64> = (0..=RUN).collect();
        assert_eq!(runs(&many), [0..=RUN - 1, RUN..=RUN]);
    }
}
