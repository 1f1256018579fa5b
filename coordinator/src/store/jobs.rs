//! Jobs and their states. Each transition names the states that it may leave, so that of two racing transitions one succeeds and the
//! other learns that it did not.

use rusqlite::{Connection, OptionalExtension, Row, Rows};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::JobState;
use tacit_protocol::identity::{PublicKey, Signature};
use tacit_protocol::job::JobId;

use super::schema::has_tables_of;
use super::{Failure, Store, StoreError, fixed_bytes, from_db, now, number_of};

/// A stored job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobRow {
    /// The id that the buyer has chosen.
    pub id: JobId,
    /// The job's name.
    pub name: String,
    /// The job's digest.
    pub digest: Digest,
    /// How many items it has.
    pub items: u64,
    /// How many answers each item gets.
    pub answers_per_item: u32,
    /// The state in which it is.
    pub state: JobState,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
    /// The number of the last computation, counted from 1; 0 before the first.
    pub attempt: u32,
    /// How many computations have failed because of a deviation.
    pub failures: u32,
    /// How many submissions it has.
    pub submissions: u64,
    /// How many answers these hold, without gold answers.
    pub answers: u64,
    /// How many of the submissions all nodes have.
    pub delivered: u64,
    /// How many keys have submissions, without the one that signs gold answers.
    pub contributors: u64,
    /// How many items had all their answers when the outcome was verified; `None` before.
    pub complete_items: Option<u64>,
    /// When it was opened, in Unix time, as the next two.
    pub created_at: u64,
    /// When it stopped taking submissions.
    pub closed_at: Option<u64>,
    /// When its result was published.
    pub published_at: Option<u64>,
}

const COLUMNS: &str = "SELECT id, name, digest, items, answers_per_item, state, reason, attempt, failures, submissions, answers,
    COALESCE((SELECT MIN(cursor) FROM deliveries WHERE deliveries.job = jobs.number), 0), contributors, complete_items, created_at,
    closed_at, changed_at FROM jobs";

/// The job in a row of [`COLUMNS`].
fn job_row(row: &Row<'_>) -> Result<JobRow, Failure> {
    let (id, digest, state): (String, Vec<u8>, String) = (row.get(0)?, row.get(2)?, row.get(5)?);
    let state = state_named(&state)?;
    let or_none = |number: Option<i64>| number.map(from_db);
    Ok(JobRow {
        id: id.parse().map_err(|_| Failure::damaged(format!("`{id}` is not a job id")))?,
        name: row.get(1)?,
        digest: Digest::from_bytes(fixed_bytes(&digest, "a job's digest")?),
        items: from_db(row.get(3)?),
        answers_per_item: row.get(4)?,
        state,
        reason: row.get(6)?,
        attempt: row.get(7)?,
        failures: row.get(8)?,
        submissions: from_db(row.get(9)?),
        answers: from_db(row.get(10)?),
        delivered: from_db(row.get(11)?),
        contributors: from_db(row.get(12)?),
        complete_items: or_none(row.get(13)?),
        created_at: from_db(row.get(14)?),
        closed_at: or_none(row.get(15)?),
        // A published job stays in this state.
        published_at: or_none(row.get(16)?).filter(|_| state == JobState::Published),
    })
}

/// The jobs in the rows of a query of [`COLUMNS`].
fn job_rows(mut rows: Rows<'_>) -> Result<Vec<JobRow>, Failure> {
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(job_row(row)?);
    }
    Ok(jobs)
}

/// The state of this name.
pub(super) fn state_named(name: &str) -> Result<JobState, Failure> {
    JobState::from_name(name).ok_or_else(|| Failure::damaged(format!("`{name}` is not a job's state")))
}

/// Moves a job from one of the states `from` to the state `to`, which is not open. Returns false if it is in another state.
fn advance(db: &Connection, id: &JobId, from: &[JobState], to: JobState, reason: Option<&str>) -> Result<bool, Failure> {
    let state: Option<String> = db
        .query_row("SELECT state FROM jobs WHERE id = ?1", [id.as_str()], |row| row.get(0))
        .optional()?;
    if !state.is_some_and(|state| from.iter().any(|from| from.name() == state)) {
        return Ok(false);
    }
    db.execute(
        "UPDATE jobs SET state = ?2, reason = ?3, changed_at = CASE WHEN state = ?2 THEN changed_at ELSE ?4 END,
            closed_at = COALESCE(closed_at, ?4) WHERE id = ?1",
        (id.as_str(), to.name(), reason, now()),
    )?;
    Ok(true)
}

impl Store {
    /// The job of this id, if there is one.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn job(&self, id: &JobId) -> Result<Option<JobRow>, StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?;
            let mut rows = query.query([id.as_str()])?;
            rows.next()?.map(job_row).transpose()
        })
        .await
    }

    /// All jobs, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn jobs(&self) -> Result<Vec<JobRow>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare(&format!("{COLUMNS} ORDER BY number DESC"))?;
            job_rows(query.query([])?)
        })
        .await
    }

    /// The jobs that the buyer of this name has opened or the owner of this key has signed, newest first.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn jobs_of(&self, name: Option<String>, key: Option<PublicKey>) -> Result<Vec<JobRow>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare(&format!("{COLUMNS} WHERE buyer = ?1 OR buyer_key = ?2 ORDER BY number DESC"))?;
            let key = key.as_ref().map(|key| key.as_bytes().as_slice());
            job_rows(query.query((&name, key))?)
        })
        .await
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn count_jobs(&self) -> Result<Vec<(JobState, u64)>, StoreError> {
        self.read(|db| {
            let mut query = db.prepare("SELECT COUNT(*) FROM jobs WHERE state = ?1")?;
            JobState::ALL
                .into_iter()
                .map(|state| Ok((state, from_db(query.query_row([state.name()], |row| row.get(0))?))))
                .collect()
        })
        .await
    }

    /// For each of these states, when the job that has been in it for longest entered it, in Unix time; 0 if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn oldest_jobs(&self, states: &'static [JobState]) -> Result<Vec<(JobState, u64)>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT COALESCE(MIN(changed_at), 0) FROM jobs WHERE state = ?1")?;
            let since = |state: &JobState| Ok((*state, from_db(query.query_row([state.name()], |row| row.get(0))?)));
            states.iter().map(since).collect()
        })
        .await
    }

    /// The text of a job's spec; `None` if there is no such job, or it has ended.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn spec(&self, id: &JobId) -> Result<Option<Vec<u8>>, StoreError> {
        let id = id.clone();
        self.read(move |db| match number_of(db, &id)? {
            Some(number) if has_tables_of(db, number)? => {
                let query = format!("SELECT spec FROM spec_{number}");
                Ok(db.query_row(&query, [], |row| row.get(0)).optional()?)
            }
            _ => Ok(None),
        })
        .await
    }

    /// Closes a job for submissions. Returns false if it was not open.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn close_job(&self, id: &JobId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |db| advance(db, &id, &[JobState::Open], JobState::Closing, None))
            .await
    }

    /// Begins a computation and returns its number; `None` if the job is not to be computed.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn begin_attempt(&self, id: &JobId) -> Result<Option<u32>, StoreError> {
        let id = id.clone();
        self.write(move |db| {
            if !advance(db, &id, &[JobState::Closing, JobState::Computing], JobState::Computing, None)? {
                return Ok(None);
            }
            let number = "UPDATE jobs SET attempt = attempt + 1 WHERE id = ?1 RETURNING attempt";
            Ok(Some(db.query_row(number, [id.as_str()], |row| row.get(0))?))
        })
        .await
    }

    /// Notes that a computation has failed. If it was the `max`-th one, the job fails.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn attempt_failed(&self, id: &JobId, reason: String, max: u32) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |db| {
            let noted = "UPDATE jobs SET failures = failures + 1 WHERE id = ?1 AND state = ?2 RETURNING failures";
            let failures: Option<u32> = db
                .query_row(noted, (id.as_str(), JobState::Computing.name()), |row| row.get(0))
                .optional()?;
            if let Some(failures) = failures.filter(|failures| *failures >= max) {
                let reason = if failures == 1 {
                    reason
                } else {
                    format!("{failures} computations failed, the last one because {reason}")
                };
                advance(db, &id, &[JobState::Computing], JobState::Failed, Some(&reason))?;
            }
            Ok(())
        })
        .await
    }

    /// Ends a job as failed. Returns false if it has ended already.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn fail_job(&self, id: &JobId, reason: String) -> Result<bool, StoreError> {
        let id = id.clone();
        let from = [JobState::Open, JobState::Closing, JobState::Computing, JobState::Verified];
        self.write(move |db| advance(db, &id, &from, JobState::Failed, Some(&reason))).await
    }

    /// Cancels a job, and keeps the buyer's signature, with which the nodes erase it. Returns false if it has ended, or if its result is
    /// verified. Of a job that has failed the signature is kept all the same, as nodes erase it for no other reason.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn cancel_job(&self, id: &JobId, signature: Signature) -> Result<bool, StoreError> {
        let id = id.clone();
        let from = [JobState::Open, JobState::Closing, JobState::Computing];
        self.write(move |db| {
            let cancelled = advance(db, &id, &from, JobState::Cancelled, Some("the buyer cancelled it"))?;
            db.execute(
                "UPDATE jobs SET cancellation = ?2 WHERE id = ?1 AND state IN (?3, ?4)",
                (
                    id.as_str(),
                    signature.as_bytes().as_slice(),
                    JobState::Cancelled.name(),
                    JobState::Failed.name(),
                ),
            )?;
            Ok(cancelled)
        })
        .await
    }
}

/// Moves a job from computing to verified, or from verified to published, as part of a larger transaction.
pub(super) fn advance_to(db: &Connection, id: &JobId, to: JobState) -> Result<bool, Failure> {
    let from: &[JobState] = match to {
        JobState::Verified => &[JobState::Computing],
        JobState::Published => &[JobState::Verified],
        _ => &[],
    };
    advance(db, id, from, to, None)
}

#[cfg(test)]
pub(super) mod tests;
