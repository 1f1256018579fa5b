//! Submissions as this node has checked them, each stored once.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::SubmissionId;

use super::{Store, StoreError};

/// A submission to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewSubmission {
    /// The digest under which the coordinator lists it.
    pub digest: Digest,
    /// Its id; `None` if it could not be read.
    pub id: Option<SubmissionId>,
    /// The number of the contributor in the pool of the job's issuers, if its header is good and the job names issuers.
    pub number: Option<u32>,
    /// Why it is rejected; `None` if it is accepted.
    pub reason: Option<RejectReason>,
    /// The encoded signed header; empty if it is rejected.
    pub header: Vec<u8>,
    /// The node's components, sealed under its own key; empty if it is rejected.
    pub sealed: Vec<u8>,
}

/// The row that holds the sealed components of an accepted submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ComponentsAt(i64);

/// What is stored of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredSubmission<'a> {
    /// It was rejected.
    Rejected(RejectReason),
    /// It was accepted: its encoded signed header, and where its components are.
    Accepted(&'a [u8], ComponentsAt),
}

impl Store {
    /// The outcomes of those of these submissions that were stored before; `None` means accepted.
    pub(crate) fn outcomes(&self, job: &JobId, digests: &[Digest]) -> Result<HashMap<Digest, Option<RejectReason>>, StoreError> {
        self.read(|c| {
            let mut query = c.prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?;
            let mut found = HashMap::new();
            for digest in digests {
                let outcome = query
                    .query_row(params![job.as_str(), digest.as_bytes()], |row| reason(row, 0))
                    .optional()?;
                if let Some(outcome) = outcome {
                    found.insert(*digest, outcome);
                }
            }
            Ok(found)
        })
    }

    /// Stores submissions, all or none, and returns their outcomes in order. A submission whose id another accepted one has is stored
    /// as rejected. If the job was cancelled meanwhile and its id opened again with another spec, none is stored.
    pub(crate) fn store_submissions(&self, job: &Job, submissions: &[NewSubmission]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        let (job, job_digest) = (job.id(), job.digest());
        self.write(|c| {
            let transaction = c.transaction()?;
            if !is_open(&transaction, job, &job_digest)? {
                return Ok(vec![Some(RejectReason::WrongJob); submissions.len()]);
            }
            let mut outcomes = Vec::with_capacity(submissions.len());
            {
                let mut taken = transaction
                    .prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND id = ?2 AND digest <> ?3 AND reason IS NULL")?;
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO submissions (job, digest, id, reason, body, components) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?;
                let mut stored = transaction.prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND digest = ?2")?;
                let mut components = transaction.prepare_cached("INSERT INTO components (sealed) VALUES (?1)")?;
                for submission in submissions {
                    let digest = submission.digest.as_bytes();
                    let id = submission.id.as_ref().map(|id| id.as_bytes().to_vec());
                    let duplicate = submission.reason.is_none() && taken.exists(params![job.as_str(), id, digest])?;
                    let reason = if duplicate {
                        Some(RejectReason::DuplicateSubmission)
                    } else {
                        submission.reason
                    };
                    outcomes.push(reason);
                    if stored.exists(params![job.as_str(), digest])? {
                        continue;
                    }
                    let (body, number) = match reason {
                        None => (submission.header.as_slice(), Some(components.insert([&submission.sealed])?)),
                        Some(_) => ([].as_slice(), None),
                    };
                    let reason = reason.map(RejectReason::name);
                    insert.execute(params![job.as_str(), digest, id, reason, body, number])?;
                }
            }
            transaction.commit()?;
            Ok(outcomes)
        })
    }

    /// Calls `each` for every one of these submissions that is stored, with its index in `digests`.
    pub(crate) fn for_each_stored(
        &self,
        job: &JobId,
        digests: &[Digest],
        mut each: impl FnMut(usize, StoredSubmission<'_>),
    ) -> Result<(), StoreError> {
        self.read(|c| {
            let mut query = c.prepare_cached("SELECT reason, body, components FROM submissions WHERE job = ?1 AND digest = ?2")?;
            for (index, digest) in digests.iter().enumerate() {
                let mut rows = query.query(params![job.as_str(), digest.as_bytes()])?;
                let Some(row) = rows.next()? else { continue };
                each(
                    index,
                    match reason(row, 0)? {
                        Some(reason) => StoredSubmission::Rejected(reason),
                        None => StoredSubmission::Accepted(row.get_ref(1)?.as_blob()?, ComponentsAt(row.get(2)?)),
                    },
                );
            }
            Ok(())
        })
    }

    /// The sealed components of a submission; `None` if there is no such row.
    pub(crate) fn components(&self, at: ComponentsAt) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT sealed FROM components WHERE number = ?1")?
                .query_row([at.0], |row| row.get(0))
                .optional()
        })
    }
}

fn reason(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RejectReason>> {
    // An unknown name is a rejection all the same.
    let known = |name: String| RejectReason::from_name(&name).unwrap_or(RejectReason::Malformed);
    Ok(row.get::<_, Option<String>>(column)?.map(known))
}

/// Whether the job of this id is open under this digest.
fn is_open(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND digest = ?2")?
        .exists(params![job.as_str(), digest.as_bytes()])
}
