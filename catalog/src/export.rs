//! Results for export: segment by segment in the order of their starts, so that no more than one is in memory.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::params;

use crate::events::{as_json, under};
use crate::segment::{PathText, Word};
use crate::{Catalog, CatalogError, SegmentId, SegmentState};

/// Rows read at a time; between two pages other threads get the connection.
const PAGE: u32 = 1024;

/// Which results are wanted; everything that is not said is wanted.
#[derive(Clone, Debug, Default)]
pub struct ExportFilter {
    /// Segments that start in it.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub cameras: Vec<String>,
    /// Files, or folders with all below them, by their absolute paths.
    pub paths: Vec<PathBuf>,
    /// Results of this profile instead of the newest of each segment.
    pub profile: Option<String>,
}

/// A segment with results.
#[derive(Clone, Debug)]
pub struct Exported {
    pub id: SegmentId,
    /// As the catalogue names it.
    pub file: String,
    pub state: SegmentState,
    pub profile: String,
    start_ms: i64,
}

impl Catalog {
    /// Lists segments with results, those after `last`; none where there are no more. Read the results of each
    /// with [`Catalog::results`].
    pub fn export_page(
        &self,
        filter: &ExportFilter,
        last: Option<&Exported>,
    ) -> Result<Vec<Exported>, CatalogError> {
        let millis = |time: Option<DateTime<Utc>>, open: i64| time.map_or(open, |t| t.timestamp_millis());
        let after = last.map_or((i64::MIN, i64::MIN), |last| (last.start_ms, last.id.0));
        let cameras = serde_json::Value::from(filter.cameras.as_slice()).to_string();
        self.read("list results", |c| {
            c.prepare_cached(&format!(
                "SELECT s.id, s.path, s.state, r.profile_id, s.start_ms
                 FROM segment s JOIN result r ON r.segment_id = s.id
                 WHERE (s.start_ms, s.id) > (?1, ?2) AND s.start_ms >= ?3 AND s.start_ms < ?4
                   AND (?5 = '[]' OR s.camera IN (SELECT value FROM json_each(?5)))
                   AND (?8 = '[]' OR {})
                   AND r.profile_id = ifnull(?6, (SELECT profile_id FROM result n WHERE n.segment_id = s.id
                                                  ORDER BY n.finished_ms DESC LIMIT 1))
                 ORDER BY s.start_ms, s.id LIMIT ?7",
                under("?8")
            ))?
            .query_map(
                params![
                    after.0,
                    after.1,
                    millis(filter.from, i64::MIN),
                    millis(filter.to, i64::MAX),
                    cameras,
                    filter.profile,
                    PAGE,
                    as_json(&filter.paths),
                ],
                |row| {
                    Ok(Exported {
                        id: row.get(0)?,
                        file: row.get::<_, PathText>(1)?.0.display().to_string(),
                        state: row.get::<_, Word<_>>(2)?.0,
                        profile: row.get(3)?,
                        start_ms: row.get(4)?,
                    })
                },
            )?
            .collect()
        })
    }

    /// Lists all labels that were ever seen, in order.
    pub fn labels_seen(&self) -> Result<Vec<String>, CatalogError> {
        self.read("list labels", |c| {
            let mut statement = c.prepare_cached("SELECT DISTINCT label FROM seen ORDER BY label")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Lists the profiles there are results of, with their descriptions, the latest in use last.
    pub fn profiles(&self) -> Result<Vec<crate::Profile>, CatalogError> {
        self.read("list profiles", |c| {
            let mut statement = c.prepare_cached(
                "SELECT p.description FROM profile p JOIN result r ON r.profile_id = p.id
                 GROUP BY p.id ORDER BY max(r.finished_ms), p.id",
            )?;
            statement.query_map([], |row| crate::store::parse(&row.get::<_, String>(0)?))?.collect()
        })
    }
}
