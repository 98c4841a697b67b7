//! Events that nobody was told of yet: for hooks, which tell each once.

use rusqlite::{OptionalExtension, Transaction};

use crate::events::list::{EVENT, read_event};
use crate::{Catalog, CatalogError, Event};

/// Of the note that holds the id of the last event that was told; ids only grow, and are never used again.
const TOLD: &str = "told_event";

/// More than a hook can be behind; the others come with the next look.
const AT_ONCE: u32 = 256;

impl Catalog {
    /// Returns events that nobody was told of yet, oldest first, and takes them for told: another process does not get
    /// them as well. What there is when this is called for the first time is old news.
    pub fn take_untold_events(&self) -> Result<Vec<Event>, CatalogError> {
        if !self.read("look for events to tell", has_untold)? {
            return Ok(Vec::new());
        }
        let mut events = self.write("take events to tell", take)?;
        self.add_thumbnails(events.iter_mut());
        Ok(events)
    }
}

fn has_untold(c: &rusqlite::Connection) -> rusqlite::Result<bool> {
    c.prepare_cached(
        "SELECT coalesce((SELECT max(id) FROM event) > (SELECT value FROM note WHERE name = ?1), 1)",
    )?
    .query_row([TOLD], |row| row.get(0))
}

fn take(t: &Transaction<'_>) -> rusqlite::Result<Vec<Event>> {
    let newest: i64 = t.query_row("SELECT coalesce(max(id), 0) FROM event", [], |row| row.get(0))?;
    let told: Option<i64> =
        t.query_row("SELECT value FROM note WHERE name = ?1", [TOLD], |row| row.get(0)).optional()?;
    let events = match told {
        Some(told) => after(t, told)?,
        None => Vec::new(),
    };
    let last = if events.len() < AT_ONCE as usize { newest } else { events[events.len() - 1].id };
    t.execute("INSERT OR REPLACE INTO note VALUES (?1, ?2)", (TOLD, last))?;
    Ok(events)
}

fn after(t: &Transaction<'_>, told: i64) -> rusqlite::Result<Vec<Event>> {
    t.prepare_cached(&format!(
        "SELECT {EVENT} FROM event e JOIN segment s ON s.id = e.segment_id
         WHERE e.id > ?1 AND e.view <> '' ORDER BY e.id LIMIT {AT_ONCE}"
    ))?
    .query_map([told], read_event)?
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::EventFilter;
    use crate::fixture::Store;

    #[test]
    fn each_event_is_taken_once_and_old_ones_never() {
        let store = Store::new();
        store.add_processed("gate/a.mp4", "a");
        let taken = || store.catalog.take_untold_events().unwrap();
        assert!(taken().is_empty());
        store.add_processed("yard/b.mp4", "b");
        let known = store.catalog.events(&EventFilter::default()).unwrap();
        let told = taken();
        assert!(!told.is_empty() && told.len() < known.len());
        assert!(told.iter().all(|event| known.contains(event)));
        assert!(taken().is_empty());
        store.add_processed("dome/c.mp4", "c");
        assert!(taken().iter().all(|event| !told.contains(event)));
    }

    #[test]
    fn an_empty_catalogue_has_nothing_to_tell_and_its_first_event_is_news() {
        let store = Store::new();
        assert!(store.catalog.take_untold_events().unwrap().is_empty());
        store.add_processed("gate/a.mp4", "a");
        assert!(!store.catalog.take_untold_events().unwrap().is_empty());
    }
}
