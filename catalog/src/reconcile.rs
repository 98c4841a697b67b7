//! The look from the rows to the files: which are gone, which came back, which lost their sidecar.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::params;

use crate::carry::{is_gone, stat_of};
use crate::intent::is_on_its_way;
use crate::paths::sidecar_of;
use crate::segment::PathText;
use crate::segments::by_path;
use crate::walk::{Found, Reach};
use crate::{CatalogError, FileStat, ScanReport, Scanner, Segment, SegmentId, SegmentState};

#[derive(Debug, Default)]
struct Seen {
    gone: Vec<Segment>,
    back: Vec<Found>,
    /// Without a sidecar.
    bare: Vec<SegmentId>,
}

impl Scanner {
    /// Compares the rows in `states` with their files.
    pub(crate) fn reconcile(
        &self,
        states: &[SegmentState],
        report: &mut ScanReport,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        let mut seen = Seen::default();
        self.catalog().each_segment(states, |segment| {
            // What was named on the command line is its owner's to move and delete.
            if segment.path.is_relative() {
                look(self.root(), segment, &mut seen);
            }
        })?;
        // The disk may have gone away in the middle of it.
        self.check_root()?;
        self.index_all(&seen.back, report, now)?;
        if !seen.gone.is_empty() {
            self.follow_set_aside(&seen.gone, report, now)?;
            report.missing = self.mark_missing(&seen.gone)?;
        }
        for id in seen.bare {
            if let Err(error) = self.media().restore_sidecar(id) {
                report.troubles.push(format!("cannot write the sidecar of segment {id} again: {error}"));
            }
        }
        Ok(())
    }

    /// Finds in `processed/` and `failed/` what was moved there by hand.
    fn follow_set_aside(
        &self,
        gone: &[Segment],
        report: &mut ScanReport,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        let key = |stat: &FileStat| (stat.inode, stat.size, stat.mtime_ns);
        let gone: HashMap<_, _> = gone.iter().map(|segment| (key(&segment.stat), segment)).collect();
        let mut moved = Vec::new();
        self.walk().each(Reach::SetAside, |found| {
            moved.extend(found.ok().and_then(|file| Some((*gone.get(&key(&file.stat))?, file))));
        });
        let followed = self.catalog().write("follow footage that was moved by hand", |t| {
            let index = self.index(t, now);
            let mut followed = Vec::new();
            for (segment, file) in &moved {
                let as_it_was = by_path(t, &segment.path)?.is_some_and(|s| s.id == segment.id);
                let on_its_way = is_on_its_way(t, &segment.path)? || is_on_its_way(t, &file.path)?;
                if as_it_was && !on_its_way && by_path(t, &file.path)?.is_none() {
                    followed.push((file.path.clone(), index.follow(segment, file)?));
                }
            }
            Ok(followed)
        })?;
        self.after_indexing(followed, report)
    }

    /// Rows whose file is gone become `missing`; what was seen in them is kept. One that moved on since it was
    /// looked for has another path by now, or an intent.
    pub(crate) fn mark_missing(&self, gone: &[Segment]) -> Result<usize, CatalogError> {
        self.catalog().write("mark missing segments", |t| {
            let mut mark = t.prepare_cached(
                "UPDATE segment SET state = CASE WHEN archived_ms IS NULL THEN 'missing' ELSE 'archived' END,
                    reason = 'the file is gone'
                 WHERE id = ?1 AND path = ?2 AND intent IS NULL AND state NOT IN ('missing', 'archived', 'deleted')",
            )?;
            gone.iter().map(|s| mark.execute(params![s.id, PathText(s.path.clone())])).sum()
        })
    }
}

fn look(root: &Path, segment: Segment, seen: &mut Seen) {
    let file = root.join(&segment.path);
    match (segment.state, stat_of(&file)) {
        (SegmentState::Missing, Ok(Some(stat))) => seen.back.push(Found { path: segment.path, stat }),
        (SegmentState::Missing, _) | (_, Err(_)) => {}
        (_, Ok(None)) => {
            if is_gone(&file) {
                seen.gone.push(segment);
            }
        }
        (SegmentState::Processed, Ok(Some(_))) if is_gone(&sidecar_of(&file)) => seen.bare.push(segment.id),
        (_, Ok(Some(_))) => {}
    }
}
