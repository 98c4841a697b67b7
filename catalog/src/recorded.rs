//! What a recorder hands over: closed segments and the gaps between them.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use config::CameraId;
use rusqlite::params;

use crate::paths::camera_of;
use crate::segment::{self, NewSegment, PathText, Word, millis};
use crate::{Catalog, CatalogError, FileStat, SegmentId, StartSource};

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

/// A stretch of time in which a camera was to be recorded and was not.
#[derive(Clone, Debug)]
pub struct Gap {
    pub camera: CameraId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub cause: String,
}

impl Catalog {
    /// Indexes and queues a recorded segment in one transaction. Where the folder walk was quicker, its row
    /// gets the better start.
    pub fn add_recorded(
        &self,
        closed: &ClosedSegment,
        now: DateTime<Utc>,
    ) -> Result<SegmentId, CatalogError> {
        let new = NewSegment {
            path: closed.path.clone(),
            camera: camera_of(&closed.path).map(str::to_owned),
            start: closed.start,
            start_source: StartSource::Recorder,
            duration: Some(closed.duration),
            stat: closed.stat,
        };
        self.write("add a recorded segment", |t| {
            if let Some(id) = segment::insert(t, &new, "", now)? {
                return Ok(id);
            }
            t.prepare_cached(
                "UPDATE segment SET start_ms = ?2, start_source = ?3, duration_ms = ?4
                 WHERE path = ?1 AND state <> 'deleted' RETURNING id",
            )?
            .query_row(
                params![
                    PathText(closed.path.clone()),
                    closed.start.timestamp_millis(),
                    Word(StartSource::Recorder),
                    millis(closed.duration)
                ],
                |row| row.get(0),
            )
        })
    }

    pub fn add_gap(&self, gap: &Gap) -> Result<(), CatalogError> {
        self.write("add a gap", |t| {
            t.prepare_cached("INSERT INTO gap (camera, from_ms, to_ms, cause) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    gap.camera.as_str(),
                    gap.from.timestamp_millis(),
                    gap.to.timestamp_millis(),
                    gap.cause
                ])?;
            Ok(())
        })
    }

    /// Lists gaps, oldest first.
    pub fn gaps(&self) -> Result<Vec<Gap>, CatalogError> {
        self.read("list gaps", |c| {
            let mut statement =
                c.prepare_cached("SELECT camera, from_ms, to_ms, cause FROM gap ORDER BY from_ms")?;
            let rows = statement.query_map([], |row| {
                let camera: String = row.get(0)?;
                let camera = camera.parse().map_err(|e: config::InvalidCameraId| {
                    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e))
                })?;
                Ok(Gap {
                    camera,
                    from: segment::time(row.get(1)?),
                    to: segment::time(row.get(2)?),
                    cause: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}
