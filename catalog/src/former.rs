//! The former catalogue beside one that is made anew: attached, read as far as it can be, and closed.

use std::cell::Cell;
use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::segment::PathText;
use crate::{Catalog, CatalogError, SegmentId};

/// What belongs to footage that is gone, in the order in which rows point to each other.
const OF_GONE: [&str; 7] = ["segment", "result", "observation", "seen", "decision", "gated", "deletion"];

/// What no file tells. `spent` follows from `call` by triggers.
const OF_NO_FILE: [&str; 9] =
    ["gap", "expected", "health", "call", "answer", "learnt_tokens", "deferral", "pause", "note"];

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
        let mut lost = Vec::new();
        let profiles = ["profile"];
        for table in profiles.iter().chain(&OF_GONE).chain(&OF_NO_FILE).chain(&["hold"]) {
            let copied = catalog.write("carry a table over", |t| copy(t, table));
            if let Err(error) = copied {
                tracing::warn!(table, error = &error as &dyn std::error::Error, "a table is lost");
                lost.push((*table).to_owned());
            }
        }
        // What lost its sidecar: the next scan writes it again.
        let bare = catalog.write("bring rows into their state", |t| {
            t.execute_batch(
                "UPDATE segment SET state = 'processed' WHERE state = 'ready'
                    AND id IN (SELECT segment_id FROM result)
                    AND id IN (SELECT id FROM former.segment WHERE state = 'processed');
                 UPDATE job SET state = 'done'
                    WHERE segment_id IN (SELECT id FROM segment WHERE state = 'processed');",
            )
        });
        if let Err(error) = bare {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what lost its sidecar is looked at again"
            );
        }
        catalog.read("detach the former catalogue", |c| c.execute("DETACH former", []))?;
        Ok(lost)
    }
}

fn copy(t: &Transaction<'_>, table: &str) -> rusqlite::Result<usize> {
    let columns = columns(t, table)?.join(", ");
    let condition = match table {
        // What lies there under its name now is its successor.
        "segment" => {
            "state IN ('missing', 'deleted') AND intent IS NULL AND id NOT IN (SELECT id FROM main.segment)
             AND (state = 'deleted' OR path NOT IN (SELECT path FROM main.segment WHERE state <> 'deleted'))"
        }
        // Of what is there the sidecars told.
        "result" => {
            "segment_id IN (SELECT id FROM main.segment)
             AND segment_id NOT IN (SELECT segment_id FROM main.result)"
        }
        "observation" | "seen" | "decision" | "gated" => {
            "(segment_id, profile_id) IN (SELECT segment_id, profile_id FROM main.result)
             AND segment_id NOT IN (SELECT segment_id FROM main.looked)"
        }
        "deletion" => "segment_id IN (SELECT id FROM main.segment)",
        "hold" => "segment_id IS NULL OR segment_id IN (SELECT id FROM main.segment)",
        _ => "true",
    };
    t.execute(
        &format!("INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM former.{table} WHERE {condition}"),
        [],
    )
}

fn columns(c: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    c.prepare("SELECT name FROM pragma_table_info(?1, 'main')")?
        .query_map(params![table], |row| row.get(0))?
        .collect()
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
