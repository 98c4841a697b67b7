//! The figures that the pages show: what `status` and `estimate` print with `--json`, and what the next pass of retention
//! will do.

use std::sync::Arc;

use dashboard::{Figure, FigureError, Figures, Makers, Site};
use retention::{Entry, Totals, Verdict};
use serde_json::{Value, json};

use crate::commands::{estimate, retain, status};
use crate::open::Store;
use crate::{clips, stills};

/// Segments that are named one by one; of a full disk, more would change than anybody reads.
const NAMED: usize = 200;

/// Returns what the pages are made of. The store is theirs alone: a long look must not hold up who writes.
pub(crate) fn site(store: Store) -> Site {
    store.catalog.read_by_many();
    let still = stills::maker(&store);
    Site {
        catalog: store.catalog.clone(),
        media: store.media(),
        clock: store.clock.clone(),
        settings: store.settings.clone(),
        figures: Figures {
            status: figure(store.clone(), status::figure),
            estimate: figure(store.clone(), estimate::figure),
            plan: figure(store, plan),
        },
        makers: Makers { clip: clips::maker(), still, most_files: clips::most_files() },
    }
}

fn figure(store: Store, of: fn(&Store) -> anyhow::Result<Value>) -> Figure {
    Arc::new(move || of(&store).map_err(FigureError::from))
}

/// Sums up what `retain --dry-run` would print, of what the catalogue knows already, and names what changes first.
fn plan(store: &Store) -> anyhow::Result<Value> {
    let mut changes: Vec<Entry> = Vec::new();
    let plan = retain::retainer(store).plan(store.clock.now(), |entry| {
        if entry.verdict != Verdict::Keep && changes.len() < NAMED {
            changes.push(entry.clone());
        }
    })?;
    let Totals { keep, move_to_processed, archive, delete, shortfall, .. } = plan.totals;
    let sum = |segments: u64, bytes: u64| json!({ "segments": segments, "bytes": bytes });
    Ok(json!({
        "keep": sum(keep.segments, keep.bytes),
        "move": sum(move_to_processed.segments, move_to_processed.bytes),
        "archive": sum(archive.segments, archive.bytes),
        "delete": sum(delete.segments, delete.bytes),
        "shortfall_bytes": shortfall,
        "changes": changes,
    }))
}
