//! A program's store: one SQLite file in a folder of its own, used by one process at a time.
//!
//! [`StoreFile::open`] locks the folder, connects and brings the schema to the newest version; the stores of the programs add their
//! queries. [`inspect`] checks a store without changing it.

mod error;
mod inspect;
mod schema;
#[cfg(test)]
mod tests;

pub use error::DatabaseError;
pub use inspect::{Inspection, inspect};
pub use schema::Schema;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

/// How long a connection waits for the lock of another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a start waits for programs that read the store.
const BUSY_AT_START: Duration = Duration::from_secs(1);

/// The file in a store's folder that the process using it has locked. It stays empty and is never removed.
const LOCK_FILE: &str = "lock";

/// Empties the log of recent changes, so that what was deleted is in no file of the store any more. Waits for readers of older states.
///
/// # Errors
/// The file cannot be written, or a reader does not end.
pub fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
        Some("the log of recent changes is not emptied while somebody reads an older state".to_owned()),
    ))
}

/// Empties the log that a killed process may have left behind, with rows in it that the process had deleted. If another program reads the
/// store, or the disk is full, the log stays until the next deletion empties it: that is no reason not to start.
fn empty_log_at_start(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_AT_START)?;
    let emptied = empty_log(connection);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match emptied {
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull)) => Ok(()),
        other => other,
    }
}

/// An open store. As long as this value exists, no other process can open the store.
#[derive(Debug)]
pub struct StoreFile {
    path: PathBuf,
    schema: Schema,
    /// The operating system releases the lock when the process ends, however it ends.
    _lock: File,
}

impl StoreFile {
    /// Opens the store in `folder`, creating both if needed, and gives the first connection to it.
    ///
    /// # Errors
    /// The folder or file cannot be used, another process uses it, or its schema is not one that this program knows.
    pub fn open(folder: &Path, schema: Schema) -> Result<(Self, Connection), DatabaseError> {
        let path = folder.join(schema.file_name);
        std::fs::create_dir_all(folder).map_err(|error| DatabaseError::from_io(&path, &error))?;
        let lock = File::create(folder.join(LOCK_FILE)).map_err(|error| DatabaseError::from_io(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DatabaseError::InUse { path }),
            Err(TryLockError::Error(error)) => return Err(DatabaseError::from_io(&path, &error)),
        }
        let file = Self { path, schema, _lock: lock };
        let mut connection = file.connect()?;
        schema.migrate(&mut connection, &file.path)?;
        empty_log_at_start(&connection).map_err(|error| DatabaseError::opening(&file.path, &error))?;
        Ok((file, connection))
    }

    /// Another connection to the store. A store whose schema says `exclusive` has only the first one.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn connect(&self) -> Result<Connection, DatabaseError> {
        self.schema
            .connect(&self.path)
            .map_err(|error| DatabaseError::opening(&self.path, &error))
    }

    /// The path of the SQLite file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
