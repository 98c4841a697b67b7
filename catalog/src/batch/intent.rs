//! The intent of a batch: its row, the ledger's rows of its lines and what is set aside for them, in one transaction
//! before anything is sent.

use std::collections::HashSet;
use std::ops::ControlFlow;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Transaction, params};

use crate::ledger::insert_call;
use crate::{Bound, CallIntent, CallMode, CapReached, Catalog, CatalogError, DayCaps, spending};

/// What a line is longer than the body it carries, at most.
const AROUND_A_LINE: u64 = 160;

/// How much goes into one batch, and what it counts against.
#[derive(Clone, Debug)]
pub struct BatchLimits {
    pub model: String,
    pub max_lines: u64,
    pub max_bytes: u64,
    /// The day whose caps it counts against: that on which it is submitted.
    pub cap_day: NaiveDate,
}

/// What became of an intent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intended {
    /// The new batch; absent where nothing may be asked.
    pub batch: Option<String>,
    /// Caps that kept questions from going along.
    pub reached: Vec<CapReached>,
}

/// A line of a batch, with the place of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLine {
    pub request_id: String,
    pub spool: String,
    pub offset: u64,
    pub length: u64,
}

struct Candidate {
    line: BatchLine,
    intent: CallIntent,
}

impl Catalog {
    /// Writes down a batch of what was gathered, oldest first, as much as fits into `limits` and under the caps that
    /// `caps` returns for a camera.
    pub fn intend_batch(
        &self,
        limits: &BatchLimits,
        caps: &dyn Fn(Option<&str>) -> DayCaps,
        now: DateTime<Utc>,
    ) -> Result<Intended, CatalogError> {
        let process = self.alive().id()?;
        let id = format!("{:032x}", fastrand::u128(..));
        self.write("intend a batch", |t| {
            t.prepare_cached(
                "INSERT INTO batch (id, state, model, lines, bytes, created_ms) VALUES (?1, 'intended', ?2, 0, 0, ?3)",
            )?
            .execute(params![id, limits.model, now.timestamp_millis()])?;
            let mut filling = Filling::new((&id, process), limits, now);
            for candidate in candidates(t, limits, now)? {
                let caps = caps(candidate.intent.camera.as_deref());
                if filling.take(t, candidate, &caps)?.is_break() {
                    break;
                }
            }
            filling.close(t)
        })
    }

    /// Lists the lines of a batch that are still to be answered, in the order in which they were gathered.
    pub fn batch_lines(&self, batch: &str) -> Result<Vec<BatchLine>, CatalogError> {
        self.read("list the lines of a batch", |c| {
            let mut statement = c.prepare_cached(
                "SELECT request_id, spool, spool_offset, spool_length FROM question
                 WHERE batch_id = ?1 AND state = 'asked' ORDER BY rowid",
            )?;
            let rows = statement.query_map([batch], |row| {
                Ok(BatchLine {
                    request_id: row.get(0)?,
                    spool: row.get(1)?,
                    offset: row.get(2)?,
                    length: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// A batch that is being made.
struct Filling<'a> {
    id: &'a str,
    process: &'a str,
    limits: &'a BatchLimits,
    now: DateTime<Utc>,
    lines: u64,
    bytes: u64,
    /// Cameras whose cap is reached.
    full: HashSet<Option<String>>,
    reached: Vec<CapReached>,
}

impl<'a> Filling<'a> {
    fn new((id, process): (&'a str, &'a str), limits: &'a BatchLimits, now: DateTime<Utc>) -> Self {
        let (full, reached) = (HashSet::new(), Vec::new());
        Self { id, process, limits, now, lines: 0, bytes: 0, full, reached }
    }

    /// Takes a question along, where it fits. Breaks where no other does.
    fn take(
        &mut self,
        t: &Transaction<'_>,
        Candidate { line, intent }: Candidate,
        caps: &DayCaps,
    ) -> rusqlite::Result<ControlFlow<()>> {
        let longer = self.bytes + line.length + AROUND_A_LINE;
        if self.lines > 0 && longer > self.limits.max_bytes {
            return Ok(ControlFlow::Break(()));
        }
        if self.full.contains(&intent.camera) {
            return Ok(ControlFlow::Continue(()));
        }
        let aside = match spending::set_aside(t, &intent, caps)? {
            Ok(aside) => aside,
            Err(reached) => {
                let is_of_all = reached.camera.is_none();
                self.full.insert(reached.camera.clone());
                self.reached.push(reached);
                return Ok(if is_of_all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
            }
        };
        insert_call(t, &intent, (aside, self.process), self.now)?;
        t.prepare_cached(
            "UPDATE question SET state = 'asked', batch_id = ?2, request_id = ?3 WHERE key = ?1",
        )?
        .execute(params![intent.key, self.id, intent.request_id])?;
        (self.lines, self.bytes) = (self.lines + 1, longer);
        Ok(ControlFlow::Continue(()))
    }

    /// Leaves no batch without lines.
    fn close(self, t: &Transaction<'_>) -> rusqlite::Result<Intended> {
        let Self { id, lines, bytes, reached, .. } = self;
        if lines == 0 {
            t.execute("DELETE FROM batch WHERE id = ?1", [id])?;
            return Ok(Intended { batch: None, reached });
        }
        t.execute("UPDATE batch SET lines = ?2, bytes = ?3 WHERE id = ?1", params![id, lines, bytes])?;
        Ok(Intended { batch: Some(id.to_owned()), reached })
    }
}

fn candidates(
    t: &Transaction<'_>,
    limits: &BatchLimits,
    now: DateTime<Utc>,
) -> rusqlite::Result<Vec<Candidate>> {
    let mut statement = t.prepare_cached(
        "SELECT key, camera, segment_sha256, bound_input_tokens, bound_output_tokens, spool, spool_offset,
                spool_length
         FROM question WHERE state = 'gathered' AND model = ?1 AND available_ms <= ?2 ORDER BY rowid LIMIT ?3",
    )?;
    let rows =
        statement.query_map(params![limits.model, now.timestamp_millis(), limits.max_lines], |row| {
            let request_id = format!("{:032x}", fastrand::u128(..));
            let line = BatchLine {
                request_id: request_id.clone(),
                spool: row.get(5)?,
                offset: row.get(6)?,
                length: row.get(7)?,
            };
            let bound = Bound { input_tokens: row.get(3)?, output_tokens: row.get(4)? };
            let intent = CallIntent {
                request_id,
                key: row.get(0)?,
                cap_day: limits.cap_day,
                camera: row.get(1)?,
                segment_sha256: row.get(2)?,
                model: limits.model.clone(),
                mode: CallMode::Batch,
                bound,
            };
            Ok(Candidate { line, intent })
        })?;
    rows.collect()
}
