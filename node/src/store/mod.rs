//! What a node stores: jobs, and submissions with their sealed components. One SQLite file, and a folder with the keys of open jobs; all
//! calls block.

mod ended;
mod jobs;
mod notices;
mod quotas;
mod revocations;
mod schema;
mod submissions;
#[cfg(test)]
mod tests;
mod withdrawals;

pub(crate) use ended::Ended;
pub(crate) use jobs::{OpenedJob, Recorded, Room};
pub(crate) use notices::Announced;
pub(crate) use revocations::Revoked;
pub(crate) use submissions::{Author, ComponentsAt, NewSubmission, StoredSubmission};
pub(crate) use withdrawals::{NewWithdrawal, Withdrawn};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tacit_metrics::{Operation, StoreMeter};
use tacit_mpc_core::digest::Digest;
use tacit_program::sqlite::{self, DatabaseError, StoreFile};
use tacit_program::{ErasableKeyError, ErasableKeys};
use tacit_protocol::control::Refusal;
use tacit_protocol::job::{Job, JobError, JobId};
use tacit_protocol::sealing::{AtRestKey, RecordKey};
use thiserror::Error;
use tracing::warn;

/// Why the store cannot do what it is asked.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A stored spec is not one that this program would store.
    #[error("the store {path} is damaged: the spec of job {job} cannot be read: {error}; restore it from a backup")]
    Spec {
        /// The store's file.
        path: PathBuf,
        job: JobId,
        /// What is wrong with the spec.
        error: JobError,
    },
    /// A stored spec does not open under the job's key.
    #[error(
        "the store {path} is damaged: the spec of job {job} does not open under the job's key in folder `job-keys`; stop the node, remove the key's file, and start it again: it gets the job anew"
    )]
    SealedSpec {
        /// The store's file.
        path: PathBuf,
        job: JobId,
    },
    /// The record of a release was altered.
    #[error(
        "the store {path} was altered: the record of what was released of job {job} is not one that this node has written, so nothing is computed of the job; find out who can write to the data folder, and cancel the job"
    )]
    Record {
        /// The store's file.
        path: PathBuf,
        job: JobId,
    },
    /// The job's key is destroyed.
    #[error("job {0} has ended at this node, which has erased its shares")]
    Ended(JobId),
    /// The file of a job's key cannot be read, written or erased.
    #[error(transparent)]
    Key(#[from] ErasableKeyError),
}

impl StoreError {
    /// Logs it, and gives the refusal for whoever asked. A job that has ended is refused as such.
    pub(crate) fn into_refusal(self) -> Refusal {
        self.log();
        match self {
            Self::Ended(job) => Refusal::Ended(job),
            error => Refusal::Storage(error.to_string()),
        }
    }

    /// Logs it, unless it only says that a job has ended: then the store has not failed.
    pub(crate) fn log(&self) {
        if !matches!(self, Self::Ended(_)) {
            warn!(error = %self, "the store failed");
        }
    }
}

/// The folder with the keys of open jobs, inside the folder of the store.
const KEYS: &str = "job-keys";

/// A node's store.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
    file: StoreFile,
    /// Jobs that were read lately: every batch of submissions needs its job, and parsing a large spec takes long.
    recent_jobs: Mutex<HashMap<JobId, Arc<Job>>>,
    /// The key of each open job, by the job's digest.
    keys: ErasableKeys,
    /// Authenticates for which accepted set outputs were released.
    records: RecordKey,
    meter: StoreMeter,
}

impl Store {
    /// Opens the store in a folder, creating both if needed. `records` authenticates what it records. Erases what is left of jobs that
    /// ended when the process did, and of jobs whose keys are gone.
    pub(crate) fn open(folder: &Path, meter: StoreMeter, records: RecordKey) -> Result<Self, StoreError> {
        let (file, connection) = StoreFile::open(folder, schema::SCHEMA)?;
        let store = Self {
            connection: Mutex::new(connection),
            file,
            recent_jobs: Mutex::default(),
            keys: ErasableKeys::open(&folder.join(KEYS))?,
            records,
            meter,
        };
        store.finish_erasing()?;
        Ok(store)
    }

    /// The key under which everything of an open job is sealed.
    ///
    /// # Errors
    /// [`StoreError::Ended`]: it is destroyed.
    pub(crate) fn key(&self, job: &Job) -> Result<AtRestKey, StoreError> {
        self.key_of(&job.digest()).ok_or_else(|| StoreError::Ended(job.id().clone()))
    }

    fn key_of(&self, digest: &Digest) -> Option<AtRestKey> {
        self.keys.get(&digest.to_string()).map(|key| AtRestKey::from_bytes(&key))
    }

    /// Checks the store in a folder, if there is one, without changing it. Returns whether another process uses it: then a node runs
    /// on this folder.
    pub(crate) fn inspect(folder: &Path) -> Result<bool, DatabaseError> {
        Ok(sqlite::inspect(folder, schema::SCHEMA)?.in_use)
    }

    /// The path of the SQLite file.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // SQLite rolls back what a panicking thread left open.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.run(Operation::Read, |connection| body(connection))
    }

    fn write<T>(&self, body: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.run(Operation::Write, body)
    }

    fn run<T>(&self, operation: Operation, body: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.meter
            .time(operation, || body(&mut self.connection()))
            .map_err(|error| DatabaseError::in_query(self.path(), &error).into())
    }

    /// Writes a row, to find out whether the store can be written.
    ///
    /// # Errors
    /// The store cannot be written; the error names the file and the cause.
    pub(crate) fn probe(&self) -> Result<(), StoreError> {
        self.write(|c| c.execute("UPDATE health SET checked = checked + 1", []).map(drop))
    }

    /// Blocks all calls until the returned guard is dropped.
    #[cfg(test)]
    pub(crate) fn hang(&self) -> impl Drop + '_ {
        self.connection()
    }

    /// Changes the store as somebody with access to the file could.
    #[cfg(test)]
    pub(crate) fn alter(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) {
        self.write(|c| c.execute(sql, values).map(drop)).unwrap();
    }
}
