//! A segment: one media file and what the catalogue knows of it.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct SegmentId(pub i64);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    strum::AsRefStr,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SegmentState {
    Ready,
    Processed,
    Failed,
    Missing,
    /// The archive holds it, and its local copy is gone.
    Archived,
    Deleted,
}

/// How a segment's start is known; earlier ones are trusted more.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    strum::AsRefStr,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StartSource {
    Recorder,
    Metadata,
    Name,
    Mtime,
}

/// What tells one content of a path from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    pub size: u64,
    pub mtime_ns: i64,
    pub inode: u64,
}

impl FileStat {
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            mtime_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// A copy back from elsewhere changes the inode, not the content.
    pub fn same_content(&self, other: &Self) -> bool {
        self.size == other.size && self.mtime_ns == other.mtime_ns
    }

    /// Tells when a file was last written, renamed or linked. Not a part of what tells contents apart.
    pub(crate) fn changed(file: &Path) -> Option<DateTime<Utc>> {
        let metadata = file.symlink_metadata().ok()?;
        DateTime::from_timestamp(metadata.ctime(), u32::try_from(metadata.ctime_nsec()).ok()?)
    }

    pub fn modified(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.mtime_ns)
    }
}

#[derive(Clone, Debug)]
pub struct NewSegment {
    /// Relative to the root; absolute for files that were named on the command line.
    pub path: PathBuf,
    pub camera: Option<String>,
    pub start: DateTime<Utc>,
    pub start_source: StartSource,
    pub duration: Option<Duration>,
    pub stat: FileStat,
}

#[derive(Clone, Debug)]
pub struct Segment {
    pub id: SegmentId,
    pub path: PathBuf,
    pub camera: Option<String>,
    pub state: SegmentState,
    pub start: DateTime<Utc>,
    pub start_source: StartSource,
    pub duration: Option<Duration>,
    pub stat: FileStat,
    pub reason: Option<String>,
}

/// What opening a file told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    pub start: DateTime<Utc>,
    pub start_source: StartSource,
    /// Where it is not known, what was known before stays.
    pub duration: Option<Duration>,
}

pub(crate) const COLUMNS: &str =
    "id, path, camera, state, start_ms, start_source, duration_ms, size, mtime_ns, inode, reason";

impl Segment {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            path: row.get::<_, PathText>(1)?.0,
            camera: row.get(2)?,
            state: row.get::<_, Word<_>>(3)?.0,
            start: time(row.get(4)?),
            start_source: row.get::<_, Word<_>>(5)?.0,
            duration: row.get::<_, Option<u64>>(6)?.map(Duration::from_millis),
            stat: FileStat { size: row.get(7)?, mtime_ns: row.get(8)?, inode: row.get::<_, i64>(9)? as u64 },
            reason: row.get(10)?,
        })
    }
}

pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX >> 1).min(u64::MAX >> 1)
}

/// One of our enums, stored as its word.
pub(crate) struct Word<T>(pub(crate) T);

impl<T: AsRef<str>> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_ref().into())
    }
}

impl<T: FromStr<Err = strum::ParseError>> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// A path as text. A name that is not UTF-8 never gets here: the scan sets such files aside.
pub(crate) struct PathText(pub(crate) PathBuf);

impl ToSql for PathText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = self.0.to_str().ok_or_else(|| {
            rusqlite::Error::ToSqlConversionFailure(format!("`{}` is not UTF-8", self.0.display()).into())
        })?;
        Ok(text.into())
    }
}

impl FromSql for PathText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(|text| Self(text.into()))
    }
}

impl ToSql for SegmentId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for SegmentId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}
