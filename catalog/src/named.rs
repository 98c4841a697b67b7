//! Files that were named on the command line: rows by their absolute paths, in nobody's folder.

use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::Transaction;

use crate::index::found_segment;
use crate::segments::{self, by_path, has_results, overwritten, set_stat};
use crate::{Catalog, CatalogError, FileStat, Segment, SegmentState};

/// Until a run offers them under its own, so that no other run takes them.
const SCOPE: &str = "named";

impl Catalog {
    /// Adds or refreshes the row of a file, by its absolute path.
    pub fn index_named_file(
        &self,
        path: &Path,
        stat: FileStat,
        now: DateTime<Utc>,
    ) -> Result<Segment, CatalogError> {
        self.write("index a file", |t| {
            match by_path(t, path)? {
                Some(known) if known.stat.same_content(&stat) => take_back(t, &known, &stat)?,
                known => {
                    if let Some(known) = known {
                        overwritten(t, known.id)?;
                    }
                    segments::insert(t, &found_segment(path, stat, Tz::UTC), SCOPE, now)?;
                }
            }
            by_path(t, path)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }
}

fn take_back(t: &Transaction<'_>, known: &Segment, stat: &FileStat) -> rusqlite::Result<()> {
    set_stat(t, known.id, stat)?;
    if known.state == SegmentState::Missing {
        let state = if has_results(t, known.id)? { "processed" } else { "ready" };
        t.execute("UPDATE segment SET state = ?2, reason = NULL WHERE id = ?1", (known.id, state))?;
    }
    Ok(())
}
