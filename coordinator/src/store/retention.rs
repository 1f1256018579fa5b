//! What goes when a job has ended, however it has: the nodes forget it, the envelopes are dropped.
//! Headers, receipts and outcomes stay.

use rusqlite::Connection;
use tacit_core::api::JobState;
use tacit_core::job::JobId;

use super::{Failure, Store, StoreError, number_of};

/// How many envelopes one transaction drops: it holds up other writers.
const BATCH: i64 = 256;

const ENDED: [JobState; 3] = [JobState::Published, JobState::Cancelled, JobState::Failed];

/// The ids that a query gives for the final states, its first three parameters, and the others.
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
    pub async fn to_forget(&self, node: usize) -> Result<Vec<JobId>, StoreError> {
        self.read(move |db| {
            // From the deliveries that are open, which are few, not from the jobs that have ended, which are not.
            let query = "SELECT id FROM deliveries JOIN jobs ON jobs.number = deliveries.job
                 WHERE jobs.state IN (?1, ?2, ?3) AND deliveries.node = ?4 AND deliveries.opened = 1";
            ids(db, query, &[node as i64])
        })
        .await
    }

    /// Notes that a node has forgotten a job that has ended. How much of it the node had stays known.
    ///
    /// # Errors
    /// The store fails.
    pub async fn forgotten(&self, job: &JobId, node: usize) -> Result<(), StoreError> {
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
    pub async fn ended_jobs_with_envelopes(&self) -> Result<Vec<JobId>, StoreError> {
        self.read(|db| {
            let query =
                "SELECT id FROM jobs WHERE state IN (?1, ?2, ?3) AND EXISTS (SELECT 1 FROM envelopes WHERE envelopes.job = jobs.number)";
            ids(db, query, &[])
        })
        .await
    }

    /// Drops some of the envelopes of a job that has ended; whether there may be more.
    ///
    /// # Errors
    /// The store fails.
    pub async fn drop_envelopes(&self, job: &JobId) -> Result<bool, StoreError> {
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
