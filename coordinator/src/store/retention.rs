//! What is removed when a job has ended: the nodes forget it, and its envelopes are dropped. Headers, receipts and outcomes stay.

use rusqlite::Connection;
use tacit_protocol::api::JobState;
use tacit_protocol::job::JobId;

use super::{Failure, Store, StoreError, number_of};

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
    /// The jobs that have ended and that a node has not been told to forget.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn to_forget(&self, node: usize) -> Result<Vec<JobId>, StoreError> {
        self.read(move |db| {
            // The query starts from open deliveries, which are few, and not from ended jobs, which are many.
            let query = "SELECT id FROM deliveries JOIN jobs ON jobs.number = deliveries.job
                 WHERE jobs.state IN (?1, ?2, ?3) AND deliveries.node = ?4 AND deliveries.opened = 1";
            ids(db, query, &[node as i64])
        })
        .await
    }

    /// Notes that a node has forgotten a job that has ended. How much of it the node had stays recorded.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn forgotten(&self, job: &JobId, node: usize) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let number = number_of(db, &job)?;
            db.execute(
                "UPDATE deliveries SET opened = 0 WHERE job = ?1 AND node = ?2",
                (number, node as i64),
            )?;
            Ok(())
        })
        .await
    }

    /// The jobs that have ended and still have envelopes.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn ended_jobs_with_envelopes(&self) -> Result<Vec<JobId>, StoreError> {
        self.read(|db| {
            let query =
                "SELECT id FROM jobs WHERE state IN (?1, ?2, ?3) AND EXISTS (SELECT 1 FROM envelopes WHERE envelopes.job = jobs.number)";
            ids(db, query, &[])
        })
        .await
    }

    /// Drops some envelopes of a job that has ended. Returns whether there may be more.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn drop_envelopes(&self, job: &JobId) -> Result<bool, StoreError> {
        let job = job.clone();
        self.write_lazily(move |db| {
            let [published, cancelled, failed] = ENDED.map(JobState::name);
            let drop = "DELETE FROM envelopes WHERE rowid IN (
                 SELECT envelopes.rowid FROM jobs JOIN envelopes ON envelopes.job = jobs.number
                 WHERE jobs.id = ?1 AND jobs.state IN (?2, ?3, ?4) LIMIT ?5)";
            let dropped = db.execute(drop, (job.as_str(), published, cancelled, failed, BATCH))?;
            Ok(dropped as i64 == BATCH)
        })
        .await
    }
}
