//! A question: a request to the vision model that is to go with a batch.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::batch::submission;
use crate::segment::time;
use crate::{Bound, Catalog, CatalogError, SegmentId};

/// A question that a segment needs an answer to, with the place of its request's body in the spool.
#[derive(Clone, Debug)]
pub struct NewQuestion {
    pub key: String,
    pub camera: Option<String>,
    pub segment_sha256: String,
    pub model: String,
    pub bound: Bound,
    pub spool: String,
    pub offset: u64,
    pub length: u64,
}

/// What is known of a question that has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is gathered or asked already.
    Open,
    /// The server will not answer it.
    Refused { request_id: String, reason: String },
}

/// What waits to go with the next batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    pub lines: u64,
    pub bytes: u64,
    pub oldest: Option<DateTime<Utc>>,
}

/// How often a question was asked in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    pub tries: u32,
    pub unreadable: u32,
}

impl Catalog {
    /// Adds what a segment needs to be asked. A question that is open stays as it is, and one that was answered
    /// meanwhile is not asked again.
    pub fn gather(
        &self,
        segment: SegmentId,
        questions: &[NewQuestion],
        now: DateTime<Utc>,
    ) -> Result<(), CatalogError> {
        self.write("gather questions", |t| {
            let mut add = t.prepare_cached(
                "INSERT INTO question (key, state, camera, segment_sha256, model, bound_input_tokens,
                                       bound_output_tokens, spool, spool_offset, spool_length, gathered_ms,
                                       available_ms)
                 SELECT ?1, 'gathered', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10
                 WHERE NOT EXISTS (SELECT 1 FROM answer WHERE key = ?1) ON CONFLICT DO NOTHING",
            )?;
            let mut await_it = t.prepare_cached("INSERT OR IGNORE INTO awaited VALUES (?1, ?2)")?;
            for question in questions {
                add.execute(params![
                    question.key,
                    question.camera,
                    question.segment_sha256,
                    question.model,
                    question.bound.input_tokens,
                    question.bound.output_tokens,
                    question.spool,
                    question.offset,
                    question.length,
                    now.timestamp_millis(),
                ])?;
                await_it.execute(params![segment, question.key])?;
            }
            Ok(())
        })
    }

    /// Tells what is known of a question without an answer.
    pub fn question(&self, key: &str) -> Result<Option<Known>, CatalogError> {
        self.read("look for a question", |c| {
            c.prepare_cached("SELECT state, request_id, reason FROM question WHERE key = ?1")?
                .query_row([key], |row| {
                    Ok(match row.get::<_, String>(0)?.as_str() {
                        "refused" => Known::Refused {
                            request_id: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                            reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                        },
                        _ => Known::Open,
                    })
                })
                .optional()
        })
    }

    /// Adds up what may go with a batch now.
    pub fn gathered(&self, now: DateTime<Utc>) -> Result<Gathered, CatalogError> {
        self.read("add up what is gathered", |c| {
            c.prepare_cached(
                "SELECT count(*), coalesce(sum(spool_length), 0), min(gathered_ms) FROM question
                 WHERE state = 'gathered' AND available_ms <= ?1",
            )?
            .query_row([now.timestamp_millis()], |row| {
                Ok(Gathered {
                    lines: row.get(0)?,
                    bytes: row.get(1)?,
                    oldest: row.get::<_, Option<i64>>(2)?.map(time),
                })
            })
        })
    }

    /// Lists by their ledger rows what a batch has not answered yet.
    pub fn asked_in(&self, batch: &str) -> Result<HashMap<String, Tried>, CatalogError> {
        self.read("list what a batch asks", |c| {
            let mut statement = c.prepare_cached(
                "SELECT request_id, tries, unreadable FROM question WHERE batch_id = ?1 AND state = 'asked'",
            )?;
            let rows = statement.query_map([batch], |row| {
                Ok((row.get(0)?, Tried { tries: row.get(1)?, unreadable: row.get(2)? }))
            })?;
            rows.collect()
        })
    }

    /// Lets go of what is gathered and was not sent, but for questions to `model`. The segments that need it go back
    /// to the queue. Returns how many questions these were.
    pub fn release_gathered(&self, except: Option<&str>, now: DateTime<Utc>) -> Result<usize, CatalogError> {
        let keys: Vec<String> = self.read("list questions", |c| {
            c.prepare_cached("SELECT key FROM question WHERE state = 'gathered' AND model IS NOT ?1")?
                .query_map([except], |row| row.get(0))?
                .collect()
        })?;
        if keys.is_empty() {
            return Ok(0);
        }
        self.write("release questions", |t| {
            keys.iter().try_for_each(|key| drop_question(t, key, now)).map(|()| keys.len())
        })
    }
}

/// Forgets a question that nobody will answer, and lets the segments that need it be looked at again.
pub(super) fn drop_question(t: &Transaction<'_>, key: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM question WHERE key = ?1")?.execute([key])?;
    let segments: Vec<SegmentId> = t
        .prepare_cached("SELECT segment_id FROM awaited WHERE key = ?1")?
        .query_map([key], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    segments.into_iter().try_for_each(|segment| submission::release(t, segment, now))
}
