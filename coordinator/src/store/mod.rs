//! The store: one SQLite file, every change of state one transaction.
//!
//! One connection writes and another reads, so that a status is not kept waiting by a disk flush.
//! Calls run on blocking threads.

mod contributors;
mod inspect;
mod jobs;
#[cfg(test)]
mod lifecycle_tests;
mod results;
mod retention;
mod schema;
#[cfg(test)]
mod schema_tests;
mod submissions;
mod text;

pub use contributors::Enrolled;
pub use jobs::{JobRow, NewJob};
pub use results::{Conclusion, Part};
pub use submissions::{Kept, Known, NewSubmission};
pub use text::KeptText;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tacit_metrics::{Operation, StoreMeter};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(10);

/// Why the store cannot do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The folder or file cannot be opened.
    #[error("cannot open the store {path}: {reason}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// Another process has it.
    #[error("the store {path} is in use by another process: stop that one, or give this one its own `data` folder")]
    Locked {
        /// Which.
        path: String,
    },
    /// A later release made it.
    #[error("the store {path} has schema version {found}, this program knows {known}: run the release that made it, or a later one")]
    Newer {
        /// Which.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: usize,
    },
    /// The file of an earlier release cannot be taken over.
    #[error(
        "the store {path} has schema version {found} and cannot be brought to {known}: {reason}; it was left as it was: run the release that made it, and report this"
    )]
    Migration {
        /// Which.
        path: String,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
        /// Why not.
        reason: String,
    },
    /// A text cannot be compressed.
    #[error("a text to be stored cannot be compressed: {reason}; give the coordinator more memory")]
    Text {
        /// Why.
        reason: String,
    },
    /// It holds unfinished jobs of another cluster.
    #[error(
        "the store {path} holds {jobs} unfinished jobs of the cluster file with digest {theirs}, but field `cluster` names one with digest {ours}: start with the file they were opened under until they have ended or are cancelled, or give this cluster its own `data` folder; nothing was changed"
    )]
    OtherCluster {
        /// Which.
        path: String,
        /// How many jobs.
        jobs: u64,
        /// The digest of the cluster file they were opened under.
        theirs: Digest,
        /// The digest of the one that is configured.
        ours: Digest,
    },
    /// No space is left.
    #[error("the store {path} is full: free or add disk space; nothing was lost and the request can be sent again")]
    Full {
        /// Which.
        path: String,
    },
    /// Any other failure of the database.
    #[error("the store {path} failed: {reason}")]
    Database {
        /// Which.
        path: String,
        /// Why.
        reason: String,
    },
    /// What it holds is not what this program writes.
    #[error("the store {path} is damaged: {what}; restore it from a backup")]
    Damaged {
        /// Which.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The program is shutting down.
    #[error("the program is shutting down")]
    ShuttingDown,
}

/// What a query can fail with: the database's own error, or content that does not make sense.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Damaged(String),
}

impl Failure {
    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    nodes: usize,
    meter: StoreMeter,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// Held for as long as the store is open; the lock ends with the process.
    _lock: File,
}

impl Store {
    /// Opens or makes the store in folder `data`, for a cluster of `nodes` nodes.
    ///
    /// # Errors
    /// The folder cannot be used, another process has it, or a later release made it.
    pub fn open(data: &Path, nodes: usize, meter: StoreMeter) -> Result<Self, StoreError> {
        Self::open_with(data, nodes, meter, schema::MIGRATIONS)
    }

    fn open_with(data: &Path, nodes: usize, meter: StoreMeter, migrations: &[&str]) -> Result<Self, StoreError> {
        let path = data.join("coordinator.sqlite");
        let shown = path.display().to_string();
        let open = |reason: String| StoreError::Open {
            path: shown.clone(),
            reason,
        };
        std::fs::create_dir_all(data).map_err(|e| open(e.to_string()))?;
        let lock = File::create(data.join("lock")).map_err(|e| open(e.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(StoreError::Locked { path: shown }),
            Err(std::fs::TryLockError::Error(e)) => return Err(open(e.to_string())),
        }
        let mut writer = connect(&path).map_err(|e| open(e.to_string()))?;
        schema::migrate(&mut writer, &path, migrations)?;
        let reader = connect(&path).map_err(|e| open(e.to_string()))?;
        Ok(Self(Arc::new(Inner {
            path,
            nodes,
            meter,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            _lock: lock,
        })))
    }

    /// How many nodes the cluster has.
    fn nodes(&self) -> usize {
        self.0.nodes
    }

    /// Runs one transaction, on disk when this returns; it is undone when `work` fails.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(Operation::Write, move |inner| transact(&mut lock(&inner.writer), work))
            .await
    }

    /// Runs one transaction that a power failure may undo: for what is found out again by asking.
    async fn write_lazily<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(Operation::Write, move |inner| {
            let mut connection = lock(&inner.writer);
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            let done = transact(&mut connection, work);
            connection.pragma_update(None, "synchronous", "FULL")?;
            done
        })
        .await
    }

    /// Runs queries on one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(Operation::Read, move |inner| {
            let mut connection = lock(&inner.reader);
            let transaction = connection.transaction()?;
            work(&transaction)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: Operation,
        work: impl FnOnce(&Inner) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let done = inner.meter.time(operation, || work(&inner));
            done.map_err(|e| explain(&inner.path, e))
        });
        // The task can only fail to run when the runtime is going down.
        done.await.unwrap_or(Err(StoreError::ShuttingDown))
    }

    /// Measures its files.
    pub async fn measure(&self) {
        let inner = Arc::clone(&self.0);
        // The task can only fail to run when the runtime is going down.
        let _ = tokio::task::spawn_blocking(move || inner.meter.measure(&inner.path)).await;
    }

    /// Writes something, to know that the store takes writes.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.write(|db| {
            Ok(db
                .execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?1)", [now()])
                .map(drop)?)
        })
        .await
    }

    /// Takes no write until what this gives is dropped.
    #[cfg(test)]
    pub(crate) fn hang(&self) -> impl Drop + '_ {
        lock(&self.0.writer)
    }

    /// Lets no further page be used, as if the disk were full; 0 lifts it.
    #[cfg(test)]
    pub(crate) async fn limit_pages(&self, pages: i64) {
        let pages = if pages == 0 { i64::from(u32::MAX) - 1 } else { pages };
        let sql = format!("PRAGMA max_page_count = {pages}");
        self.blocking(Operation::Write, move |inner| {
            Ok(lock(&inner.writer).query_row(&sql, [], |_| Ok(()))?)
        })
        .await
        .unwrap();
    }

    /// Opens a store that nobody watches, for a cluster of three nodes.
    #[cfg(test)]
    pub(crate) fn open_unwatched(data: &Path) -> Result<Self, StoreError> {
        Self::open_unwatched_with(data, schema::MIGRATIONS)
    }

    #[cfg(test)]
    fn open_unwatched_with(data: &Path, migrations: &[&str]) -> Result<Self, StoreError> {
        let cluster = crate::testing::TestCluster::new(3, 1).cluster;
        let metrics = crate::metrics::Metrics::new(&cluster, Path::new("none"), &[], &[]).unwrap();
        Self::open_with(data, 3, metrics.store, migrations)
    }
}

/// A panic in another call leaves no transaction open, so a poisoned connection can be used on.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transact<T>(connection: &mut Connection, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn explain(path: &Path, failure: Failure) -> StoreError {
    let path = path.display().to_string();
    match failure {
        Failure::Sqlite(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full { path },
        Failure::Sqlite(e) => StoreError::Database {
            path,
            reason: e.to_string(),
        },
        Failure::Damaged(what) => StoreError::Damaged { path, what },
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The number of a job's rows in other tables.
fn number_of(db: &Connection, id: &tacit_protocol::job::JobId) -> Result<Option<i64>, Failure> {
    Ok(db
        .prepare_cached("SELECT number FROM jobs WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?)
}

/// A fixed-size byte string out of a column.
fn bytes_of<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], Failure> {
    bytes
        .try_into()
        .map_err(|_| Failure::damaged(format!("{what} has {} bytes, not {N}", bytes.len())))
}

/// A count out of a column: SQLite's integers are signed.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count for a column.
fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opens_again_and_refuses_a_second_process_and_a_later_schema() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        store.probe().await.unwrap();
        assert!(matches!(Store::open_unwatched(folder.path()), Err(StoreError::Locked { .. })));
        drop(store);
        drop(Store::open_unwatched(folder.path()).unwrap());

        let connection = Connection::open(folder.path().join("coordinator.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let refused = Store::open_unwatched(folder.path()).err().unwrap();
        assert!(
            matches!(refused, StoreError::Newer { found: 99, known, .. } if known == schema::MIGRATIONS.len()),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_passes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        store.limit_pages(1).await;
        let key = tacit_protocol::identity::PublicKey::from_bytes([1; 32]);
        let error = store.enrol("x".repeat(1 << 20), key, true).await.unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(error.to_string().contains("coordinator.sqlite"));
        store.limit_pages(0).await;
        store.probe().await.unwrap();
    }
}
