//! The store's schema, migrated forward step by step.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, classify};

/// Each entry brings the schema from its index to the next version. One that a release has is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
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
    // Components stand apart from what is read of every submission. Of submissions kept before, the body is the
    // delivery as it came, envelope included; of those kept since, it is the signed header.
    "
    CREATE TABLE components (
        number INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    );
    ALTER TABLE submissions ADD COLUMN components INTEGER;
",
    // Specs stand apart from jobs: recording a release rewrites the job's row.
    "
    CREATE TABLE specs (
        job TEXT PRIMARY KEY,
        spec BLOB NOT NULL
    );
    INSERT INTO specs SELECT id, spec FROM jobs;
    ALTER TABLE jobs DROP COLUMN spec;
",
];

/// Bytes of a page of a new store: most components fit one or two. Stores of earlier releases keep theirs.
const PAGE: i64 = 32 << 10;

/// Sets the connection up and takes the schema forward, all steps or none.
pub(super) fn prepare(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| classify(path, &error);
    // One process at a time: a second node on the same folder is refused when it first reads.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    connection.pragma_update(None, "page_size", PAGE).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
    let found = version(connection, path, migrations)?;
    migrate(connection, migrations, found).map_err(|error| match classify(path, &error) {
        StoreError::Unusable { path, reason } => StoreError::Migration {
            path,
            found,
            known: migrations.len(),
            reason,
        },
        other => other,
    })
}

/// The schema's version, which must be one of these migrations'.
pub(super) fn version(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<usize, StoreError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| classify(path, &error))?;
    let known = migrations.len();
    usize::try_from(found)
        .ok()
        .filter(|found| *found <= known)
        .ok_or_else(|| StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        })
}

fn migrate(connection: &mut Connection, migrations: &[&str], found: usize) -> rusqlite::Result<()> {
    if found == migrations.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for migration in &migrations[found..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", migrations.len() as i64)?;
    transaction.commit()
}
