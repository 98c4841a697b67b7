//! The check that rows agree with each other.

use std::path::Path;

use rusqlite::Connection;

use crate::verify::fault;
use crate::{Catalog, CatalogError, Fault};

/// Each query lists what breaks one rule, by its path.
const RULES: [(&str, &str); 8] = [
    (
        "SELECT path FROM segment s WHERE state = 'processed'
         AND NOT EXISTS (SELECT 1 FROM result r WHERE r.segment_id = s.id)",
        "processed, but without results",
    ),
    (
        "SELECT s.path FROM segment s JOIN job j ON j.segment_id = s.id
         WHERE j.state = 'done' AND s.state IN ('ready', 'failed')",
        "its work is done, but it is not processed",
    ),
    (
        "SELECT s.path FROM segment s WHERE s.state = 'ready'
         AND NOT EXISTS (SELECT 1 FROM job j WHERE j.segment_id = s.id)",
        "ready, but in no queue",
    ),
    (
        "SELECT s.path FROM segment s JOIN job j ON j.segment_id = s.id WHERE s.state = 'deleted'",
        "deleted, but still in the queue",
    ),
    (
        "SELECT s.path FROM segment s JOIN job j ON j.segment_id = s.id
         WHERE s.state = 'archived' AND j.state IN ('queued', 'leased')",
        "in the archive alone, but still in the queue",
    ),
    (
        "SELECT path FROM segment s WHERE (state = 'archived' OR archived_ms IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM bundle_member m JOIN bundle b ON b.id = m.bundle_id
                         WHERE m.segment_id = s.id AND b.state = 'stored')",
        "archived, but no stored bundle holds it",
    ),
    (
        "SELECT s.path FROM segment s JOIN job j ON j.segment_id = s.id
         WHERE (j.state = 'leased') <> (j.token IS NOT NULL AND j.owner IS NOT NULL AND j.lease_until_ms IS NOT NULL)",
        "its lease and its state in the queue do not agree",
    ),
    (
        "SELECT a.key FROM answer a JOIN call c ON c.request_id = a.request_id WHERE c.status <> 'answered'",
        "a stored answer whose request does not count as answered in the ledger",
    ),
];

impl Catalog {
    pub(crate) fn verify_rows(&self) -> Result<Vec<Fault>, CatalogError> {
        self.read("verify rows", |c| {
            let mut faults = verify_database(c, self.path())?;
            for (query, what) in RULES {
                let mut statement = c.prepare(query)?;
                for path in statement.query_map([], |row| row.get::<_, String>(0))? {
                    faults.push(fault(Path::new(&path?), what));
                }
            }
            Ok(faults)
        })
    }
}

fn verify_database(c: &Connection, path: &Path) -> rusqlite::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let mut integrity = c.prepare("PRAGMA integrity_check(5)")?;
    for line in integrity.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            faults.push(fault(path, &line));
        }
    }
    if c.prepare("PRAGMA foreign_key_check")?.exists([])? {
        faults.push(fault(path, "rows point to rows that are gone"));
    }
    Ok(faults)
}
