//! The catalogue itself: one SQLite file, opened, migrated, read and written through two doors.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::alive::Alive;
use crate::lock::OpeningLock;
use crate::readers::Readers;
use crate::{CatalogError, files};

pub(crate) const FILE_NAME: &str = "catalog.sqlite3";

/// How long a writer waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle to the catalogue; clones share one connection, or a few that read beside one that writes. Calls block: not for async threads.
///
/// One connection behind a lock is the process's one writer. A thread of its own would add a queue and give
/// nothing: all callers are on blocking threads, and SQLite has a single writer anyway.
#[derive(Clone)]
pub struct Catalog {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    connection: Mutex<Connection>,
    readers: OnceLock<Readers>,
    alive: Alive,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Catalog {
    /// Opens the catalogue in `state_dir`, making folder and file where they are missing.
    pub fn open(state_dir: &Path) -> Result<Self, CatalogError> {
        files::create_folder(state_dir)?;
        refuse_network_disk(state_dir)?;
        let _turn = OpeningLock::take(state_dir)?;
        Self::open_locked(state_dir)
    }

    /// As [`Catalog::open`], for whoever has the turn to open.
    pub(crate) fn open_locked(state_dir: &Path) -> Result<Self, CatalogError> {
        let path = state_dir.join(FILE_NAME);
        let mut connection = connect(&path).map_err(|source| CatalogError::Database {
            doing: "open",
            path: path.clone(),
            source,
        })?;
        migrations()
            .to_latest(&mut connection)
            .map_err(|source| CatalogError::Migration { path: path.clone(), source })?;
        let alive = Alive::new(state_dir);
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                connection: Mutex::new(connection),
                readers: OnceLock::new(),
                alive,
            }),
        })
    }

    /// Runs queries that change nothing.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        let done = match self.shared.readers.get() {
            Some(readers) => readers.read(query),
            None => query(&self.connection()),
        };
        done.map_err(|source| self.error(doing, source))
    }

    /// From now on reads with several connections side by side: for who answers many.
    pub fn read_by_many(&self) {
        self.shared.readers.get_or_init(|| Readers::new(self.shared.path.clone()));
    }

    /// Runs changes in one transaction: all of them or none. It begins as a writer, since an upgrade from
    /// reading to writing fails at once when another process writes, whatever the timeout.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| self.error(doing, source))?;
        change(&transaction)
            .and_then(|done| transaction.commit().map(|()| done))
            .map_err(|source| self.error(doing, source))
    }

    /// Brings what was written into the one file, so that it can be moved.
    pub(crate) fn settle_down(&self) -> Result<(), CatalogError> {
        self.read("settle down", |c| c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
    }

    pub(crate) fn alive(&self) -> &Alive {
        &self.shared.alive
    }

    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    pub(crate) fn state_dir(&self) -> &Path {
        self.shared.path.parent().unwrap_or(Path::new("."))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction rolled it back: the connection is still good.
        self.shared.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn error(&self, doing: &'static str, source: rusqlite::Error) -> CatalogError {
        CatalogError::Database { doing, path: self.shared.path.clone(), source }
    }
}

pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit allows a deletion or a payment: it must be on the disk when it returns.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../migrations/0001_initial.sql")),
        M::up(include_str!("../migrations/0002_coverage.sql")),
        M::up(include_str!("../migrations/0003_gate.sql")),
        M::up(include_str!("../migrations/0004_events.sql")),
        M::up(include_str!("../migrations/0005_money.sql")),
        M::up(include_str!("../migrations/0006_answers.sql")),
        M::up(include_str!("../migrations/0007_retention.sql")),
        M::up(include_str!("../migrations/0008_batch.sql")),
        M::up(include_str!("../migrations/0009_archive.sql")),
        M::up(include_str!("../migrations/0010_sums.sql")),
        M::up(include_str!("../migrations/0011_planning.sql")),
        M::up(include_str!("../migrations/0012_changed.sql")),
        M::up(include_str!("../migrations/0013_sealed.sql")),
        M::up(include_str!("../migrations/0014_moved.sql")),
    ])
}

fn refuse_network_disk(folder: &Path) -> Result<(), CatalogError> {
    // Magic numbers of statfs(2): NFS, SMB, SMB2, CIFS.
    const NETWORK: [u32; 4] = [0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42];
    let statfs = rustix::fs::statfs(folder)
        .map_err(|errno| CatalogError::file("look at the file system of", folder)(errno.into()))?;
    if NETWORK.contains(&(statfs.f_type as u32)) {
        return Err(CatalogError::NetworkDisk { path: folder.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_sound() {
        migrations().validate().unwrap();
    }

    #[test]
    fn what_older_catalogues_spent_is_carried_over() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut connection, 4).unwrap();
        connection
            .execute_batch(
                "INSERT INTO call VALUES
                 ('a', 'a', '2026-11-22', 'gate', '', 'm', 'answered', 200, 1000, 100, 0.00025, NULL, 'p', 1, 2),
                 ('b', 'b', '2026-11-22', 'gate', '', 'm', 'unknown', NULL, NULL, NULL, NULL, NULL, 'p', 1, 2),
                 ('c', 'c', '2026-11-22', NULL, '', 'm', 'answered', 200, 1, 1, NULL, NULL, 'p', 1, 2);",
            )
            .unwrap();
        migrations().to_latest(&mut connection).unwrap();
        let mut spent = connection.prepare("SELECT camera, calls, tokens, nanousd FROM spent").unwrap();
        let spent: Vec<(String, u64, u64, u64)> = spent
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(spent, [(String::new(), 1, 2, 0), ("gate".to_owned(), 2, 1100, 250_000)]);
    }

    #[test]
    fn older_catalogues_learn_to_archive_and_find_paths_by_their_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations().to_version(&mut connection, 8).unwrap();
        let insert = |c: &Connection, path: &str, state: &str| {
            c.execute(
                "INSERT INTO segment (path, state, start_ms, start_source, size, mtime_ns, inode, added_ms)
                 VALUES (?1, ?2, 0, 'name', 1, 1, 1, 0)",
                [path, state],
            )
        };
        insert(&connection, "gate/a.mp4", "processed").unwrap();
        assert!(insert(&connection, "gate/b.mp4", "archived").is_err());

        migrations().to_latest(&mut connection).unwrap();

        connection.execute("UPDATE segment SET state = 'archived'", []).unwrap();
        insert(&connection, "gate/a.mp4", "ready").unwrap();
        assert!(insert(&connection, "gate/a.mp4", "ready").is_err(), "a path names one file");
        assert!(insert(&connection, "gate/c.mp4", "anything").is_err(), "other words are still refused");
        let text = |sql: &str| -> String {
            connection
                .query_row(sql, [], |row| row.get(connection.prepare(sql).unwrap().column_count() - 1))
                .unwrap()
        };
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        let plan = text(
            "EXPLAIN QUERY PLAN SELECT 1 FROM segment WHERE path = 'x' AND state NOT IN ('archived', 'deleted')",
        );
        assert!(plan.contains("segment_path"), "{plan}");
    }

    #[test]
    fn opens_the_same_catalogue_twice() {
        let folder = tempfile::tempdir().unwrap();
        let first = Catalog::open(&folder.path().join("state")).unwrap();
        let second = Catalog::open(&folder.path().join("state")).unwrap();
        first.write("note", |t| t.execute("INSERT INTO note VALUES ('a', 1)", [])).unwrap();
        let seen: i64 =
            second.read("note", |c| c.query_row("SELECT value FROM note", [], |r| r.get(0))).unwrap();
        assert_eq!(seen, 1);
    }

    #[test]
    fn many_may_open_a_catalogue_for_the_first_time() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Catalog::open(folder.path()).unwrap());
            }
        });
    }

    #[test]
    fn a_failed_change_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let failed = catalog.write("note", |t| {
            t.execute("INSERT INTO note VALUES ('a', 1)", [])?;
            t.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(failed.is_err());
        let rows: i64 =
            catalog.read("note", |c| c.query_row("SELECT count(*) FROM note", [], |r| r.get(0))).unwrap();
        assert_eq!(rows, 0);
    }
}
