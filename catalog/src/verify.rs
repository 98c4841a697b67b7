//! The check that rows and files agree: each fault names one broken invariant of docs/storage.md.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use walkdir::WalkDir;

use crate::paths::{camera_of, sidecar_of};
use crate::{Catalog, CatalogError, MediaRoot, Results, SegmentState, is_media};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Of the file, or of the catalogue itself.
    pub path: PathBuf,
    pub what: String,
}

impl Catalog {
    /// Compares every row with its file and every file with its row. Changes nothing.
    pub fn verify(&self, root: &MediaRoot) -> Result<Vec<Fault>, CatalogError> {
        root.check()?;
        let mut faults = self.verify_rows()?;
        let states = [SegmentState::Ready, SegmentState::Processed, SegmentState::Failed];
        self.each_segment(&states, |segment| {
            let file = root.path().join(&segment.path);
            match file.symlink_metadata() {
                Err(_) => faults.push(fault(&segment.path, "the catalogue names it, but the file is gone")),
                Ok(m) if m.len() != segment.stat.size => {
                    faults.push(fault(&segment.path, "its size is not the one in the catalogue"));
                }
                Ok(_) => {}
            }
            if segment.state == SegmentState::Processed {
                faults.extend(verify_sidecar(&segment.path, &file));
            }
        })?;
        for path in footage(root.path()) {
            let known = self.segment_at(&path)?.is_some_and(|s| s.state != SegmentState::Missing);
            // A file that moved on while the walk went by is no fault.
            if !known && root.path().join(&path).exists() {
                faults.push(fault(&path, "footage that the catalogue does not know"));
            }
        }
        Ok(faults)
    }

    fn verify_rows(&self) -> Result<Vec<Fault>, CatalogError> {
        const RULES: [(&str, &str); 5] = [
            (
                "SELECT path FROM segment WHERE intent IS NOT NULL",
                "a move or deletion was begun and not finished; start nightreel to finish it",
            ),
            (
                "SELECT path FROM segment s WHERE state = 'processed'
                 AND NOT EXISTS (SELECT 1 FROM result r WHERE r.segment_id = s.id)",
                "processed, but without results",
            ),
            (
                "SELECT s.path FROM segment s JOIN job j ON j.segment_id = s.id
                 WHERE s.state = 'processed' AND j.state <> 'done'",
                "processed, but still in the queue",
            ),
            (
                "SELECT s.path FROM segment s WHERE s.state = 'ready'
                 AND NOT EXISTS (SELECT 1 FROM job j WHERE j.segment_id = s.id AND j.state <> 'done')",
                "ready, but in no queue",
            ),
            (
                "SELECT s.path FROM answer a LEFT JOIN call c ON c.request_id = a.request_id
                 JOIN segment s WHERE c.request_id IS NULL OR c.status <> 'answered' LIMIT 1",
                "a stored answer has no answered request in the ledger",
            ),
        ];
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

fn verify_sidecar(path: &Path, file: &Path) -> Option<Fault> {
    let what = match std::fs::read(sidecar_of(file)) {
        Err(_) => "processed, but its sidecar is gone",
        Ok(text) if serde_json::from_slice::<Results>(&text).is_err() => "its sidecar cannot be read",
        Ok(_) => return None,
    };
    Some(fault(path, what))
}

/// Every media file in a camera's folder, wherever below it lies.
fn footage(root: &Path) -> impl Iterator<Item = PathBuf> {
    let visible =
        |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().as_encoded_bytes().starts_with(b".");
    let root = root.to_owned();
    WalkDir::new(&root).min_depth(1).into_iter().filter_entry(visible).filter_map(move |entry| {
        let entry = entry.ok().filter(|e| e.file_type().is_file() && is_media(e.path()))?;
        let relative = entry.path().strip_prefix(&root).ok()?.to_owned();
        camera_of(&relative).is_some().then_some(relative)
    })
}

fn fault(path: &Path, what: &str) -> Fault {
    Fault { path: path.into(), what: what.to_owned() }
}
