//! The store: one SQLite file. Every change of state is one transaction.
//!
//! One connection writes and another reads, so that reading a status does not wait until a write has reached the disk. Calls run on
//! blocking threads.

mod contributors;
mod deliveries;
mod inspect;
mod jobs;
#[cfg(test)]
mod lifecycle_tests;
mod new_jobs;
mod pieces;
mod readers;
mod results;
mod retention;
mod revocations;
mod schema;
mod sealing_epochs;
mod stored_text;
mod submissions;
mod withdrawals;

pub(crate) use contributors::Enrolled;
pub(crate) use jobs::JobRow;
pub(crate) use new_jobs::{Created, NewJob};
pub(crate) use pieces::StoredAt;
pub(crate) use readers::Readers;
pub(crate) use results::{Conclusion, Part, Receipts};
pub(crate) use retention::{Ending, Purged};
pub(crate) use revocations::RevokeOutcome;
pub(crate) use stored_text::StoredText;
pub(crate) use submissions::{Known, NewSubmission, Standing, UploadOutcome};
pub(crate) use withdrawals::{ListedSubmission, PendingWithdrawal, WithdrawOutcome};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tacit_metrics::{Operation, StoreMeter};
use tacit_mpc_core::digest::Digest;
use tacit_program::sqlite::{DatabaseError, StoreFile};
use tacit_program::unix_time;
use thiserror::Error;

/// How long a task waits that found the store failing, before it tries again.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Why the store cannot do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum StoreError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A text cannot be compressed.
    #[error("a text to be stored cannot be compressed: {reason}; give the coordinator more memory")]
    Text {
        /// The compressor's message.
        reason: String,
    },
    /// The store holds unfinished jobs of another cluster.
    #[error(
        "the store {path} holds {jobs} unfinished jobs of the cluster file with digest {theirs}, but field `cluster` names one with digest {ours}: start with the file they were opened under until they have ended or are cancelled, or give this cluster its own `data` folder; nothing was changed"
    )]
    OtherCluster {
        /// The store's file.
        path: PathBuf,
        /// How many unfinished jobs there are.
        jobs: u64,
        /// The digest of the cluster file they were opened under.
        theirs: Digest,
        /// The digest of the cluster file that is configured.
        ours: Digest,
    },
    /// The store holds something that this program would not write.
    #[error("the store {path} is damaged: {what}; restore it from a backup")]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The program is shutting down.
    #[error("the program is shutting down")]
    ShuttingDown,
}

/// Why a query fails, before the store's path is added.
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

    fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => DatabaseError::in_query(path, &error).into(),
            Self::Damaged(what) => StoreError::Damaged {
                path: path.to_owned(),
                what,
            },
        }
    }
}

/// The store. Clones share it.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    nodes: usize,
    meter: StoreMeter,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// Declared last, so that the folder is unlocked after the connections are closed.
    file: StoreFile,
}

impl Store {
    /// Opens the store in folder `data`, creating both if needed, for a cluster of `nodes` nodes.
    ///
    /// # Errors
    /// The folder cannot be used, another process uses it, or this program does not know the store's schema.
    pub(crate) fn open(data: &Path, nodes: usize, meter: StoreMeter) -> Result<Self, StoreError> {
        let (file, writer) = StoreFile::open(data, schema::SCHEMA)?;
        let reader = file.connect()?;
        Ok(Self(Arc::new(Inner {
            nodes,
            meter,
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            file,
        })))
    }

    /// The path of the SQLite file.
    fn path(&self) -> &Path {
        self.0.file.path()
    }

    /// How many nodes the cluster has.
    fn nodes(&self) -> usize {
        self.0.nodes
    }

    /// The error that the store holds something which this program would not write.
    pub(crate) fn damaged(&self, what: String) -> StoreError {
        Failure::Damaged(what).at(self.path())
    }

    /// Runs one transaction. It is on disk when this returns; if `work` fails, it is rolled back.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(Operation::Write, move |inner| transact(&mut lock(&inner.writer), work))
            .await
    }

    /// As [`Self::write`], but rolls back if `work` returns false beside its value.
    async fn write_if<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, bool), Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(Operation::Write, move |inner| {
            let mut connection = lock(&inner.writer);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (value, keep) = work(&transaction)?;
            if keep {
                transaction.commit()?;
            } else {
                transaction.rollback()?;
            }
            Ok(value)
        })
        .await
    }

    /// Runs one transaction that a power failure may undo. For state that the coordinator can find out again by asking.
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

    /// Runs queries on one snapshot of the store.
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
            done.map_err(|failure| failure.at(inner.file.path()))
        });
        // The task fails to run only when the runtime shuts down.
        done.await.unwrap_or(Err(StoreError::ShuttingDown))
    }

    /// Measures the store's files.
    pub(crate) async fn measure(&self) {
        let inner = Arc::clone(&self.0);
        // The task fails to run only when the runtime shuts down.
        let _ = tokio::task::spawn_blocking(move || inner.meter.measure(inner.file.path())).await;
    }

    /// Writes something, to check that the store can be written.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        self.write(|db| {
            Ok(db
                .execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?1)", [now()])
                .map(drop)?)
        })
        .await
    }

    /// Blocks all writes until the returned guard is dropped.
    #[cfg(test)]
    pub(crate) fn hang(&self) -> impl Drop + '_ {
        lock(&self.0.writer)
    }

    /// Limits the file to this many pages, as if the disk were full; 0 removes the limit.
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

    /// Opens a store for a cluster of three nodes, whose metrics nobody reads.
    #[cfg(test)]
    pub(crate) fn open_unwatched(data: &Path) -> Result<Self, StoreError> {
        let cluster = crate::testing::TestCluster::new(3, 1).cluster;
        let metrics = crate::metrics::Metrics::new(&cluster, Path::new("none"), &[], &[]).unwrap();
        Self::open(data, 3, metrics.store)
    }
}

/// A call that panics leaves no transaction open, so a poisoned connection can still be used.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transact<T>(connection: &mut Connection, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// The time now, in Unix time.
fn now() -> i64 {
    to_db(unix_time())
}

/// The number by which other tables refer to a job.
fn number_of(db: &Connection, id: &tacit_protocol::job::JobId) -> Result<Option<i64>, Failure> {
    Ok(db
        .prepare_cached("SELECT number FROM jobs WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?)
}

/// A byte string of fixed size, from a column.
fn fixed_bytes<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], Failure> {
    bytes
        .try_into()
        .map_err(|_| Failure::damaged(format!("{what} has {} bytes, not {N}", bytes.len())))
}

/// A count from a column. SQLite's integers are signed; the store holds no negative counts.
fn from_db(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count for a column.
fn to_db(value: u64) -> i64 {
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
        assert!(matches!(
            Store::open_unwatched(folder.path()),
            Err(StoreError::Database(DatabaseError::InUse { .. }))
        ));
        drop(store);
        drop(Store::open_unwatched(folder.path()).unwrap());

        let connection = Connection::open(folder.path().join("coordinator.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let refused = Store::open_unwatched(folder.path()).err().unwrap();
        assert!(
            matches!(refused, StoreError::Database(DatabaseError::Newer { found: 99, known: 1, .. })),
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
        assert!(matches!(error, StoreError::Database(DatabaseError::Full { .. })), "{error}");
        assert!(error.to_string().contains("coordinator.sqlite"));
        store.limit_pages(0).await;
        store.probe().await.unwrap();
    }
}
