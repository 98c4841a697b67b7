//! Repair: what `verify` finds orphaned is adopted. Nothing is deleted: what is left over is somebody's to look at.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::adopt::{Adopted, Orphan, Trust};
use crate::walk::Reach;
use crate::{CatalogError, Hints, Scanner, Verifier};

/// What a repair did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Repaired {
    /// Files in cameras' folders that wait to be processed now.
    pub queued: usize,
    /// Rows whose files are gone.
    pub missing: usize,
    /// Files in `processed/` and `failed/` that no row knew.
    pub adopted: Vec<AdoptedFile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdoptedFile {
    /// Relative to the root.
    pub path: PathBuf,
    pub what: Adopted,
}

impl Verifier {
    /// Finishes what was begun, takes up files without a row, and marks rows without a file. Lost sidecars are written
    /// again from the rows.
    pub fn repair(&self, scanner: &mut Scanner, now: DateTime<Utc>) -> Result<Repaired, CatalogError> {
        let scanned = scanner.scan(&Hints::default(), now)?;
        let mut repaired = Repaired { queued: scanned.added, missing: scanned.missing, adopted: Vec::new() };
        let mut set_aside = Vec::new();
        self.walk.each(Reach::SetAside, |file| set_aside.extend(file.ok()));
        for found in set_aside {
            if !self.is_unknown(&found.path, now)? {
                continue;
            }
            let orphan = Orphan::look(self.root.path(), &found, (scanner.zone(), Trust::ByContent));
            let adopted = self.catalog.write("adopt a file", |t| orphan.adopt(t, now))?;
            let path = found.path;
            repaired.adopted.extend(adopted.map(|what| AdoptedFile { path, what }));
        }
        Ok(repaired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Queue, sidecar_of};
    use crate::{SegmentState, SqliteQueue, files};

    fn repair(store: &Store) -> Repaired {
        let verifier = Verifier::new(store.catalog.clone(), store.root.clone(), &store.settings);
        verifier.repair(&mut store.scanner(), noon()).unwrap()
    }

    #[test]
    fn orphans_are_adopted_either_way_and_nothing_is_deleted() {
        let store = Store::new();
        store.write("gate/new.mp4", "new");
        store.write("gate/processed/bare.mp4", "bare");
        store.write("gate/failed/broken.mp4", "broken");
        store.write("gate/processed/left.mp4.json", "{}");
        let gone = store.add("gate/gone.mp4", "gone");
        store.remove("gate/gone.mp4");
        let before = store.files();

        let repaired = repair(&store);

        assert_eq!((repaired.queued, repaired.missing), (1, 1));
        let adopted = |path: &str, what| AdoptedFile { path: path.into(), what };
        let mut found = repaired.adopted;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(
            found,
            [
                adopted("gate/failed/broken.mp4", Adopted::Failed),
                adopted("gate/processed/bare.mp4", Adopted::Queued),
            ]
        );
        assert_eq!(store.files(), before);
        assert_eq!(store.segment(gone).state, SegmentState::Missing);
        assert_eq!(SqliteQueue::new(store.catalog.clone(), 3).stats(noon()).unwrap().queued, 2);
        assert!(repair(&store).adopted.is_empty(), "once is enough");
    }

    #[test]
    fn a_sidecar_about_the_content_brings_its_results_and_another_does_not() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let mut results = store.catalog.results(id, "profile").unwrap().unwrap();
        results.segment.sha256 = hex_of("right");
        for (name, content) in [("right", "right"), ("wrong", "another")] {
            let file = format!("gate/processed/{name}.mp4");
            store.write(&file, content);
            files::write_atomically(&sidecar_of(&store.path(&file)), &results.to_json().unwrap()).unwrap();
        }
        repair(&store);
        let right = store.at("gate/processed/right.mp4").unwrap();
        assert_eq!(right.state, SegmentState::Processed);
        assert_eq!(store.catalog.results(right.id, "profile").unwrap(), Some(results));
        assert_eq!(store.at("gate/processed/wrong.mp4").unwrap().state, SegmentState::Ready);
    }

    fn hex_of(content: &str) -> String {
        use sha2::{Digest, Sha256};
        crate::hex(&Sha256::digest(content))
    }
}
