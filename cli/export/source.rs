//! Where the rows come from: the results of the segments that are wanted, one segment at a time.

use catalog::{Catalog, ExportFilter, Exported, Results};

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) catalog: Catalog,
    pub(crate) filter: ExportFilter,
}

impl Source {
    /// Calls `each` for every segment, oldest first. May be called again, for formats that need two passes.
    pub(crate) fn each(
        &self,
        mut each: impl FnMut(&Exported, &Results) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut page = self.catalog.export_page(&self.filter, None)?;
        while !page.is_empty() {
            for exported in &page {
                if let Some(results) = self.catalog.results(exported.id, &exported.profile)? {
                    each(exported, &results)?;
                }
            }
            page = self.catalog.export_page(&self.filter, page.last())?;
        }
        Ok(())
    }
}
