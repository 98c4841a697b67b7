//! What a recorder hands over: closed segments.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use config::CameraId;

use crate::intent::is_on_its_way;
use crate::paths::camera_of;
use crate::segment::{Learnt, NewSegment};
use crate::{Catalog, CatalogError, FileStat, Segment, SegmentId, StartSource, segments};

/// Where a recorded segment's start time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::AsRefStr, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum ClockSource {
    ReceiveTime,
    SenderReport,
}

/// A finished, published file.
#[derive(Clone, Debug)]
pub struct ClosedSegment {
    pub camera: CameraId,
    /// Relative to the root.
    pub path: PathBuf,
    pub start: DateTime<Utc>,
    pub clock: ClockSource,
    pub duration: Duration,
    pub stat: FileStat,
}

impl Catalog {
    /// Indexes and queues a recorded segment in one transaction. Where the folder walk was quicker, its row
    /// gets the better start, even if the file was processed and moved since.
    pub fn add_recorded(
        &self,
        closed: &ClosedSegment,
        now: DateTime<Utc>,
    ) -> Result<SegmentId, CatalogError> {
        let learnt = Learnt {
            start: closed.start,
            start_source: StartSource::Recorder,
            duration: Some(closed.duration),
        };
        self.write("add a recorded segment", |t| {
            let at_its_path = segments::by_path(t, &closed.path)?;
            let same = |s: &Segment| s.stat.inode == closed.stat.inode && s.stat.size == closed.stat.size;
            let known = at_its_path.clone().filter(same);
            if let Some(known) = known.or(segments::by_file(t, &closed.stat)?.pop()) {
                segments::refine(t, known.id, &learnt)?;
                return Ok(known.id);
            }
            // The name was used before, and its file went away.
            if let Some(former) = at_its_path
                && !is_on_its_way(t, &closed.path)?
            {
                segments::overwritten(t, former.id)?;
            }
            let id = segments::insert(t, &new_segment(closed), "", now)?;
            id.ok_or(rusqlite::Error::QueryReturnedNoRows)
        })
    }
}

fn new_segment(closed: &ClosedSegment) -> NewSegment {
    NewSegment {
        path: closed.path.clone(),
        camera: camera_of(&closed.path).map(str::to_owned),
        start: closed.start,
        start_source: StartSource::Recorder,
        duration: Some(closed.duration),
        stat: closed.stat,
    }
}
