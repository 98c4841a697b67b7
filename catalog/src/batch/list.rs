//! The batches: how far each has come.

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};
use serde::Serialize;

use crate::segment::{Word, time};
use crate::{Catalog, CatalogError};

/// How far a batch has come, as we know it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::AsRefStr, strum::Display, strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum BatchState {
    /// Written down; perhaps nothing was sent yet.
    Intended,
    /// The provider has its file.
    Uploaded,
    /// The provider has the batch, until all that it brings is read.
    Submitted,
    Completed,
    Failed,
    Expired,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    pub id: String,
    pub state: BatchState,
    pub model: String,
    pub lines: u64,
    /// How many are still to be answered.
    pub open: u64,
    pub bytes: u64,
    pub provider_id: Option<String>,
    /// In the provider's words.
    pub provider_state: Option<String>,
    pub input_file: Option<String>,
    /// When a person asked for its end.
    pub cancelled: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub created: DateTime<Utc>,
    pub submitted: Option<DateTime<Utc>>,
    pub ended: Option<DateTime<Utc>>,
}

/// What is under way, for `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchTally {
    /// Batches that did not end yet.
    pub under_way: u64,
    /// Questions in them that are still to be answered.
    pub asked: u64,
    /// Questions that wait for the next batch.
    pub gathered: u64,
    /// Segments that wait for answers.
    pub segments: u64,
    /// Since when the first of them does.
    pub since: Option<DateTime<Utc>>,
}

const COLUMNS: &str =
    "id, state, model, lines, bytes, provider_id, provider_state, input_file, cancel_ms, error,
    created_ms, submitted_ms, ended_ms,
    (SELECT count(*) FROM question WHERE batch_id = batch.id AND question.state = 'asked')";

impl Batch {
    pub fn is_over(&self) -> bool {
        !matches!(self.state, BatchState::Intended | BatchState::Uploaded | BatchState::Submitted)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time_of = |index: usize| row.get::<_, Option<i64>>(index).map(|ms| ms.map(time));
        Ok(Self {
            id: row.get(0)?,
            state: row.get::<_, Word<_>>(1)?.0,
            model: row.get(2)?,
            lines: row.get(3)?,
            open: row.get(13)?,
            bytes: row.get(4)?,
            provider_id: row.get(5)?,
            provider_state: row.get(6)?,
            input_file: row.get(7)?,
            cancelled: time_of(8)?,
            error: row.get(9)?,
            created: time(row.get(10)?),
            submitted: time_of(11)?,
            ended: time_of(12)?,
        })
    }
}

impl Catalog {
    /// Lists all batches, oldest first.
    pub fn batches(&self) -> Result<Vec<Batch>, CatalogError> {
        self.list("SELECT {} FROM batch ORDER BY created_ms, id")
    }

    /// Lists those that did not end yet, oldest first.
    pub fn batches_under_way(&self) -> Result<Vec<Batch>, CatalogError> {
        self.list(
            "SELECT {} FROM batch WHERE state IN ('intended', 'uploaded', 'submitted') ORDER BY created_ms, id",
        )
    }

    fn list(&self, query: &str) -> Result<Vec<Batch>, CatalogError> {
        self.read("list batches", |c| {
            let mut statement = c.prepare_cached(&query.replace("{}", COLUMNS))?;
            statement.query_map([], Batch::from_row)?.collect()
        })
    }

    pub fn batch_tally(&self) -> Result<BatchTally, CatalogError> {
        let (segments, since) = self.submissions()?;
        self.read("count batches", |c| {
            c.query_row(
                "SELECT (SELECT count(*) FROM batch WHERE state IN ('intended', 'uploaded', 'submitted')),
                        count(*) FILTER (WHERE state = 'asked'), count(*) FILTER (WHERE state = 'gathered')
                 FROM question",
                [],
                |row| {
                    let (under_way, asked, gathered) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok(BatchTally { under_way, asked, gathered, segments, since })
                },
            )
        })
    }

    /// Counts the batches that were begun since a time.
    pub fn batches_since(&self, since: DateTime<Utc>) -> Result<u64, CatalogError> {
        self.read("count batches", |c| {
            c.prepare_cached("SELECT count(*) FROM batch WHERE created_ms >= ?1")?
                .query_row([since.timestamp_millis()], |row| row.get(0))
        })
    }

    /// Notes that the provider has the file of a batch.
    pub fn batch_uploaded(&self, id: &str, input_file: &str) -> Result<(), CatalogError> {
        self.write("note an upload", |t| {
            t.execute(
                "UPDATE batch SET state = 'uploaded', input_file = ?2 WHERE id = ?1 AND state = 'intended'",
                [id, input_file],
            )
            .map(drop)
        })
    }

    /// Notes that the provider has a batch, under what name.
    #[expect(clippy::too_many_arguments, reason = "two names of one batch, and when")]
    pub fn batch_submitted(
        &self,
        id: &str,
        provider_id: &str,
        input_file: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        self.write("note a batch", |t| {
            t.execute(
                "UPDATE batch SET state = 'submitted', provider_id = ?2, input_file = ifnull(?3, input_file),
                    submitted_ms = ?4
                 WHERE id = ?1 AND state IN ('intended', 'uploaded')",
                params![id, provider_id, input_file, now.timestamp_millis()],
            )
            .map(drop)
        })
    }

    /// Notes what the provider says of a batch.
    pub fn batch_seen(&self, id: &str, provider_state: &str) -> Result<(), CatalogError> {
        self.write("note a batch's state", |t| {
            t.execute("UPDATE batch SET provider_state = ?2 WHERE id = ?1", [id, provider_state]).map(drop)
        })
    }

    /// Notes that a batch is over, with what went wrong.
    #[expect(clippy::too_many_arguments, reason = "how it ended, and when")]
    pub fn batch_ended(
        &self,
        id: &str,
        state: BatchState,
        error: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        self.write("end a batch", |t| {
            t.execute(
                "UPDATE batch SET state = ?2, error = ?3, ended_ms = ?4 WHERE id = ?1",
                params![id, Word(state), error, now.timestamp_millis()],
            )
            .map(drop)
        })
    }

    /// Notes that a person wants a batch to end. Returns `false` where there is none of that id under way.
    pub fn cancel_batch(&self, id: &str, now: DateTime<Utc>) -> Result<bool, CatalogError> {
        self.write("cancel a batch", |t| {
            let cancelled = t.execute(
                "UPDATE batch SET cancel_ms = ifnull(cancel_ms, ?2)
                 WHERE id = ?1 AND state IN ('intended', 'uploaded', 'submitted')",
                params![id, now.timestamp_millis()],
            )?;
            Ok(cancelled == 1)
        })
    }
}
