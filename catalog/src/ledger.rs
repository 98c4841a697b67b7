//! The ledger of paid requests and the store of paid answers.
//!
//! A row is written before a request is sent, and the answer is stored in the same transaction that ends it.
//! A row that still says `sent` after its process died may have been charged; it counts against the cap.

use chrono::{DateTime, NaiveDate, Utc};
use config::{Usd, VisionMode};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

mod list;

pub use list::{LedgerFilter, LedgerRow, LedgerSum, SumBy};

use crate::segment::Word;
use crate::{Bound, Call, CapReached, Catalog, CatalogError, DayCaps, Spent, spending};

#[derive(Clone, Debug)]
pub struct CallIntent {
    /// Ours, unique.
    pub request_id: String,
    /// What is asked, as a hash: see docs/storage.md.
    pub key: String,
    /// The day whose cap it counts against.
    pub cap_day: NaiveDate,
    pub camera: Option<String>,
    pub segment_sha256: String,
    pub model: String,
    pub mode: CallMode,
    /// What it may take at most, as far as the asker can tell.
    pub bound: Bound,
}

/// How the provider is asked. A batch counts on the day it is submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::AsRefStr, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum CallMode {
    #[default]
    Direct,
    Flex,
    Batch,
}

impl From<VisionMode> for CallMode {
    fn from(mode: VisionMode) -> Self {
        match mode {
            VisionMode::Direct => Self::Direct,
            VisionMode::Flex => Self::Flex,
            VisionMode::Batch => Self::Batch,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    Sent,
    CapReached(CapReached),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::AsRefStr, strum::Display, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum CallStatus {
    Sent,
    Answered,
    /// No usable answer; the request may be repeated.
    Failed,
    /// The server will not answer this request.
    Refused,
    /// In flight when the program died.
    Unknown,
}

#[derive(Clone, Debug)]
pub struct CallEnd {
    pub status: CallStatus,
    pub http_status: Option<u16>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cost: Option<Usd>,
    pub charge: Charge,
    pub error: Option<String>,
}

/// What an ended request counts against the caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// What it used.
    Used,
    /// Nothing: the server did not do the work.
    Nothing,
    /// Nobody knows: what was set aside stays.
    Unknown,
}

impl CallEnd {
    /// Returns what replaces what was set aside; `None` leaves it.
    fn counted(&self) -> Option<(u64, Usd)> {
        match (self.charge, self.input_tokens, self.output_tokens) {
            (Charge::Nothing, ..) => Some((0, Usd::default())),
            (Charge::Used, Some(input), Some(output)) => {
                let tokens = spending::bounded(input) + spending::bounded(output);
                Some((tokens, self.cost.unwrap_or_default()))
            }
            (Charge::Used | Charge::Unknown, ..) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub request_id: String,
    pub text: String,
}

impl Catalog {
    /// Writes the ledger row of a request that is about to be sent and sets aside what it may take at most,
    /// together, unless that does not fit under the day's caps.
    pub fn begin_call(
        &self,
        intent: &CallIntent,
        caps: &DayCaps,
        now: DateTime<Utc>,
    ) -> Result<Begun, CatalogError> {
        let process = self.alive().id()?;
        self.write("begin a call", |t| {
            let aside = match spending::set_aside(t, intent, caps)? {
                Ok(aside) => aside,
                Err(reached) => return Ok(Begun::CapReached(reached)),
            };
            insert_call(t, intent, (aside, process), now)?;
            Ok(Begun::Sent)
        })
    }

    /// Ends a request's row, counts what it used for what was set aside, and stores its answer, together.
    #[expect(clippy::too_many_arguments, reason = "an answer is apart from how its request ended")]
    pub fn end_call(
        &self,
        request_id: &str,
        end: &CallEnd,
        answer: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        self.write("end a call", |t| end_in(t, request_id, (end, answer), now))
    }

    /// Finds the answer that was paid for under `key`.
    pub fn answer(&self, key: &str) -> Result<Option<StoredAnswer>, CatalogError> {
        self.read("look for an answer", |c| {
            c.prepare_cached("SELECT request_id, text FROM answer WHERE key = ?1")?
                .query_row([key], |row| Ok(StoredAnswer { request_id: row.get(0)?, text: row.get(1)? }))
                .optional()
        })
    }

    /// Lists the requests that were made about a content, oldest first.
    pub fn calls_of(&self, segment_sha256: &str, model: &str) -> Result<Vec<Call>, CatalogError> {
        self.read("list calls", |c| calls_of(c, segment_sha256, model))
    }

    /// Marks what dead processes left in flight as `unknown`: sent, perhaps charged, never answered. What went with
    /// a batch is answered whoever asks for it.
    pub fn settle_calls(&self, now: DateTime<Utc>) -> Result<usize, CatalogError> {
        let owners: Vec<String> = self.read("list calls in flight", |c| {
            let mut statement =
                c.prepare("SELECT DISTINCT process FROM call WHERE status = 'sent' AND mode <> 'batch'")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })?;
        let dead: Vec<String> = owners.into_iter().filter(|o| self.alive().is_dead(o)).collect();
        self.write("settle calls", |t| {
            let mut settle = t.prepare(
                "UPDATE call SET status = 'unknown', ended_ms = ?1, error = 'in flight when nightreel ended'
                 WHERE status = 'sent' AND process = ?2 AND mode <> 'batch'",
            )?;
            dead.iter().map(|owner| settle.execute(params![now.timestamp_millis(), owner])).sum()
        })
    }
}

/// Writes the row of a request that is about to be sent by `process`, and what is set aside for it.
pub(crate) fn insert_call(
    t: &Transaction<'_>,
    intent: &CallIntent,
    (aside, process): (Spent, &str),
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT INTO call (request_id, key, cap_day, camera, segment_sha256, model, status, process,
                           begun_ms, mode, bound_input_tokens, bound_output_tokens, counted_tokens,
                           counted_nanousd)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'sent', ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        intent.request_id,
        intent.key,
        intent.cap_day.to_string(),
        intent.camera,
        intent.segment_sha256,
        intent.model,
        process,
        now.timestamp_millis(),
        Word(intent.mode),
        intent.bound.input_tokens,
        intent.bound.output_tokens,
        aside.tokens,
        aside.usd.nanos(),
    ])?;
    Ok(())
}

/// Ends a request's row and stores its answer.
pub(crate) fn end_in(
    t: &Transaction<'_>,
    request_id: &str,
    (end, answer): (&CallEnd, Option<&str>),
    now: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let (tokens, usd) = end.counted().unzip();
    let ended = t
        .prepare_cached(
            "UPDATE call SET status = ?2, http_status = ?3, input_tokens = ?4, output_tokens = ?5,
                    cost_nanousd = ?6, error = ?7, ended_ms = ?8,
                    counted_tokens = coalesce(?9, counted_tokens),
                    counted_nanousd = coalesce(?10, counted_nanousd)
             WHERE request_id = ?1",
        )?
        .execute(params![
            request_id,
            Word(end.status),
            end.http_status,
            end.input_tokens.map(spending::bounded),
            end.output_tokens.map(spending::bounded),
            end.cost.map(Usd::nanos),
            end.error,
            now.timestamp_millis(),
            tokens,
            usd.map(Usd::nanos),
        ])?;
    if ended == 0 {
        // No answer is taken for a request that the ledger does not know.
        return Err(rusqlite::Error::QueryReturnedNoRows);
    }
    if let Some(used) = end.input_tokens.zip(end.output_tokens) {
        spending::learn(t, request_id, used)?;
    }
    if let Some(text) = answer {
        t.prepare_cached(
            "INSERT INTO answer SELECT key, request_id, ?2, ?3 FROM call WHERE request_id = ?1
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![request_id, text, now.timestamp_millis()])?;
    }
    Ok(())
}

pub(crate) fn calls_of(c: &Connection, segment_sha256: &str, model: &str) -> rusqlite::Result<Vec<Call>> {
    let mut statement = c.prepare_cached(
        "SELECT request_id, model, input_tokens, output_tokens, cost_nanousd, status FROM call
         WHERE segment_sha256 = ?1 AND model = ?2 ORDER BY begun_ms, request_id",
    )?;
    let rows = statement.query_map([segment_sha256, model], |row| {
        Ok(Call {
            request_id: row.get(0)?,
            model: row.get(1)?,
            input_tokens: row.get(2)?,
            output_tokens: row.get(3)?,
            cost_usd: row.get::<_, Option<u64>>(4)?.map(|nanos| Usd::of_nanos(nanos).dollars()),
            status: row.get(5)?,
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests;
