//! A bundle: the segments of one camera and hour in one object of the archive, as its rows tell of it.

use chrono::{DateTime, Utc};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use crate::segment::{Word, time};
use crate::{Segment, SegmentId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BundleId(pub i64);

/// What is about to be sent.
#[derive(Clone, Debug)]
pub struct NewBundle {
    /// Address of the store, as in the settings.
    pub store: String,
    /// Of the object in the store.
    pub key: String,
    pub camera: String,
    pub hour: DateTime<Utc>,
    /// Of the whole object, in hexadecimal digits.
    pub sha256: String,
    pub size: u64,
    pub class: Option<String>,
    /// Public keys that its members are sealed for; empty: they are as they are.
    pub recipients: Vec<String>,
    pub members: Vec<Member>,
}

/// A file in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    pub name: String,
    pub segment: SegmentId,
    pub kind: MemberKind,
    /// Of its first byte in the bundle.
    pub offset: u64,
    pub length: u64,
    /// In hexadecimal digits.
    pub sha256: String,
    /// Absent where it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain: Option<Plain>,
}

/// The file that was sealed to become a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plain {
    pub length: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::AsRefStr, strum::EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MemberKind {
    Video,
    Sidecar,
    Cues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::AsRefStr, strum::EnumString)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BundleState {
    /// Perhaps in the store, perhaps not: nobody has seen it there.
    Sending,
    /// The store holds it whole.
    Stored,
    /// It is being deleted there.
    Leaving,
}

/// A bundle as its row tells of it. Its JSON form is that of docs/results.md.
#[derive(Clone, Debug, Serialize)]
pub struct Bundle {
    pub id: BundleId,
    #[serde(skip)]
    pub store: String,
    pub key: String,
    pub camera: String,
    pub hour: DateTime<Utc>,
    pub sha256: String,
    #[serde(rename = "bytes")]
    pub size: u64,
    #[serde(rename = "storage_class")]
    pub class: Option<String>,
    /// Public keys that its members are sealed for.
    pub recipients: Vec<String>,
    pub state: BundleState,
    pub stored: Option<DateTime<Utc>>,
    /// When it was read and compared last.
    pub read: Option<DateTime<Utc>>,
    pub thaw_asked: Option<DateTime<Utc>>,
    pub thawed_until: Option<DateTime<Utc>>,
    pub segments: u64,
}

/// Added to the name of what is sealed.
pub const SEALED_SUFFIX: &str = ".age";

/// What the archive holds of a camera in one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBundles {
    pub camera: String,
    pub class: Option<String>,
    pub bundles: u64,
    pub bytes: u64,
}

/// A segment that a bundle holds, with its files there.
#[derive(Clone, Debug)]
pub struct Archived {
    pub segment: Segment,
    pub bundle: BundleId,
    /// The video first.
    pub members: Vec<Member>,
}

/// With the number of its segments last.
pub(crate) const BUNDLE_COLUMNS: &str =
    "b.id, b.store, b.key, b.camera, b.hour_ms, b.sha256, b.size, b.class, b.state, b.stored_ms, b.read_ms,
     b.thaw_asked_ms, b.thawed_until_ms, b.recipients,
     (SELECT count(*) FROM bundle_member m WHERE m.bundle_id = b.id AND m.kind = 'video')";

impl Bundle {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let moment = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(time));
        Ok(Self {
            id: row.get(0)?,
            store: row.get(1)?,
            key: row.get(2)?,
            camera: row.get(3)?,
            hour: time(row.get(4)?),
            sha256: row.get(5)?,
            size: row.get(6)?,
            class: row.get(7)?,
            state: row.get::<_, Word<_>>(8)?.0,
            stored: moment(9)?,
            read: moment(10)?,
            thaw_asked: moment(11)?,
            thawed_until: moment(12)?,
            recipients: listed(row.get::<_, Option<String>>(13)?.as_deref()),
            segments: row.get(14)?,
        })
    }
}

impl Member {
    pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            segment: row.get(1)?,
            kind: row.get::<_, Word<_>>(2)?.0,
            offset: row.get(3)?,
            length: row.get(4)?,
            sha256: row.get(5)?,
            plain: match (row.get(6)?, row.get(7)?) {
                (Some(length), Some(sha256)) => Some(Plain { length, sha256 }),
                _ => None,
            },
        })
    }

    /// Returns the name of the file that it is, or that was sealed to become it.
    pub fn plain_name(&self) -> &str {
        match self.plain {
            Some(_) => self.name.strip_suffix(SEALED_SUFFIX).unwrap_or(&self.name),
            None => &self.name,
        }
    }
}

/// Keys hold no spaces.
fn listed(recipients: Option<&str>) -> Vec<String> {
    recipients.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

impl NewBundle {
    pub(crate) fn recipients_text(&self) -> Option<String> {
        (!self.recipients.is_empty()).then(|| self.recipients.join(" "))
    }
}

impl ToSql for BundleId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for BundleId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self).map_err(|_| FromSqlError::InvalidType)
    }
}
