//! Counts for `status`: segments by state, per camera and in all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::segment::time;
use crate::{Catalog, CatalogError};

/// Segments of one camera, or of files that were named on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Segments by the word of their state.
    pub by_state: BTreeMap<String, u64>,
    /// On disk.
    pub bytes: u64,
    pub newest: Option<DateTime<Utc>>,
}

impl Catalog {
    /// Summarises by camera.
    pub fn summaries(&self) -> Result<BTreeMap<Option<String>, Summary>, CatalogError> {
        self.read("summarise segments", |c| {
            let mut statement = c.prepare_cached(
                "SELECT camera, state, count(*), sum(size), max(start_ms) FROM segment GROUP BY camera, state",
            )?;
            let mut rows = statement.query([])?;
            let mut summaries: BTreeMap<Option<String>, Summary> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let summary = summaries.entry(row.get(0)?).or_default();
                let state: String = row.get(1)?;
                if !matches!(state.as_str(), "missing" | "deleted") {
                    summary.bytes += row.get::<_, u64>(3)?;
                    summary.newest = summary.newest.max(Some(time(row.get(4)?)));
                }
                summary.by_state.insert(state, row.get(2)?);
            }
            Ok(summaries)
        })
    }
}
