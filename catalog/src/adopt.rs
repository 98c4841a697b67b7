//! Adopting: a file that no row knows gets one, with what its sidecar tells of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Transaction, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::index::found_segment;
use crate::paths::{camera_of, special_folder};
use crate::segment::{NewSegment, Word};
use crate::walk::Found;
use crate::{
    FAILED, FileStat, Results, SegmentId, SegmentState, StartSource, hex, own_file, segments, sidecar_of,
    store,
};

/// Given to what was set aside by a nightreel that nobody remembers.
const UNKNOWN_FAILURE: &str = "it lay in failed/, and the catalogue did not know why";

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adopted {
    /// Its results were taken from its sidecar.
    Processed,
    Queued,
    /// It lies in `failed/`; `queue requeue` tries it again.
    Failed,
}

/// A file with what is known of it before a row is written.
pub(crate) struct Orphan {
    pub(crate) new: NewSegment,
    results: Option<(Results, DateTime<Utc>)>,
    is_set_aside: bool,
}

/// Whether a sidecar that is younger than its file and names it is taken to be about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    ByTime,
    /// Only if the content has its hash.
    ByContent,
}

impl Orphan {
    /// Looks at a file and its sidecar. May read the whole file: not inside a transaction.
    pub(crate) fn look(root: &Path, found: &Found, (zone, trust): (Tz, Trust)) -> Self {
        let camera = camera_of(&found.path).map(str::to_owned);
        let mut new = NewSegment { camera, ..found_segment(&found.path, found.stat, zone) };
        let is_set_aside = special_folder(&found.path) == Some(FAILED);
        let results = if is_set_aside { None } else { results_of(&root.join(&found.path), found, trust) };
        if let Some((results, _)) = &results
            && let Ok(start) = results.segment.start.parse()
        {
            (new.start, new.start_source) = (start, results.segment.start_source);
            new.duration = Duration::try_from_secs_f64(results.segment.duration_s).ok();
        } else if let Some(own) = own_file::look(&root.join(&found.path)) {
            (new.start, new.start_source) = (own.start, StartSource::Recorder);
            new.duration = Some(own.duration);
        }
        Self { new, results, is_set_aside }
    }

    /// Writes the rows, unless the path has one already.
    pub(crate) fn adopt(&self, t: &Transaction<'_>, now: DateTime<Utc>) -> rusqlite::Result<Option<Adopted>> {
        let Some(id) = segments::insert(t, &self.new, "", now)? else { return Ok(None) };
        self.settle(t, id).map(Some)
    }

    /// Brings a row that was just made, and its job, into their state.
    pub(crate) fn settle(&self, t: &Transaction<'_>, id: SegmentId) -> rusqlite::Result<Adopted> {
        let (state, job, adopted, reason) = match &self.results {
            Some((results, finished)) => {
                store::insert(t, id, results, *finished)?;
                (SegmentState::Processed, "done", Adopted::Processed, None)
            }
            None if self.is_set_aside => {
                (SegmentState::Failed, "dead", Adopted::Failed, Some(UNKNOWN_FAILURE))
            }
            None => return Ok(Adopted::Queued),
        };
        t.prepare_cached("UPDATE segment SET state = ?2, reason = ?3 WHERE id = ?1")?.execute(params![
            id,
            Word(state),
            reason
        ])?;
        t.prepare_cached("UPDATE job SET state = ?2, reason = ?3 WHERE segment_id = ?1")?
            .execute(params![id, job, reason])?;
        Ok(adopted)
    }
}

/// Returns the results that the sidecar tells, and when it was written, if it is about this content.
fn results_of(file: &Path, found: &Found, trust: Trust) -> Option<(Results, DateTime<Utc>)> {
    let sidecar = sidecar_of(file);
    let results: Results = serde_json::from_slice(&std::fs::read(&sidecar).ok()?).ok()?;
    let written = FileStat::of(&sidecar.metadata().ok()?).modified();
    let named = file.file_name().is_some_and(|name| name.to_str() == Some(&results.segment.file));
    let by_time = trust == Trust::ByTime && named && found.stat.modified() <= written;
    let is_about_it = by_time || hash(file).is_ok_and(|hash| hash == results.segment.sha256);
    is_about_it.then_some((results, written))
}

fn hash(file: &Path) -> std::io::Result<String> {
    let (mut file, mut hash) = (File::open(file)?, Sha256::new());
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
