//! Connections that only read, beside the one that writes: so that who asks for a page does not wait for who sums up
//! millions of rows.

use std::array;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::Connection;

/// As many as the blocking threads of a few cores keep busy. Each may hold 2 MB of the file.
const MOST: usize = 4;

pub(crate) struct Readers {
    path: PathBuf,
    /// Opened when they are needed.
    places: [Mutex<Option<Connection>>; MOST],
    /// Where to wait next.
    turn: AtomicUsize,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, places: array::from_fn(|_| Mutex::default()), turn: AtomicUsize::new(0) }
    }

    /// Runs a query on a connection that nobody uses, or waits for one.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut place = self.free();
        match &mut *place {
            Some(connection) => query(connection),
            empty => query(empty.insert(crate::catalog::connect(&self.path)?)),
        }
    }

    fn free(&self) -> MutexGuard<'_, Option<Connection>> {
        let free = self.places.iter().find_map(|place| match place.try_lock() {
            Ok(free) => Some(free),
            // A query that panicked left nothing behind.
            Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % MOST;
            self.places[turn].lock().unwrap_or_else(PoisonError::into_inner)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use crate::fixture::Store;

    #[test]
    fn many_read_at_once_and_see_what_was_written_last() {
        let store = Store::new();
        store.catalog.read_by_many();
        let together = Barrier::new(super::MOST);
        std::thread::scope(|scope| {
            for _ in 0..super::MOST {
                // nobody would come by, if they shared one connection
                scope.spawn(|| store.catalog.read("wait", |_| Ok(together.wait())).unwrap());
            }
        });
        for (count, name) in ["a", "b", "c"].iter().enumerate() {
            assert_eq!(store.catalog.recorded_cameras().unwrap().len(), count.min(1));
            store.add(&format!("gate/{name}.mp4"), name);
        }
    }
}
