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
                if !matches!(state.as_str(), "missing" | "archived" | "deleted") {
                    summary.bytes += row.get::<_, u64>(3)?;
                    summary.newest = summary.newest.max(Some(time(row.get(4)?)));
                }
                summary.by_state.insert(state, row.get(2)?);
            }
            Ok(summaries)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Store, noon};

    #[test]
    fn segments_are_counted_by_camera_and_state() {
        let store = Store::new();
        store.add("gate/a.mp4", "1");
        store.add("gate/b.mp4", "22");
        store.add_processed("gate/c.mp4", "333");
        store.add_quarantined("yard/d.mp4", "4444");
        let deleted = store.add("yard/e.mp4", "55555");
        store.media().delete(deleted).unwrap();
        let count = |state: &str, count| (state.to_owned(), count);
        let gate = Summary {
            by_state: [count("ready", 2), count("processed", 1)].into(),
            bytes: 6,
            newest: Some(noon()),
        };
        let yard = Summary {
            by_state: [count("failed", 1), count("deleted", 1)].into(),
            bytes: 4,
            newest: Some(noon()),
        };
        let expected = [(Some("gate".to_owned()), gate), (Some("yard".to_owned()), yard)];
        assert_eq!(store.catalog.summaries().unwrap(), expected.into());
    }
}
