//! Submissions as this node has checked them, each stored once.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;

use super::{Store, StoreError};

/// A submission to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewSubmission {
    /// The digest under which the coordinator lists it.
    pub digest: Digest,
    /// Why it is rejected; `None` if it is accepted.
    pub reason: Option<RejectReason>,
    /// The encoded signed header; empty if it is rejected because of its header.
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
    /// It was rejected because of its header.
    Rejected(RejectReason),
    /// Its encoded signed header is good, but this node's part is spoilt or was not delivered.
    Spoilt(RejectReason, &'a [u8]),
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

    /// Stores submissions, all or none, and returns their outcomes in order. A submission that is stored already keeps its outcome,
    /// unless this node's part was spoilt and is good now. If the job was cancelled meanwhile and its id opened again with another
    /// spec, none is stored.
    pub(crate) fn store_submissions(&self, job: &Job, submissions: &[NewSubmission]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        let (job, job_digest) = (job.id(), job.digest());
        self.write(|c| {
            let transaction = c.transaction()?;
            if !is_open(&transaction, job, &job_digest)? {
                return Ok(vec![Some(RejectReason::WrongJob); submissions.len()]);
            }
            let mut outcomes = Vec::with_capacity(submissions.len());
            {
                let mut stored = transaction.prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?;
                for submission in submissions {
                    let digest = submission.digest.as_bytes();
                    let before = stored.query_row(params![job.as_str(), digest], |row| reason(row, 0)).optional()?;
                    outcomes.push(match before {
                        Some(before) if !before.is_some_and(RejectReason::is_private) || submission.reason.is_some() => before,
                        Some(_) => {
                            replace(&transaction, job, submission)?;
                            submission.reason
                        }
                        None => {
                            insert(&transaction, job, submission)?;
                            submission.reason
                        }
                    });
                }
            }
            transaction.commit()?;
            Ok(outcomes)
        })
    }

    /// Stores repaired submissions in place of what is stored of them. Returns false, and stores none, if the job is not open any
    /// more under its digest.
    pub(crate) fn store_repaired(&self, job: &Job, submissions: &[NewSubmission]) -> Result<bool, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            if !is_open(&transaction, job.id(), &job.digest())? {
                return Ok(false);
            }
            for submission in submissions {
                replace(&transaction, job.id(), submission)?;
            }
            transaction.commit()?;
            Ok(true)
        })
    }

    /// Notes that the sealed components of these submissions do not open any more, so that they can be repaired.
    pub(crate) fn spoil(&self, job: &JobId, digests: &[Digest]) -> Result<(), StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            for digest in digests {
                drop_components(&transaction, job, digest)?;
                transaction
                    .prepare_cached(
                        "UPDATE submissions SET reason = ?3, components = NULL WHERE job = ?1 AND digest = ?2 AND reason IS NULL",
                    )?
                    .execute(params![job.as_str(), digest.as_bytes(), RejectReason::Unsealable.name()])?;
            }
            transaction.commit()
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
                        Some(reason) if reason.is_private() => StoredSubmission::Spoilt(reason, row.get_ref(1)?.as_blob()?),
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

fn insert(connection: &Connection, job: &JobId, submission: &NewSubmission) -> rusqlite::Result<()> {
    let components = match submission.reason {
        None => {
            let mut components = connection.prepare_cached("INSERT INTO components (sealed) VALUES (?1)")?;
            Some(components.insert([&submission.sealed])?)
        }
        Some(_) => None,
    };
    let reason = submission.reason.map(RejectReason::name);
    connection
        .prepare_cached("INSERT INTO submissions (job, digest, reason, body, components) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            job.as_str(),
            submission.digest.as_bytes(),
            reason,
            submission.header,
            components
        ])?;
    Ok(())
}

fn replace(connection: &Connection, job: &JobId, submission: &NewSubmission) -> rusqlite::Result<()> {
    drop_components(connection, job, &submission.digest)?;
    connection
        .prepare_cached("DELETE FROM submissions WHERE job = ?1 AND digest = ?2")?
        .execute(params![job.as_str(), submission.digest.as_bytes()])?;
    insert(connection, job, submission)
}

fn drop_components(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM components WHERE number IN (SELECT components FROM submissions WHERE job = ?1 AND digest = ?2)")?
        .execute(params![job.as_str(), digest.as_bytes()])?;
    Ok(())
}

/// Whether the job of this id is open under this digest.
fn is_open(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND digest = ?2")?
        .exists(params![job.as_str(), digest.as_bytes()])
}
