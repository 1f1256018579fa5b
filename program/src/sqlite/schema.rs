//! A store's tables, migrated step by step. `PRAGMA user_version` in the file counts the steps that were taken.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{BUSY_TIMEOUT, DatabaseError};

/// How a store's file is called, and what is in it.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The name of the SQLite file in the store's folder.
    pub file_name: &'static str,
    /// SQL that brings the schema from the step's index to the next version. A step that was released is never changed.
    pub migrations: &'static [&'static str],
    /// Bytes of a page of a new file, where SQLite's default does not fit the rows.
    pub page_size: Option<u32>,
    /// Whether one connection is all that the store uses. SQLite then holds the file locked and needs no shared memory.
    pub exclusive: bool,
}

impl Schema {
    pub(super) fn connect(&self, path: &Path) -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if self.exclusive {
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        }
        if let Some(bytes) = self.page_size {
            connection.pragma_update(None, "page_size", bytes)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on disk when it returns.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is deleted is overwritten with zeros.
        connection.pragma_update(None, "secure_delete", true)?;
        Ok(connection)
    }

    /// Brings the file to the newest version: all missing steps or none.
    pub(super) fn migrate(&self, connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
        let found = self.version(connection, path)?;
        let known = self.migrations.len();
        if found < known {
            self.run_steps(connection, found)
                .map_err(|error| match DatabaseError::in_query(path, &error) {
                    DatabaseError::Failed { path, reason } => DatabaseError::Migration {
                        path,
                        found,
                        known,
                        reason,
                    },
                    other => other,
                })?;
        }
        self.check_tables(connection, path)
    }

    fn run_steps(&self, connection: &mut Connection, found: usize) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in &self.migrations[found..] {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", self.migrations.len() as i64)?;
        transaction.commit()
    }

    /// The version of the file, which is at most the newest one that this program knows.
    pub(super) fn version(&self, connection: &Connection, path: &Path) -> Result<usize, DatabaseError> {
        let found: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|error| DatabaseError::opening(path, &error))?;
        let known = self.migrations.len();
        usize::try_from(found)
            .ok()
            .filter(|found| *found <= known)
            .ok_or_else(|| DatabaseError::Newer {
                path: path.to_owned(),
                found,
                known,
            })
    }

    /// Checks that a file of the newest version has every table and column: version numbers alone do not tell another program's file.
    pub(super) fn check_tables(&self, connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
        let failed = |error: rusqlite::Error| DatabaseError::opening(path, &error);
        let found = columns(connection).map_err(failed)?;
        match self.expected_columns().map_err(failed)?.difference(&found).next() {
            Some(missing) => Err(DatabaseError::Other {
                path: path.to_owned(),
                missing: missing.clone(),
            }),
            None => Ok(()),
        }
    }

    fn expected_columns(&self) -> rusqlite::Result<BTreeSet<String>> {
        let mut fresh = Connection::open_in_memory()?;
        self.run_steps(&mut fresh, 0)?;
        columns(&fresh)
    }
}

/// All columns of all tables, as `table.column`.
fn columns(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let sql = "SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables
         JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}
