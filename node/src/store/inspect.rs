//! Whether a store could be used, without changing it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{FILE, Store, StoreError, classify, schema};

impl Store {
    /// Checks the store in a folder, if there is one. True if another process has it: then a node runs on this folder.
    pub fn inspect(folder: &Path) -> Result<bool, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(false);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(|error| classify(&path, &error))?;
        connection.busy_timeout(Duration::ZERO).map_err(|error| classify(&path, &error))?;
        match schema::version(&connection, &path, schema::MIGRATIONS) {
            Ok(_) => Ok(false),
            Err(StoreError::InUse(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
