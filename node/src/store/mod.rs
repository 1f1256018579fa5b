//! What a node stores: jobs, and submissions with their sealed components. One SQLite file; all calls block.

mod jobs;
mod revocations;
mod schema;
mod submissions;
#[cfg(test)]
mod tests;

pub(crate) use jobs::{OpenedJob, Room};
pub(crate) use submissions::{Author, ComponentsAt, NewSubmission, StoredSubmission};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tacit_metrics::{Operation, StoreMeter};
use tacit_program::sqlite::{self, DatabaseError, StoreFile};
use tacit_protocol::job::{Job, JobError, JobId};
use thiserror::Error;

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
}

/// A node's store.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
    file: StoreFile,
    /// Jobs that were read lately: every batch of submissions needs its job, and parsing a large spec takes long.
    recent_jobs: Mutex<HashMap<JobId, Arc<Job>>>,
    meter: StoreMeter,
}

impl Store {
    /// Opens the store in a folder, creating both if needed.
    pub(crate) fn open(folder: &Path, meter: StoreMeter) -> Result<Self, DatabaseError> {
        let (file, connection) = StoreFile::open(folder, schema::SCHEMA)?;
        Ok(Self {
            connection: Mutex::new(connection),
            file,
            recent_jobs: Mutex::default(),
            meter,
        })
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
