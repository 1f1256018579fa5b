//! What is removed when a job has ended: the nodes erase it, and its envelopes and its spec with the items are dropped. Headers, receipts,
//! outcomes and results stay until they are purged.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use tacit_metrics::Operation;
use tacit_program::sqlite;
use tacit_protocol::api::JobState;
use tacit_protocol::identity::Signature;
use tacit_protocol::job::JobId;

use super::schema::{drop_tables_of, has_tables_of};
use super::{Failure, Store, StoreError, fixed_bytes, lock, now, schema, to_db, transact};

/// How many envelopes one transaction drops. It is small, as other writers wait for it.
const BATCH: i64 = 256;

const ENDED: [JobState; 3] = [JobState::Published, JobState::Cancelled, JobState::Failed];

/// Runs a query for job ids. Its first three parameters are the final states; `more` are the others.
fn ids(db: &Connection, query: &str, more: &[i64]) -> Result<Vec<JobId>, Failure> {
    let mut query = db.prepare_cached(query)?;
    for (index, state) in ENDED.iter().enumerate() {
        query.raw_bind_parameter(index + 1, state.name())?;
    }
    for (index, value) in more.iter().enumerate() {
        query.raw_bind_parameter(ENDED.len() + index + 1, value)?;
    }
    let mut rows = query.raw_query();
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        ids.push(id.parse().map_err(|_| Failure::damaged(format!("`{id}` is not a job id")))?);
    }
    Ok(ids)
}

impl Store {
    /// The jobs that have ended, that a node still holds, and that it can be made to erase: there is a certificate, or the buyer has signed the
    /// cancellation.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn to_forget(&self, node: usize) -> Result<Vec<JobId>, StoreError> {
        self.read(move |db| {
            // The query starts from open deliveries, which are few, and not from ended jobs, which are many.
            let query = "SELECT id FROM deliveries JOIN jobs ON jobs.number = deliveries.job
                 WHERE jobs.state IN (?1, ?2, ?3) AND deliveries.node = ?4 AND deliveries.opened = 1
                 AND (jobs.cancellation IS NOT NULL OR jobs.state = ?1 AND jobs.purged = 0)";
            ids(db, query, &[node as i64])
        })
        .await
    }

    /// What makes nodes erase a job that has ended; `None` if nothing does.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn ending(&self, job: &JobId) -> Result<Option<Ending>, StoreError> {
        if let Some(certificate) = self.certificate(job).await? {
            return Ok(Some(Ending::Certified(certificate)));
        }
        let id = job.clone();
        self.read(move |db| {
            let query = "SELECT cancellation FROM jobs WHERE id = ?1";
            let signature: Option<Vec<u8>> = db.query_row(query, [id.as_str()], |row| row.get(0)).optional()?.flatten();
            signature
                .map(|bytes| Ok(Ending::Cancelled(Signature::from_bytes(fixed_bytes(&bytes, "a cancellation")?))))
                .transpose()
        })
        .await
    }

    /// The jobs that have ended and still have envelopes or a spec.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn ended_jobs_with_leftovers(&self) -> Result<Vec<JobId>, StoreError> {
        self.read(|db| {
            let query =
                "SELECT id FROM jobs WHERE state IN (?1, ?2, ?3) AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'envelopes_' || number)";
            ids(db, query, &[])
        })
        .await
    }

    /// Drops some envelopes of a job that has ended, and its spec when no envelope is left. Returns whether there may be more.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn drop_envelopes(&self, job: &JobId) -> Result<bool, StoreError> {
        let job = job.clone();
        self.write_lazily(move |db| {
            let [published, cancelled, failed] = ENDED.map(JobState::name);
            let ended = "SELECT number FROM jobs WHERE id = ?1 AND state IN (?2, ?3, ?4)";
            let number: Option<i64> = db
                .query_row(ended, (job.as_str(), published, cancelled, failed), |row| row.get(0))
                .optional()?;
            let number = match number {
                Some(number) if has_tables_of(db, number)? => number,
                _ => return Ok(false),
            };
            let drop = format!("DELETE FROM envelopes_{number} WHERE rowid IN (SELECT rowid FROM envelopes_{number} LIMIT ?1)");
            if db.execute(&drop, [BATCH])? as i64 == BATCH {
                return Ok(true);
            }
            db.execute_batch(&drop_tables_of(number))?;
            Ok(false)
        })
        .await
    }

    /// Empties the log of recent changes, so that what was dropped is in no file of the store any more.
    ///
    /// # Errors
    /// The store fails, or somebody reads an older state for long.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        self.blocking(Operation::Write, |inner| Ok(sqlite::empty_log(&lock(&inner.writer))?))
            .await
    }

    /// The jobs that have ended more than so many seconds ago and are not purged.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn to_purge(&self, seconds: u64) -> Result<Vec<JobId>, StoreError> {
        let before = now().saturating_sub(to_db(seconds));
        self.read(move |db| {
            let query = "SELECT id FROM jobs WHERE state IN (?1, ?2, ?3) AND purged = 0 AND changed_at < ?4";
            ids(db, query, &[before])
        })
        .await
    }

    /// Removes everything that is stored of a job that has ended, except that it existed.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn purge(&self, job: &JobId) -> Result<Purged, StoreError> {
        let job = job.clone();
        let purged = self.write(move |db| purge(db, &job)).await?;
        self.empty_log().await?;
        Ok(purged)
    }

    /// As [`Self::purge`], in the store in folder `data`, whether or not a coordinator runs on it.
    ///
    /// # Errors
    /// There is no store, or it fails.
    pub(crate) fn purge_in(data: &Path, job: &JobId) -> Result<Purged, StoreError> {
        let path = data.join(schema::SCHEMA.file_name);
        let Some(mut db) = sqlite::inspect(data, schema::SCHEMA)?.connection else {
            return Ok(Purged::Unknown);
        };
        purge_beside(&mut db, job).map_err(|failure| failure.at(&path))
    }
}

/// What makes nodes erase a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The text of its certificate.
    Certified(Vec<u8>),
    /// The buyer's signature that cancels it.
    Cancelled(Signature),
}

/// What became of a job that was to be purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purged {
    /// There is no such job.
    Unknown,
    /// It has not ended.
    NotEnded,
    /// It is purged. These nodes, by index, have not erased it yet.
    Done(Vec<i64>),
}

fn purge_beside(db: &mut Connection, job: &JobId) -> Result<Purged, Failure> {
    db.pragma_update(None, "secure_delete", true)?;
    let purged = transact(db, |db| purge(db, job))?;
    sqlite::empty_log(db)?;
    Ok(purged)
}

fn purge(db: &Connection, job: &JobId) -> Result<Purged, Failure> {
    let row: Option<(i64, String)> = db
        .query_row("SELECT number, state FROM jobs WHERE id = ?1", [job.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((number, state)) = row else { return Ok(Purged::Unknown) };
    if !ENDED.iter().any(|ended| ended.name() == state) {
        return Ok(Purged::NotEnded);
    }
    db.execute_batch(&drop_tables_of(number))?;
    for table in [
        "submissions",
        "subjects",
        "delivery_refusals",
        "outcomes",
        "results",
        "receipts",
        "withdrawals",
        "erasures",
    ] {
        db.execute(&format!("DELETE FROM {table} WHERE job = ?1"), [number])?;
    }
    db.execute("UPDATE jobs SET purged = 1, name = '', reason = NULL WHERE number = ?1", [number])?;
    let mut waiting = db.prepare("SELECT node FROM deliveries WHERE job = ?1 AND opened = 1 ORDER BY node")?;
    let waiting = waiting.query_map([number], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    Ok(Purged::Done(waiting))
}
