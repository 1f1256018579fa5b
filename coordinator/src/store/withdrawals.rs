//! Submissions that their contributors have taken back, and the receipts of nodes that have erased them.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::JobState;
use tacit_protocol::codec::encode;
use tacit_protocol::identity::Signature;
use tacit_protocol::job::JobId;
use tacit_protocol::submission::SubmissionId;
use tacit_protocol::withdrawal::ErasureReceipt;

use super::jobs::state_named;
use super::submissions::has_submissions;
use super::{Failure, Store, StoreError, fixed_bytes, from_db, number_of, to_db};

/// How many withdrawals a node is told of at once.
const BATCH: i64 = 64;

/// A submission that may be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Withdrawable {
    /// Its encoded signed header.
    pub header: Vec<u8>,
    /// Whether it was taken back before.
    pub withdrawn: bool,
}

/// What came of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithdrawOutcome {
    /// The submission of this number is out of the job.
    New(u64),
    /// It was before.
    Before,
    /// The job is in this state, and its submissions are fixed.
    Frozen(JobState),
    /// There is no such submission.
    Unknown,
}

/// A submission of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedSubmission {
    /// Its number.
    pub sequence: u64,
    /// Its encoded signed header.
    pub header: Vec<u8>,
}

/// A withdrawal of which a node has not signed that it has erased the submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingWithdrawal {
    /// The number that the submission had.
    pub sequence: u64,
    /// The encoded signed header.
    pub header: Vec<u8>,
    /// The contributor's signature over the withdrawal.
    pub signature: Signature,
}

/// Whether a submission of this id was taken back.
pub(super) fn is_withdrawn(db: &Connection, job: i64, submission: &SubmissionId) -> Result<bool, Failure> {
    Ok(db
        .prepare_cached("SELECT 1 FROM withdrawals WHERE job = ?1 AND sid = ?2")?
        .exists((job, submission.as_bytes().as_slice()))?)
}

/// Moves a submission of a job to the withdrawals, and overwrites and deletes its envelopes. It must hold no gold answers.
fn take_out(db: &Connection, job: i64, sequence: i64, signature: &Signature) -> Result<(), Failure> {
    db.execute(
        "INSERT INTO withdrawals (job, sequence, sid, header, signature)
         SELECT job, sequence, sid, header, ?3 FROM submissions WHERE job = ?1 AND sequence = ?2",
        (job, sequence, signature.as_bytes().as_slice()),
    )?;
    // The job has room for others again. What it has had of the subject stays counted.
    let answers = "SELECT answers FROM submissions WHERE job = ?1 AND sequence = ?2";
    db.execute(
        &format!("UPDATE jobs SET answers = max(answers - ({answers}), 0) WHERE number = ?1"),
        (job, sequence),
    )?;
    // The row itself is overwritten before SQLite moves anything on its page.
    let overwrite = format!("UPDATE envelopes_{job} SET envelope = zeroblob(length(envelope)) WHERE sequence = ?1");
    db.execute(&overwrite, [sequence])?;
    db.execute(&format!("DELETE FROM envelopes_{job} WHERE sequence = ?1"), [sequence])?;
    let author = "SELECT author FROM submissions WHERE job = ?1 AND sequence = ?2";
    let author: Vec<u8> = db.query_row(author, (job, sequence), |row| row.get(0))?;
    for table in ["delivery_refusals", "submissions"] {
        db.execute(&format!("DELETE FROM {table} WHERE job = ?1 AND sequence = ?2"), (job, sequence))?;
    }
    if !has_submissions(db, job, &author)? {
        db.execute("UPDATE jobs SET contributors = max(contributors - 1, 0) WHERE number = ?1", [job])?;
    }
    Ok(())
}

/// Keeps a node's receipt for a submission of a job.
fn keep(db: &Connection, (job, sequence): (i64, i64), node: usize, receipt: &ErasureReceipt) -> Result<(), Failure> {
    db.execute(
        "INSERT OR REPLACE INTO erasures (job, sequence, node, receipt) VALUES (?1, ?2, ?3, ?4)",
        (job, sequence, node as i64, encode(receipt)),
    )?;
    Ok(())
}

impl Store {
    /// The header of the submission of this id, if there is one.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn withdrawable(&self, job: &JobId, submission: SubmissionId) -> Result<Option<Withdrawable>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let Some(job) = number_of(db, &job)? else { return Ok(None) };
            for (query, withdrawn) in [
                ("SELECT header FROM submissions WHERE job = ?1 AND sid = ?2", false),
                ("SELECT header FROM withdrawals WHERE job = ?1 AND sid = ?2", true),
            ] {
                let header: Option<Vec<u8>> = db
                    .prepare_cached(query)?
                    .query_row((job, submission.as_bytes().as_slice()), |row| row.get(0))
                    .optional()?;
                if let Some(header) = header {
                    return Ok(Some(Withdrawable { header, withdrawn }));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Takes a submission that holds no gold answers out of an open job, and overwrites its envelopes. The signature must have been checked.
    /// The envelopes are in the log of recent changes until [`Self::empty_log`].
    ///
    /// # Errors
    /// The store fails; then nothing is changed.
    pub(crate) async fn withdraw(
        &self,
        job: &JobId,
        submission: SubmissionId,
        signature: Signature,
    ) -> Result<WithdrawOutcome, StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let row: Option<(i64, String)> = db
                .prepare_cached("SELECT number, state FROM jobs WHERE id = ?1")?
                .query_row([job.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((job, state)) = row else {
                return Ok(WithdrawOutcome::Unknown);
            };
            if is_withdrawn(db, job, &submission)? {
                return Ok(WithdrawOutcome::Before);
            }
            let sid = submission.as_bytes().as_slice();
            let sequence: Option<i64> = db
                .prepare_cached("SELECT sequence FROM submissions WHERE job = ?1 AND sid = ?2")?
                .query_row((job, sid), |row| row.get(0))
                .optional()?;
            let Some(sequence) = sequence else {
                return Ok(WithdrawOutcome::Unknown);
            };
            let state = state_named(&state)?;
            if state != JobState::Open {
                return Ok(WithdrawOutcome::Frozen(state));
            }
            take_out(db, job, sequence, &signature)?;
            Ok(WithdrawOutcome::New(from_db(sequence)))
        })
        .await
    }

    /// The submissions of a job that are listed by these digests.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn listed(&self, job: &JobId, digests: HashSet<Digest>) -> Result<HashMap<Digest, ListedSubmission>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let Some(number) = number_of(db, &job)? else {
                return Ok(HashMap::new());
            };
            let mut query = db.prepare("SELECT sequence, digest, header FROM submissions WHERE job = ?1")?;
            let mut rows = query.query([number])?;
            let mut listed = HashMap::new();
            while let Some(row) = rows.next()? {
                let digest: Vec<u8> = row.get(1)?;
                let digest = Digest::from_bytes(fixed_bytes(&digest, "a submission's digest")?);
                if digests.contains(&digest) {
                    let (sequence, header) = (from_db(row.get(0)?), row.get(2)?);
                    listed.insert(digest, ListedSubmission { sequence, header });
                }
            }
            Ok(listed)
        })
        .await
    }

    /// Takes a submission out of a job that is being computed, and keeps the checked receipts of the nodes that have erased it. Returns false, and
    /// does nothing, if the job is in another state or has no such submission. The signature must have been checked.
    ///
    /// # Errors
    /// The store fails; then nothing is changed.
    pub(crate) async fn withdraw_listed(
        &self,
        job: &JobId,
        sequence: u64,
        signature: Signature,
        receipts: Vec<(usize, ErasureReceipt)>,
    ) -> Result<bool, StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let computed = "SELECT number FROM jobs WHERE id = ?1 AND state = ?2
                 AND EXISTS (SELECT 1 FROM submissions s WHERE s.job = jobs.number AND s.sequence = ?3)";
            let number: Option<i64> = db
                .query_row(computed, (job.as_str(), JobState::Computing.name(), to_db(sequence)), |row| {
                    row.get(0)
                })
                .optional()?;
            let Some(number) = number else { return Ok(false) };
            take_out(db, number, to_db(sequence), &signature)?;
            for (node, receipt) in &receipts {
                keep(db, (number, to_db(sequence)), *node, receipt)?;
            }
            Ok(true)
        })
        .await
    }

    /// Withdrawals from a job of which this node has not signed that it has erased the submission: the first ones of those after this number.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn pending_withdrawals(
        &self,
        job: &JobId,
        node: usize,
        after: Option<u64>,
    ) -> Result<Vec<PendingWithdrawal>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT w.sequence, w.header, w.signature FROM jobs j JOIN withdrawals w ON w.job = j.number
                 WHERE j.id = ?1 AND w.sequence > ?4
                 AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.job = w.job AND e.sequence = w.sequence AND e.node = ?2)
                 ORDER BY w.sequence LIMIT ?3",
            )?;
            let mut rows = query.query((job.as_str(), node as i64, BATCH, after.map_or(-1, to_db)))?;
            let mut pending = Vec::new();
            while let Some(row) = rows.next()? {
                let signature: Vec<u8> = row.get(2)?;
                pending.push(PendingWithdrawal {
                    sequence: from_db(row.get(0)?),
                    header: row.get(1)?,
                    signature: Signature::from_bytes(fixed_bytes(&signature, "a withdrawal's signature")?),
                });
            }
            Ok(pending)
        })
        .await
    }

    /// Keeps the checked receipt of a node, which has erased the submission of this number.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn keep_erasure(&self, job: &JobId, sequence: u64, node: usize, receipt: &ErasureReceipt) -> Result<(), StoreError> {
        let (job, receipt) = (job.clone(), receipt.clone());
        self.write(move |db| match number_of(db, &job)? {
            Some(number) => keep(db, (number, to_db(sequence)), node, &receipt),
            // It was purged meanwhile.
            None => Ok(()),
        })
        .await
    }

    /// The encoded receipts for a submission that was taken back, each with its node, in the order of the nodes.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn erasures(&self, job: &JobId, submission: SubmissionId) -> Result<Vec<(usize, Vec<u8>)>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT e.node, e.receipt FROM jobs j JOIN withdrawals w ON w.job = j.number
                 JOIN erasures e ON e.job = w.job AND e.sequence = w.sequence WHERE j.id = ?1 AND w.sid = ?2 ORDER BY e.node";
            let mut query = db.prepare_cached(query)?;
            let rows = query.query_map((job.as_str(), submission.as_bytes().as_slice()), |row| {
                Ok((row.get::<_, u8>(0)?.into(), row.get(1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
