//! The tables, taken forward step by step; `PRAGMA user_version` holds how many steps were taken.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, explain};

/// Each entry brings the schema from its index to the next version. One that a release has is never changed.
///
/// Specs and envelopes stand apart from the rows that are read often: SQLite walks a row's pages up
/// to the column it wants.
pub const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE contributors (
    name        TEXT PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
    number           INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    cluster          BLOB NOT NULL,
    buyer            TEXT NOT NULL,
    name             TEXT NOT NULL,
    digest           BLOB NOT NULL,
    items            INTEGER NOT NULL,
    answers_per_item INTEGER NOT NULL,
    state            TEXT NOT NULL,
    reason           TEXT,
    attempt          INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    submissions      INTEGER NOT NULL DEFAULT 0,
    answers          INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    changed_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state);

CREATE TABLE specs (
    job  INTEGER PRIMARY KEY REFERENCES jobs,
    spec BLOB NOT NULL
) STRICT;

CREATE TABLE submissions (
    job         INTEGER NOT NULL REFERENCES jobs,
    sequence    INTEGER NOT NULL,
    sid         BLOB NOT NULL,
    upload      BLOB NOT NULL,
    digest      BLOB NOT NULL,
    answers     INTEGER NOT NULL,
    receipt     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    header      BLOB NOT NULL,
    UNIQUE (job, sequence),
    UNIQUE (job, sid)
) STRICT;

CREATE TABLE envelopes (
    job      INTEGER NOT NULL REFERENCES jobs,
    node     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    UNIQUE (job, node, sequence)
) STRICT;

CREATE TABLE deliveries (
    job    INTEGER NOT NULL REFERENCES jobs,
    node   INTEGER NOT NULL,
    opened INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    PRIMARY KEY (job, node)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_opened ON deliveries (node) WHERE opened = 1;

CREATE TABLE delivery_refusals (
    job      INTEGER NOT NULL REFERENCES jobs,
    node     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (job, node, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcomes (
    job      INTEGER NOT NULL REFERENCES jobs,
    sequence INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    rejected TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
    job         INTEGER PRIMARY KEY REFERENCES jobs,
    certificate BLOB NOT NULL,
    result      BLOB,
    payouts     BLOB
) STRICT;

CREATE TABLE probe (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
",
    // Texts of results are compressed from here on, which earlier releases do not read.
    "",
];

/// Takes the schema forward, all steps or none.
///
/// # Errors
/// A later release made the file, or a step fails.
pub fn migrate(db: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), StoreError> {
    let found = version(db, path, migrations)?;
    if found == migrations.len() {
        return Ok(());
    }
    run(db, migrations, found).map_err(|error| match explain(path, error.into()) {
        StoreError::Database { path, reason } => StoreError::Migration {
            path,
            found,
            known: migrations.len(),
            reason,
        },
        other => other,
    })
}

/// The schema's version, which must be one of these migrations'.
///
/// # Errors
/// A later release made the file, or it cannot be read.
pub fn version(db: &Connection, path: &Path, migrations: &[&str]) -> Result<usize, StoreError> {
    let open = |e: rusqlite::Error| StoreError::Open {
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(open)?;
    let known = migrations.len();
    usize::try_from(found)
        .ok()
        .filter(|found| *found <= known)
        .ok_or_else(|| StoreError::Newer {
            path: path.display().to_string(),
            found,
            known,
        })
}

fn run(db: &mut Connection, migrations: &[&str], found: usize) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in &migrations[found..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", migrations.len() as i64)?;
    transaction.commit()
}
