//! Whether a store could be used, without changing it.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{BUSY_TIMEOUT, DatabaseError, LOCK_FILE, Schema};

/// What was found in a store's folder.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Whether another process uses the store, so that a program runs on this folder.
    pub in_use: bool,
    /// A connection for reading what is stored. `None` if there is no store yet, if its schema is still to be migrated, or if the
    /// process that uses it has it exclusively.
    pub connection: Option<Connection>,
}

/// Looks at the store in `folder`, if there is one.
///
/// # Errors
/// A program could not use it.
pub fn inspect(folder: &Path, schema: Schema) -> Result<Inspection, DatabaseError> {
    let path = folder.join(schema.file_name);
    if folder.exists() && !folder.is_dir() {
        let reason = format!("{} is not a folder", folder.display());
        return Err(DatabaseError::Open { path, reason });
    }
    if !path.exists() {
        return Ok(Inspection::default());
    }
    let in_use = is_locked(folder).map_err(|error| DatabaseError::from_io(&path, &error))?;
    if in_use && schema.exclusive {
        return Ok(Inspection { in_use, connection: None });
    }
    let failed = |error: rusqlite::Error| DatabaseError::opening(&path, &error);
    // Reading a file in WAL mode writes to the index beside it, so read-only access is not enough.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let newest = schema.version(&connection, &path)? == schema.migrations.len();
    if newest {
        schema.check_tables(&connection, &path)?;
    }
    Ok(Inspection {
        in_use,
        connection: newest.then_some(connection),
    })
}

/// Asks for a shared lock only for a moment, so that a program that starts meanwhile is hardly ever refused.
fn is_locked(folder: &Path) -> std::io::Result<bool> {
    match File::options().write(true).open(folder.join(LOCK_FILE)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
