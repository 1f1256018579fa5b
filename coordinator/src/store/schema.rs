//! The tables of the coordinator's store.

use rusqlite::Connection;
use tacit_program::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema {
    file_name: "coordinator.sqlite",
    migrations: &[FIRST],
    page_size: None,
    exclusive: false,
};

/// Specs and envelopes are in tables of each job: see [`create_tables_of`].
const FIRST: &str = "
CREATE TABLE contributors (
    name        TEXT PRIMARY KEY,
    key         BLOB NOT NULL UNIQUE,
    enrolled_at INTEGER NOT NULL,
    -- What the name looks like: no two look alike.
    look        TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE jobs (
    number           INTEGER PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    cluster          BLOB NOT NULL,
    buyer            TEXT NOT NULL,
    buyer_key        BLOB NOT NULL,
    name             TEXT NOT NULL,
    digest           BLOB NOT NULL,
    items            INTEGER NOT NULL,
    answers_per_item INTEGER NOT NULL,
    spec_bytes       INTEGER NOT NULL,
    state            TEXT NOT NULL,
    reason           TEXT,
    attempt          INTEGER NOT NULL DEFAULT 0,
    failures         INTEGER NOT NULL DEFAULT 0,
    submissions      INTEGER NOT NULL DEFAULT 0,
    answers          INTEGER NOT NULL DEFAULT 0,
    -- How many keys have submissions, without the one that signs gold answers.
    contributors     INTEGER NOT NULL DEFAULT 0,
    -- How many items had all their answers when the outcome was verified; NULL until then.
    complete_items   INTEGER,
    created_at       INTEGER NOT NULL,
    changed_at       INTEGER NOT NULL,
    -- When it stopped taking submissions; NULL while it is open.
    closed_at        INTEGER,
    -- The digest of the issuers that the job names; NULL if it names none.
    issuers          BLOB,
    -- The buyer's signature that cancels it.
    cancellation     BLOB,
    -- Whether everything is removed except that the job existed.
    purged           INTEGER NOT NULL DEFAULT 0,
    -- Whether anyone may read the job.
    public           INTEGER NOT NULL,
    -- The issuers and the closing time, encoded; NULL if the job names no issuers.
    pool             BLOB
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_issuers ON jobs (issuers) WHERE issuers IS NOT NULL;

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
    -- The key that has signed it.
    author      BLOB NOT NULL,
    UNIQUE (job, sequence),
    UNIQUE (job, sid)
) STRICT;
CREATE INDEX submissions_by_author ON submissions (job, author);

CREATE TABLE subjects (
    job         INTEGER NOT NULL REFERENCES jobs,
    subject     BLOB NOT NULL,
    submissions INTEGER NOT NULL,
    answers     INTEGER NOT NULL,
    PRIMARY KEY (job, subject)
) STRICT, WITHOUT ROWID;

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
    -- The names of the nodes that refused the submission, a JSON list; NULL if none did.
    refused_by TEXT,
    PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;

-- Submissions that their contributors have taken back. They are no rows of `submissions` any more.
CREATE TABLE withdrawals (
    job       INTEGER NOT NULL REFERENCES jobs,
    sequence  INTEGER NOT NULL,
    sid       BLOB NOT NULL,
    header    BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (job, sequence),
    UNIQUE (job, sid)
) STRICT, WITHOUT ROWID;

-- The receipts of nodes that have erased them.
CREATE TABLE erasures (
    job      INTEGER NOT NULL REFERENCES jobs,
    sequence INTEGER NOT NULL,
    node     INTEGER NOT NULL,
    receipt  BLOB NOT NULL,
    PRIMARY KEY (job, sequence, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
    job         INTEGER PRIMARY KEY REFERENCES jobs,
    -- Digests of the texts as they are stored. They stand first, so that they are read without the texts.
    certificate_digest BLOB NOT NULL,
    result_digest      BLOB,
    payouts_digest     BLOB,
    certificate BLOB NOT NULL,
    result      BLOB,
    payouts     BLOB,
    -- The root of the contributors' records, with the signatures of the nodes.
    records_root BLOB NOT NULL
) STRICT;

-- What the nodes certify to contributors: each record with its path to the root, for each key that may fetch it.
CREATE TABLE receipts (
    job    INTEGER NOT NULL REFERENCES jobs,
    key    BLOB NOT NULL,
    place  INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (job, key, place)
) STRICT, WITHOUT ROWID;

-- The lists that issuers have signed, and the numbers in them.
CREATE TABLE revocations (
    digest  BLOB PRIMARY KEY,
    issuers BLOB NOT NULL,
    list    BLOB NOT NULL
) STRICT;
CREATE INDEX revocations_by_issuers ON revocations (issuers);

CREATE TABLE revoked (
    issuers BLOB NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (issuers, number)
) STRICT, WITHOUT ROWID;

-- The newest sealing key of each node, signed by it.
CREATE TABLE sealing_epochs (
    node      BLOB PRIMARY KEY,
    statement BLOB NOT NULL
) STRICT;

CREATE TABLE probe (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
";

/// The tables of a job that has not ended, by its number: its spec and its envelopes.
///
/// Each job has tables of its own because SQLite moves rows between pages and may leave a copy of a row behind in the gap of a page, which
/// no later change of the row overwrites, `secure_delete` or not. The pages of a table that is dropped are overwritten as a whole.
pub(super) fn create_tables_of(job: i64) -> String {
    format!(
        "CREATE TABLE spec_{job} (digest BLOB NOT NULL, spec BLOB NOT NULL) STRICT;
         CREATE TABLE envelopes_{job} (
             node     INTEGER NOT NULL,
             sequence INTEGER NOT NULL,
             envelope BLOB NOT NULL,
             UNIQUE (node, sequence)
         ) STRICT;"
    )
}

/// Drops them, if they are there.
pub(super) fn drop_tables_of(job: i64) -> String {
    format!("DROP TABLE IF EXISTS spec_{job}; DROP TABLE IF EXISTS envelopes_{job};")
}

/// Whether they are there: they are dropped together.
pub(super) fn has_tables_of(db: &Connection, job: i64) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'envelopes_' || ?1")?
        .exists([job])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_mpc_core::digest::Digest;

    /// The digests of the steps that releases have. A step that a release has is never changed: add another step instead.
    const FROZEN: [&str; 1] = ["60f6184178b7192dd93c35f6099e1a3cc4293fba643ec285104afffbc22482f8"];

    #[test]
    fn migrations_of_releases_are_never_changed() {
        let digests: Vec<String> = SCHEMA
            .migrations
            .iter()
            .map(|sql| Digest::of("schema", &[sql.as_bytes()]).to_string())
            .collect();
        assert_eq!(digests[..FROZEN.len()], FROZEN);
    }
}
