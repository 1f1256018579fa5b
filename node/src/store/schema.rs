//! The store's schema, migrated forward step by step.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, classify};

/// Each entry brings the schema from its index to the next version.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        spec BLOB NOT NULL,
        released BLOB
    );
    CREATE TABLE submissions (
        job TEXT NOT NULL,
        digest BLOB NOT NULL,
        id BLOB,
        reason TEXT,
        body BLOB NOT NULL,
        PRIMARY KEY (job, digest)
    );
    CREATE INDEX submissions_by_id ON submissions (job, id);
    CREATE TABLE health (checked INTEGER NOT NULL);
    INSERT INTO health VALUES (0);
",
    // Of jobs opened before, all that is known is that they were there by now. The index holds all that is
    // asked about jobs in general: a spec is long, and SQLite walks it to get to what stands after it.
    "
    ALTER TABLE jobs ADD COLUMN opened_at INTEGER;
    UPDATE jobs SET opened_at = unixepoch();
    CREATE INDEX jobs_by_release ON jobs (released, opened_at);
",
];

/// Sets the connection up and migrates the schema.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let classify = |error: rusqlite::Error| classify(path, &error);
    // One process at a time: a second node on the same folder is refused when it first reads.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(classify)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(classify)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(classify)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(classify)?;
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(classify)?;
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: version,
            known,
        });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version.max(0) as usize) {
        let next = index + 1;
        connection
            .execute_batch(&format!("BEGIN; {migration} PRAGMA user_version = {next}; COMMIT;"))
            .map_err(classify)?;
    }
    Ok(())
}
