//! The tables of the node's store.

use tacit_program::sqlite::Schema;

pub(super) const SCHEMA: Schema = Schema {
    file_name: "node.sqlite",
    migrations: &[FIRST],
    // Components of most submissions fit one or two such pages.
    page_size: Some(32 << 10),
    exclusive: true,
};

/// What belongs to one open job stands in tables of its own, see [`create_tables_of`]. Specs and components are apart there. SQLite reads all pages of a row up to the column that is asked for, and rewrites
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
        -- This node's signed notice of the release that it is about to make, or has made; NULL if it has signed none.
        announced BLOB,
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
        -- The answers of submissions that came otherwise than by a delivery.
        learnt INTEGER NOT NULL DEFAULT 0,
        -- How many submissions were withdrawn that never came.
        never_came INTEGER NOT NULL DEFAULT 0,
        -- The digest of the job's issuers; NULL if it names none.
        issuers BLOB
    );
    CREATE INDEX jobs_by_issuers ON jobs (issuers) WHERE issuers IS NOT NULL;
    CREATE INDEX jobs_by_end ON jobs (ended, released, opened_at);
    -- The first notice of a release of a job that each peer has given, by the digest of the job's terms. It stays when the job has ended.
    CREATE TABLE notices (
        job BLOB NOT NULL,
        node INTEGER NOT NULL,
        notice BLOB NOT NULL,
        PRIMARY KEY (job, node)
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

/// The tables of one open job, by its number: its spec and its components, sealed under the job's key; the headers of its submissions, and
/// what was counted of each subject.
///
/// Each job has tables of its own because SQLite moves rows between pages and may leave a copy of a row behind in the gap of a page, which
/// no later change of the row overwrites, `secure_delete` or not. The pages of a table that is dropped are overwritten as a whole.
pub(super) fn create_tables_of(job: i64) -> String {
    format!(
        "CREATE TABLE spec_{job} (spec BLOB NOT NULL);
         CREATE TABLE components_{job} (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
         CREATE TABLE submissions_{job} (
             digest BLOB NOT NULL PRIMARY KEY,
             -- Why it was rejected; NULL if it was accepted.
             reason TEXT,
             -- The encoded signed header; empty if it was rejected because of its header. Of a submission that was withdrawn, the signature
             -- of the withdrawal.
             body BLOB NOT NULL,
             -- The number of its row in the table of components; NULL if it was rejected.
             components INTEGER
         );
         CREATE INDEX withdrawn_{job} ON submissions_{job} (reason) WHERE reason = 'withdrawn';
         -- What the job has of each subject, rejected submissions included.
         CREATE TABLE subjects_{job} (
             subject BLOB NOT NULL PRIMARY KEY,
             submissions INTEGER NOT NULL,
             answers INTEGER NOT NULL
         ) WITHOUT ROWID;"
    )
}

/// Drops them, if they are there.
pub(super) fn drop_tables_of(job: i64) -> String {
    ["spec", "components", "submissions", "subjects"]
        .map(|table| format!("DROP TABLE IF EXISTS {table}_{job};"))
        .concat()
}
