//! The ledger, read: each request, or their sums.

use chrono::{DateTime, Utc};
use config::Usd;
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};
use serde::Serialize;

use crate::segment::time;
use crate::store::json;
use crate::{Catalog, CatalogError};

/// Rows read at a time. Nothing is kept open while they are printed: a pager may hold them for hours.
const PAGE: usize = if cfg!(test) { 50 } else { 1000 };

/// Which requests are wanted; an empty list is all.
#[derive(Clone, Debug, Default)]
pub struct LedgerFilter {
    /// By when they were begun.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub cameras: Vec<String>,
    pub models: Vec<String>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerRow {
    pub request_id: String,
    pub begun: DateTime<Utc>,
    /// Absent while it is under way.
    pub ended: Option<DateTime<Utc>>,
    pub cap_day: String,
    pub camera: Option<String>,
    pub segment_sha256: String,
    pub model: String,
    pub mode: String,
    pub status: String,
    pub http_status: Option<u16>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// Absent where the price or what was used is not known.
    pub cost_usd: Option<f64>,
    /// What it takes from the caps: what was set aside, where it is not known what was used.
    pub counted_tokens: u64,
    pub counted_usd: f64,
    pub error: Option<String>,
    #[serde(skip)]
    place: (i64, i64),
}

/// What requests are summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumBy {
    /// The caps' day.
    Day,
    Camera,
    Model,
}

/// The requests of one day, camera or model together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerSum {
    /// Absent for requests about files that belong to no camera.
    pub of: Option<String>,
    pub calls: u64,
    pub answered: u64,
    /// Perhaps charged, never answered.
    pub unknown: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Of the requests whose price is known.
    pub cost_usd: f64,
    pub counted_tokens: u64,
    pub counted_usd: f64,
}

/// What [`LedgerFilter::wanted`] fills in.
const WANTED: &str = "(?1 IS NULL OR begun_ms >= ?1) AND (?2 IS NULL OR begun_ms < ?2)
    AND (?3 = '[]' OR camera IN (SELECT value FROM json_each(?3)))
    AND (?4 = '[]' OR model IN (SELECT value FROM json_each(?4)))";

impl LedgerFilter {
    fn wanted(&self) -> rusqlite::Result<[Value; 4]> {
        let [from, to] = [self.from, self.to].map(|at| at.map(|at| at.timestamp_millis()).into());
        Ok([from, to, json(&self.cameras)?.into(), json(&self.models)?.into()])
    }
}

impl Catalog {
    /// Calls `each` with every request that is wanted, oldest first, until it fails.
    pub fn each_call<E: From<CatalogError>>(
        &self,
        filter: &LedgerFilter,
        mut each: impl FnMut(&LedgerRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let page = self.ledger_page(filter, after)?;
            page.iter().try_for_each(&mut each)?;
            match page.last() {
                Some(last) if page.len() == PAGE => after = last.place,
                _ => return Ok(()),
            }
        }
    }

    /// Adds up the requests that are wanted.
    pub fn ledger_sums(&self, filter: &LedgerFilter, by: SumBy) -> Result<Vec<LedgerSum>, CatalogError> {
        let of = match by {
            SumBy::Day => "cap_day",
            SumBy::Camera => "camera",
            SumBy::Model => "model",
        };
        self.read("add up the ledger", |c| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT {of}, count(*), count(*) FILTER (WHERE status = 'answered'),
                        count(*) FILTER (WHERE status = 'unknown'), coalesce(sum(input_tokens), 0),
                        coalesce(sum(output_tokens), 0), coalesce(sum(cost_nanousd), 0),
                        sum(counted_tokens), sum(counted_nanousd)
                 FROM call WHERE {WANTED} GROUP BY {of} ORDER BY {of}"
            ))?;
            let rows = statement.query_map(params_from_iter(filter.wanted()?), |row| {
                Ok(LedgerSum {
                    of: row.get(0)?,
                    calls: row.get(1)?,
                    answered: row.get(2)?,
                    unknown: row.get(3)?,
                    input_tokens: row.get(4)?,
                    output_tokens: row.get(5)?,
                    cost_usd: Usd::of_nanos(row.get(6)?).dollars(),
                    counted_tokens: row.get(7)?,
                    counted_usd: Usd::of_nanos(row.get(8)?).dollars(),
                })
            })?;
            rows.collect()
        })
    }

    fn ledger_page(
        &self,
        filter: &LedgerFilter,
        (begun, rowid): (i64, i64),
    ) -> Result<Vec<LedgerRow>, CatalogError> {
        self.read("read the ledger", |c| {
            let mut statement = c.prepare_cached(&format!(
                "SELECT request_id, begun_ms, ended_ms, cap_day, camera, segment_sha256, model, mode, status,
                        http_status, input_tokens, output_tokens, cost_nanousd, counted_tokens,
                        counted_nanousd, error, rowid
                 FROM call WHERE {WANTED} AND (begun_ms, rowid) > (?5, ?6)
                 ORDER BY begun_ms, rowid LIMIT {PAGE}"
            ))?;
            let wanted = filter.wanted()?.into_iter().chain([begun.into(), rowid.into()]);
            statement.query_map(params_from_iter(wanted), ledger_row)?.collect()
        })
    }
}

fn ledger_row(row: &Row<'_>) -> rusqlite::Result<LedgerRow> {
    let dollars = |nanos: u64| Usd::of_nanos(nanos).dollars();
    Ok(LedgerRow {
        request_id: row.get(0)?,
        begun: time(row.get(1)?),
        ended: row.get::<_, Option<i64>>(2)?.map(time),
        cap_day: row.get(3)?,
        camera: row.get(4)?,
        segment_sha256: row.get(5)?,
        model: row.get(6)?,
        mode: row.get(7)?,
        status: row.get(8)?,
        http_status: row.get(9)?,
        input_tokens: row.get(10)?,
        output_tokens: row.get(11)?,
        cost_usd: row.get::<_, Option<u64>>(12)?.map(dollars),
        counted_tokens: row.get(13)?,
        counted_usd: dollars(row.get(14)?),
        error: row.get(15)?,
        place: (row.get(1)?, row.get(16)?),
    })
}
