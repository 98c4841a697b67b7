//! The former catalogue beside one that is made anew: attached, read as far as it can be, and closed.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::segment::PathText;
use crate::{Catalog, CatalogError, SegmentId};

/// What belongs to segments, and must come after them.
const OF_SEGMENTS: [&str; 8] =
    ["segment", "profile", "result", "observation", "seen", "decision", "gated", "hold"];

/// What files, sidecars and triggers tell anew; and what SQLite keeps for itself.
const TOLD_ANEW: [&str; 6] = ["root", "job", "looked", "sighting", "event", "spent"];

/// A former catalogue, attached as `former` to the connection of a new one.
#[derive(Debug)]
pub(crate) struct Former {
    /// Above all ids that it gave.
    next_id: Cell<i64>,
}

impl Former {
    pub(crate) fn attach(catalog: &Catalog, path: &Path) -> Result<Self, CatalogError> {
        catalog.read("attach the former catalogue", |c| {
            c.execute("ATTACH ?1 AS former", [PathText(path.into())])?;
            let last: Option<i64> =
                c.query_row("SELECT max(id) FROM former.segment", [], |row| row.get(0))?;
            Ok(Self { next_id: Cell::new(last.unwrap_or(0)) })
        })
    }

    /// Returns an id that no segment ever had.
    pub(crate) fn fresh_id(&self) -> SegmentId {
        self.next_id.set(self.next_id.get() + 1);
        SegmentId(self.next_id.get())
    }

    /// Brings over what no file tells, table by table, and detaches. Returns the tables that cannot be read.
    pub(crate) fn carry_over(self, catalog: &Catalog) -> Result<Vec<String>, CatalogError> {
        let others = catalog.read("list the tables", |c| {
            // Tables point to each other in any order.
            c.pragma_update(None, "foreign_keys", false)?;
            tables(c)
        })?;
        let mut lost = Vec::new();
        for table in OF_SEGMENTS.iter().map(|table| (*table).to_owned()).chain(others) {
            if let Err(error) = catalog.write("carry a table over", |t| copy(t, &table)) {
                tracing::warn!(table, error = &error as &dyn std::error::Error, "a table is lost");
                lost.push(table);
            }
        }
        lost.extend(catalog.write("leave out what points nowhere", drop_dangling)?);
        // What lost its sidecar: the next scan writes it again.
        let bare = catalog.write("bring rows into their state", |t| {
            t.execute_batch(
                "UPDATE segment SET state = 'processed' WHERE state = 'ready'
                    AND id IN (SELECT segment_id FROM result)
                    AND id IN (SELECT id FROM former.segment WHERE state = 'processed');
                 UPDATE job SET state = 'done'
                    WHERE segment_id IN (SELECT id FROM segment WHERE state = 'processed');
                 UPDATE segment SET (archived_ms, restored_ms) =
                    (SELECT archived_ms, restored_ms FROM former.segment f WHERE f.id = segment.id)
                    WHERE id IN (SELECT id FROM former.segment WHERE archived_ms IS NOT NULL);",
            )
        });
        if let Err(error) = bare {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what lost its sidecar is looked at again"
            );
        }
        catalog.read("detach the former catalogue", |c| {
            c.execute("DETACH former", [])?;
            c.pragma_update(None, "foreign_keys", true)
        })?;
        Ok(lost)
    }
}

/// Lists the tables that no file tells of.
fn tables(c: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut all = c.prepare(
        "SELECT name FROM main.sqlite_master
         WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE 'event!_text%' ESCAPE '!'",
    )?;
    let all = all.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let is_other = |table: &String| !OF_SEGMENTS.iter().chain(&TOLD_ANEW).any(|known| known == table);
    Ok(all.into_iter().filter(is_other).collect())
}

fn copy(t: &Transaction<'_>, table: &str) -> rusqlite::Result<usize> {
    let columns = columns(t, table)?;
    // Of what is there the sidecars told; the rest is gone, or somewhere else.
    let (values, condition): (Vec<&str>, _) = match table {
        "segment" => {
            let gone = "CASE WHEN state IN ('ready', 'processed', 'failed') THEN 'missing' ELSE state END";
            let values = columns.iter().map(|name| if name == "state" { gone } else { name.as_str() });
            let condition = "intent IS NULL AND id NOT IN (SELECT id FROM main.segment) AND NOT EXISTS
                (SELECT 1 FROM main.segment m WHERE m.inode = former.segment.inode AND m.size = former.segment.size
                 AND m.mtime_ns = former.segment.mtime_ns AND former.segment.state NOT IN ('missing', 'archived', 'deleted'))";
            (values.collect(), condition)
        }
        "result" => (
            names(&columns),
            "segment_id IN (SELECT id FROM main.segment) AND segment_id NOT IN (SELECT segment_id FROM main.result)",
        ),
        "observation" | "seen" | "decision" | "gated" => (
            names(&columns),
            "(segment_id, profile_id) IN (SELECT segment_id, profile_id FROM main.result)
             AND segment_id NOT IN (SELECT segment_id FROM main.looked)",
        ),
        "hold" => (names(&columns), "segment_id IS NULL OR segment_id IN (SELECT id FROM main.segment)"),
        _ => (names(&columns), "true"),
    };
    let (columns, values) = (columns.join(", "), values.join(", "));
    t.execute(
        &format!(
            "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {values} FROM former.{table} WHERE {condition}"
        ),
        [],
    )
}

fn names(columns: &[String]) -> Vec<&str> {
    columns.iter().map(String::as_str).collect()
}

/// Empties tables with rows that point to rows that are lost. Returns which.
fn drop_dangling(t: &Transaction<'_>) -> rusqlite::Result<Vec<String>> {
    let mut dropped: Vec<String> = Vec::new();
    loop {
        let dangling: Option<String> = t
            .prepare("SELECT \"table\" FROM pragma_foreign_key_check")?
            .query_row([], |row| row.get(0))
            .optional()?;
        match dangling.filter(|table| !dropped.contains(table)) {
            Some(table) => {
                t.execute(&format!("DELETE FROM main.{table}"), [])?;
                dropped.push(table);
            }
            None => return Ok(dropped),
        }
    }
}

fn columns(c: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    c.prepare("SELECT name FROM pragma_table_info(?1, 'main')")?
        .query_map(params![table], |row| row.get(0))?
        .collect()
}

/// Returns where a catalogue that is replaced at `now` is kept; several may be in one second.
pub(crate) fn place(state_dir: &Path, now: DateTime<Utc>) -> PathBuf {
    let stamp = now.format("%Y%m%d_%H%M%S");
    let mut place = state_dir.join(format!("catalog.before-{stamp}.sqlite3"));
    let mut number = 1;
    while place.exists() {
        number += 1;
        place = state_dir.join(format!("catalog.before-{stamp}_{number}.sqlite3"));
    }
    place
}

/// Sees that nobody has the former catalogue open, and brings it into one file.
pub(crate) fn close(path: &Path) -> Result<(), CatalogError> {
    let closed = || -> rusqlite::Result<()> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    closed().map_err(|source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            CatalogError::InUse { path: path.into() }
        }
        _ => CatalogError::Database { doing: "close", path: path.into(), source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogues_that_are_replaced_in_one_second_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let now = DateTime::UNIX_EPOCH;
        for name in ["catalog.before-19700101_000000.sqlite3", "catalog.before-19700101_000000_2.sqlite3"] {
            let place = place(folder.path(), now);
            assert_eq!(place, folder.path().join(name));
            std::fs::write(place, "").unwrap();
        }
    }

    #[test]
    fn a_catalogue_that_somebody_has_open_is_not_closed() {
        let folder = tempfile::tempdir().unwrap();
        let other = Catalog::open(folder.path()).unwrap();
        let path = other.path().to_owned();
        assert!(matches!(close(&path), Err(CatalogError::InUse { .. })));
        drop(other);
        close(&path).unwrap();
        assert!(!folder.path().join("catalog.sqlite3-wal").exists());
        Catalog::open(folder.path()).unwrap();
    }
}
