//! The ledger of gaps: stretches of time in which a camera was to be recorded and was not, each with its cause.

use chrono::{DateTime, Utc};
use config::CameraId;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::segment::{Word, time};
use crate::{Catalog, CatalogError, Span};

/// Stored, shown and sent as its words.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::AsRefStr,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
)]
pub enum GapCause {
    /// It does not answer, or refuses to play.
    #[strum(serialize = "camera unreachable")]
    Unreachable,
    /// Connected, and nothing came.
    #[strum(serialize = "stalled")]
    Stalled,
    /// It hung up, or sent what cannot be read.
    #[strum(serialize = "ended by the camera")]
    EndedByCamera,
    /// Frames that did not arrive whole, in the middle of a stream.
    #[strum(serialize = "packet loss")]
    PacketLoss,
    #[strum(serialize = "disk full")]
    DiskFull,
    /// The disk is read-only, gone, broken or too slow.
    #[strum(serialize = "not writable")]
    NotWritable,
    /// The system's clock was set forward over it; or, without a length, back.
    #[strum(serialize = "clock step")]
    ClockStep,
    /// No recorder was running.
    #[strum(serialize = "stopped")]
    Stopped,
}

impl GapCause {
    /// Tells whether footage had no place, whatever the camera did.
    pub fn is_of_the_disk(self) -> bool {
        matches!(self, Self::DiskFull | Self::NotWritable)
    }
}

impl serde::Serialize for GapCause {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_ref())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub camera: CameraId,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub cause: GapCause,
}

/// A gap that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenGap {
    pub camera: CameraId,
    pub from: DateTime<Utc>,
    pub cause: GapCause,
}

impl Catalog {
    /// Notes a gap that is over, or the end of one that was open.
    pub fn add_gap(&self, gap: &Gap) -> Result<(), CatalogError> {
        self.add_gaps(std::slice::from_ref(gap))
    }

    /// As [`Catalog::add_gap`], in one transaction.
    pub fn add_gaps(&self, gaps: &[Gap]) -> Result<(), CatalogError> {
        self.write("add a gap", |t| gaps.iter().try_for_each(|gap| insert(t, gap)))
    }

    /// Notes that a gap has begun. One of the camera's that is open already stays the only one.
    pub fn open_gap(&self, gap: &OpenGap) -> Result<(), CatalogError> {
        self.write("open a gap", |t| {
            t.prepare_cached(
                "INSERT INTO gap (camera, from_ms, cause) SELECT ?1, ?2, ?3
                 WHERE NOT EXISTS (SELECT 1 FROM gap WHERE camera = ?1 AND to_ms IS NULL)",
            )?
            .execute(params![gap.camera.as_str(), gap.from.timestamp_millis(), Word(gap.cause)])
            .map(drop)
        })
    }

    /// Ends the gaps that a killed recorder left open: at its last sign of life, since what happened then is not
    /// known. Called by whoever holds the camera's lock, before it notes anything else.
    pub fn end_left_open(&self, cameras: &[CameraId]) -> Result<(), CatalogError> {
        self.write("end gaps that were left open", |t| {
            let mut end = t.prepare_cached(
                "UPDATE gap SET to_ms = max(from_ms,
                    ifnull((SELECT seen_ms FROM health WHERE health.camera = gap.camera), from_ms))
                 WHERE camera = ?1 AND to_ms IS NULL",
            )?;
            cameras.iter().try_for_each(|camera| end.execute([camera.as_str()]).map(drop))
        })
    }

    /// Lists gaps that are over, oldest first.
    pub fn gaps(&self) -> Result<Vec<Gap>, CatalogError> {
        self.read("list gaps", |c| {
            c.prepare_cached(
                "SELECT camera, from_ms, to_ms, cause FROM gap WHERE to_ms IS NOT NULL ORDER BY from_ms, id",
            )?
            .query_map([], gap_from)?
            .collect()
        })
    }

    /// Lists gaps that last, oldest first.
    pub fn open_gaps(&self) -> Result<Vec<OpenGap>, CatalogError> {
        self.read("list open gaps", |c| {
            c.prepare_cached(
                "SELECT camera, from_ms, cause FROM gap WHERE to_ms IS NULL ORDER BY from_ms, id",
            )?
            .query_map([], open_gap_from)?
            .collect()
        })
    }
}

pub(crate) fn insert(t: &Transaction<'_>, gap: &Gap) -> rusqlite::Result<()> {
    let (from_ms, to_ms) = (gap.from.timestamp_millis(), gap.to.timestamp_millis());
    let ended = t
        .prepare_cached(
            "UPDATE gap SET to_ms = ?3 WHERE camera = ?1 AND from_ms = ?2 AND cause = ?4 AND to_ms IS NULL",
        )?
        .execute(params![gap.camera.as_str(), from_ms, to_ms, Word(gap.cause)])?;
    if ended == 0 {
        t.prepare_cached("INSERT INTO gap (camera, from_ms, to_ms, cause) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![gap.camera.as_str(), from_ms, to_ms, Word(gap.cause)])?;
    }
    Ok(())
}

/// Lists a camera's gaps that touch a span, as the part of time they cover; one that lasts reaches to `now`.
pub(crate) fn causes_within(
    c: &Connection,
    camera: &CameraId,
    within: Span,
    now: DateTime<Utc>,
) -> rusqlite::Result<Vec<(Span, GapCause)>> {
    c.prepare_cached(
        "SELECT from_ms, ifnull(to_ms, max(from_ms, ?4)), cause FROM gap
         WHERE camera = ?1 AND from_ms < ?3 AND ifnull(to_ms, ?4) >= ?2 ORDER BY from_ms, id",
    )?
    .query_map(
        params![
            camera.as_str(),
            within.from.timestamp_millis(),
            within.to.timestamp_millis(),
            now.timestamp_millis()
        ],
        |row| Ok((Span::new(time(row.get(0)?), time(row.get(1)?)), row.get::<_, Word<GapCause>>(2)?.0)),
    )?
    .collect()
}

/// Returns the end of the gap that ended last before `now`.
pub(crate) fn last_end(
    c: &Connection,
    camera: &CameraId,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<DateTime<Utc>>> {
    c.prepare_cached("SELECT max(to_ms) FROM gap WHERE camera = ?1 AND to_ms <= ?2")?
        .query_row(params![camera.as_str(), now.timestamp_millis()], |row| row.get::<_, Option<i64>>(0))
        .optional()
        .map(|end| end.flatten().map(time))
}

fn gap_from(row: &Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap {
        camera: camera_at(row, 0)?,
        from: time(row.get(1)?),
        to: time(row.get(2)?),
        cause: row.get::<_, Word<GapCause>>(3)?.0,
    })
}

fn open_gap_from(row: &Row<'_>) -> rusqlite::Result<OpenGap> {
    Ok(OpenGap {
        camera: camera_at(row, 0)?,
        from: time(row.get(1)?),
        cause: row.get::<_, Word<GapCause>>(2)?.0,
    })
}

/// Reads a camera's id. Only valid ones are ever stored.
pub(crate) fn camera_at(row: &Row<'_>, column: usize) -> rusqlite::Result<CameraId> {
    let id: String = row.get(column)?;
    id.parse().map_err(|e: config::InvalidCameraId| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e))
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use strum::VariantArray;

    use super::*;
    use crate::fixture::{Store, noon};

    fn gap(from_s: i64, to_s: i64, cause: GapCause) -> Gap {
        let at = |s| noon() + TimeDelta::seconds(s);
        Gap { camera: "gate".parse().unwrap(), from: at(from_s), to: at(to_s), cause }
    }

    #[test]
    fn every_cause_is_read_as_it_was_stored_and_shown_by_the_same_words() {
        let store = Store::new();
        for (number, &cause) in (0..).zip(GapCause::VARIANTS) {
            store.catalog.add_gap(&gap(number * 10, number * 10 + 5, cause)).unwrap();
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.to_string());
        }
        let read: Vec<GapCause> = store.catalog.gaps().unwrap().into_iter().map(|gap| gap.cause).collect();
        assert_eq!(read, GapCause::VARIANTS);
    }

    #[test]
    fn a_gap_is_seen_while_it_lasts_and_is_one_entry_when_it_is_over() {
        let store = Store::new();
        let over = gap(0, 30, GapCause::Stalled);
        let open = OpenGap { camera: over.camera.clone(), from: over.from, cause: over.cause };
        store.catalog.open_gap(&open).unwrap();
        let later =
            OpenGap { from: noon() + TimeDelta::seconds(9), cause: GapCause::Unreachable, ..open.clone() };
        store.catalog.open_gap(&later).unwrap();
        assert_eq!(store.catalog.open_gaps().unwrap(), [open]);
        assert_eq!(store.catalog.gaps().unwrap(), []);
        store.catalog.add_gap(&over).unwrap();
        assert_eq!(store.catalog.open_gaps().unwrap(), []);
        assert_eq!(store.catalog.gaps().unwrap(), [over]);
    }

    #[test]
    fn what_a_killed_recorder_left_open_ends_at_its_last_sign_of_life() {
        let store = Store::new();
        let cameras: Vec<CameraId> = vec!["gate".parse().unwrap(), "yard".parse().unwrap()];
        for camera in &cameras {
            let open = OpenGap { camera: camera.clone(), from: noon(), cause: GapCause::Stalled };
            store.catalog.open_gap(&open).unwrap();
        }
        let health = crate::health::tests::waiting("gate", noon() + TimeDelta::seconds(40));
        store.catalog.note_health(&[health]).unwrap();
        store.catalog.end_left_open(&cameras).unwrap();
        let ends: Vec<i64> =
            store.catalog.gaps().unwrap().iter().map(|gap| (gap.to - gap.from).num_seconds()).collect();
        assert_eq!(ends, [40, 0]);
        assert_eq!(store.catalog.open_gaps().unwrap(), []);
    }
}
