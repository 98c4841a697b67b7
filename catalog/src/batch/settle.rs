//! Settling: what a batch brought for a line, stored with its ledger row as soon as it is read.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::batch::question::drop_question;
use crate::ledger::end_in;
use crate::{CallEnd, Catalog, CatalogError};

/// How a line ended.
#[derive(Clone, Debug)]
pub struct Settled {
    pub request_id: String,
    pub end: CallEnd,
    pub fate: Fate,
}

/// What becomes of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Answered(String),
    /// It goes with a later batch.
    Again {
        not_before: DateTime<Utc>,
        reason: String,
        tried: Try,
    },
    /// It is kept as one that the server does not answer.
    Refused(String),
    /// The segments that need it are looked at again.
    Dropped,
}

/// Whether it counts as a try that a question was asked in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// The server did nothing with it.
    None,
    Failed,
    Unreadable,
}

impl Catalog {
    /// Settles lines of a batch. Those that were settled before, or that it does not ask, are passed over: a file may
    /// be read twice. Returns how many were new.
    pub fn settle_lines(
        &self,
        batch: &str,
        lines: &[Settled],
        now: DateTime<Utc>,
    ) -> Result<usize, CatalogError> {
        self.write("settle lines of a batch", |t| {
            let mut count = 0;
            for line in lines {
                count += usize::from(settle(t, batch, line, now)?);
            }
            Ok(count)
        })
    }
}

fn settle(t: &Transaction<'_>, batch: &str, line: &Settled, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    let key: Option<String> = t
        .prepare_cached(
            "SELECT key FROM question WHERE request_id = ?1 AND batch_id = ?2 AND state = 'asked'",
        )?
        .query_row(params![line.request_id, batch], |row| row.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(false) };
    let answer = match &line.fate {
        Fate::Answered(text) => Some(text.as_str()),
        _ => None,
    };
    end_in(t, &line.request_id, (&line.end, answer), now)?;
    match &line.fate {
        Fate::Answered(_) => {
            t.prepare_cached("DELETE FROM question WHERE key = ?1")?.execute([&key])?;
        }
        Fate::Again { not_before, reason, tried } => {
            t.prepare_cached(
                "UPDATE question SET state = 'gathered', batch_id = NULL, request_id = NULL, reason = ?2,
                    available_ms = ?3, gathered_ms = ?3, tries = tries + ?4, unreadable = unreadable + ?5
                 WHERE key = ?1",
            )?
            .execute(params![
                key,
                reason,
                not_before.timestamp_millis(),
                u32::from(*tried != Try::None),
                u32::from(*tried == Try::Unreadable),
            ])?;
        }
        Fate::Refused(reason) => {
            t.prepare_cached(
                "UPDATE question SET state = 'refused', batch_id = NULL, reason = ?2 WHERE key = ?1",
            )?
            .execute(params![key, reason])?;
        }
        Fate::Dropped => drop_question(t, &key, now)?,
    }
    Ok(true)
}
