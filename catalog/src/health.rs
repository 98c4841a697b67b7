//! How each camera is doing, as its recorder says every few seconds: a row per camera, for whoever asks from
//! another process.

use chrono::{DateTime, Utc};
use config::CameraId;
use rusqlite::{OptionalExtension, Row, params};

use crate::gap::camera_at;
use crate::segment::{Word, time};
use crate::{Catalog, CatalogError};

/// Counts are since the recorder started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub camera: CameraId,
    pub state: HealthState,
    /// Why it waits.
    pub reason: Option<String>,
    /// When this was so.
    pub seen: DateTime<Utc>,
    pub last_frame: Option<DateTime<Utc>>,
    /// Start of the segment that grows.
    pub in_hand: Option<DateTime<Utc>>,
    pub segments: u64,
    pub frames: u64,
    pub packets_lost: u64,
    pub reconnects: u64,
    pub bits_per_second: u64,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, strum::AsRefStr, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HealthState {
    Connecting,
    Recording,
    Waiting,
    Stopped,
}

/// What was last said of a camera, and whether it still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraHealth {
    pub health: Health,
    pub recorder: RecorderLife,
}

/// Of the process that wrote a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecorderLife {
    Alive,
    Ended,
}

impl CameraHealth {
    /// Tells whether the camera is being recorded now.
    pub fn is_recording(&self) -> bool {
        self.recorder == RecorderLife::Alive && self.health.state == HealthState::Recording
    }

    /// Tells whether somebody takes care of the camera, though it may be unreachable now.
    pub fn is_attended(&self) -> bool {
        self.recorder == RecorderLife::Alive && self.health.state != HealthState::Stopped
    }
}

impl Catalog {
    /// Keeps what this process says of its cameras, in one transaction.
    pub fn note_health(&self, cameras: &[Health]) -> Result<(), CatalogError> {
        let process = self.alive().id()?;
        self.write("note the cameras' health", |t| {
            let mut note = t.prepare_cached(
                "INSERT OR REPLACE INTO health VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?;
            cameras.iter().try_for_each(|camera| {
                note.execute(params![
                    camera.camera.as_str(),
                    process,
                    Word(camera.state),
                    camera.reason,
                    camera.seen.timestamp_millis(),
                    camera.last_frame.map(|at| at.timestamp_millis()),
                    camera.in_hand.map(|at| at.timestamp_millis()),
                    camera.segments,
                    camera.frames,
                    camera.packets_lost,
                    camera.reconnects,
                    camera.bits_per_second,
                ])
                .map(drop)
            })
        })
    }

    /// Lists what was last said of each camera, by their ids.
    pub fn health(&self) -> Result<Vec<CameraHealth>, CatalogError> {
        let rows: Vec<(String, Health)> = self.read("read the cameras' health", |c| {
            c.prepare_cached("SELECT * FROM health ORDER BY camera")?.query_map([], health_from)?.collect()
        })?;
        Ok(rows.into_iter().map(|row| self.judge(row)).collect())
    }

    pub fn health_of(&self, camera: &CameraId) -> Result<Option<CameraHealth>, CatalogError> {
        let row = self.read("read a camera's health", |c| {
            c.prepare_cached("SELECT * FROM health WHERE camera = ?1")?
                .query_row([camera.as_str()], health_from)
                .optional()
        })?;
        Ok(row.map(|row| self.judge(row)))
    }

    fn judge(&self, (process, health): (String, Health)) -> CameraHealth {
        let dead = self.alive().is_dead(&process);
        CameraHealth { health, recorder: if dead { RecorderLife::Ended } else { RecorderLife::Alive } }
    }
}

fn health_from(row: &Row<'_>) -> rusqlite::Result<(String, Health)> {
    let health = Health {
        camera: camera_at(row, 0)?,
        state: row.get::<_, Word<_>>(2)?.0,
        reason: row.get(3)?,
        seen: time(row.get(4)?),
        last_frame: row.get::<_, Option<i64>>(5)?.map(time),
        in_hand: row.get::<_, Option<i64>>(6)?.map(time),
        segments: row.get(7)?,
        frames: row.get(8)?,
        packets_lost: row.get(9)?,
        reconnects: row.get(10)?,
        bits_per_second: row.get(11)?,
    };
    Ok((row.get(1)?, health))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    pub(crate) fn waiting(camera: &str, seen: DateTime<Utc>) -> Health {
        Health {
            camera: camera.parse().unwrap(),
            state: HealthState::Waiting,
            reason: Some("camera `gate` cannot be reached".to_owned()),
            seen,
            last_frame: None,
            in_hand: None,
            segments: 3,
            frames: 4500,
            packets_lost: 2,
            reconnects: 1,
            bits_per_second: 2_000_000,
        }
    }

    pub(crate) fn recording(camera: &str, in_hand: DateTime<Utc>, last_frame: DateTime<Utc>) -> Health {
        Health {
            state: HealthState::Recording,
            reason: None,
            last_frame: Some(last_frame),
            in_hand: Some(in_hand),
            ..waiting(camera, last_frame)
        }
    }

    #[test]
    fn another_process_reads_what_the_recorder_said_last() {
        let store = Store::new();
        let said = recording("gate", noon(), noon());
        store.catalog.note_health(&[waiting("gate", noon()), waiting("yard", noon())]).unwrap();
        store.catalog.note_health(std::slice::from_ref(&said)).unwrap();
        let read = store.catalog_elsewhere().health().unwrap();
        assert_eq!(read[0].health, said);
        assert_eq!(read[1].health, waiting("yard", noon()));
        assert!(read[0].is_recording() && !read[1].is_recording() && read[1].is_attended());
        assert_eq!(store.catalog.health_of(&said.camera).unwrap().as_ref(), Some(&read[0]));
        assert_eq!(store.catalog.health_of(&"roof".parse().unwrap()).unwrap(), None);
    }

    #[test]
    fn what_a_dead_recorder_said_is_not_shown_as_live() {
        let store = Store::new();
        let recorder = store.catalog_elsewhere();
        recorder.note_health(&[recording("gate", noon(), noon())]).unwrap();
        assert!(store.catalog.health().unwrap()[0].is_recording());
        drop(recorder);
        let read = store.catalog.health().unwrap();
        assert_eq!(read[0].recorder, RecorderLife::Ended);
        assert!(!read[0].is_recording() && !read[0].is_attended());
    }
}
