//! The tables of the node's store.

use tacit_program::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema {
    file_name: "node.sqlite",
    migrations: &[FIRST],
    // Components of most submissions fit one or two such pages.
    page_size: Some(32 << 10),
    exclusive: true,
};

/// Specs and components have tables of their own. SQLite reads all pages of a row up to the column that is asked for, and rewrites
/// the whole row on a change, so long columns would slow down what is read or changed often. `jobs_by_end` holds all that is
/// asked about all jobs.
const FIRST: &str = "
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        digest BLOB NOT NULL,
        -- The digest of the accepted set for which outputs were released.
        released BLOB,
        -- The code that authenticates `released`, also while it is NULL.
        record BLOB NOT NULL,
        -- How the job has ended; NULL while it is open. Of a job that has ended this row is all that stays.
        ended TEXT,
        -- The keys of the noise in what is released, sealed; NULL where there is none.
        noise BLOB,
        opened_at INTEGER NOT NULL,
        items INTEGER NOT NULL,
        spec_bytes INTEGER NOT NULL,
        -- The answers of accepted submissions, without gold answers.
        answers INTEGER NOT NULL DEFAULT 0,
        -- How many rejected submissions nobody has signed.
        unsigned INTEGER NOT NULL DEFAULT 0,
        -- The digest of the job's issuers; NULL if it names none.
        issuers BLOB
    );
    CREATE INDEX jobs_by_issuers ON jobs (issuers) WHERE issuers IS NOT NULL;
    CREATE INDEX jobs_by_end ON jobs (ended, released, opened_at);
    CREATE TABLE submissions (
        job TEXT NOT NULL,
        digest BLOB NOT NULL,
        -- Why it was rejected; NULL if it was accepted.
        reason TEXT,
        -- The encoded signed header; empty if it was rejected because of its header.
        body BLOB NOT NULL,
        -- The number of its row in the job's table of components; NULL if it was rejected.
        components INTEGER,
        PRIMARY KEY (job, digest)
    );
    -- What a job has of each subject, rejected submissions included.
    CREATE TABLE subjects (
        job TEXT NOT NULL,
        subject BLOB NOT NULL,
        submissions INTEGER NOT NULL,
        answers INTEGER NOT NULL,
        PRIMARY KEY (job, subject)
    ) WITHOUT ROWID;
    -- The numbers that the issuers of a pool have revoked.
    CREATE TABLE revoked (
        issuers BLOB NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (issuers, number)
    ) WITHOUT ROWID;
    CREATE TABLE health (checked INTEGER NOT NULL);
    INSERT INTO health VALUES (0);
";

/// The tables of one open job, by its number: its spec and its components, sealed under the job's key.
///
/// Each job has tables of its own because SQLite moves rows between pages and may leave a copy of a row behind in the gap of a page, which
/// no later change of the row overwrites, `secure_delete` or not. The pages of a table that is dropped are overwritten as a whole.
pub(super) fn create_tables_of(job: i64) -> String {
    format!(
        "CREATE TABLE spec_{job} (spec BLOB NOT NULL);
         CREATE TABLE components_{job} (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
    )
}

/// Drops them, if they are there.
pub(super) fn drop_tables_of(job: i64) -> String {
    format!("DROP TABLE IF EXISTS spec_{job}; DROP TABLE IF EXISTS components_{job};")
}
