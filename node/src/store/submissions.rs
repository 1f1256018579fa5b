//! Submissions as this node has checked them, each stored once.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Role, Statement, Subject};

use super::quotas::Counts;
use super::{Store, StoreError};

/// A submission to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewSubmission {
    /// The digest under which the coordinator lists it.
    pub digest: Digest,
    /// Who has signed it; `None` if its header is not valid.
    pub author: Option<Author>,
    /// Why it is rejected; `None` if it is accepted.
    pub reason: Option<RejectReason>,
    /// The encoded signed header; empty if it is rejected because of its header.
    pub header: Vec<u8>,
    /// The node's components, sealed under its key of the job; empty if it is rejected.
    pub sealed: Vec<u8>,
}

/// What a valid header says of the quotas of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Author {
    /// Who stands behind the submission.
    pub subject: Subject,
    /// Whether it holds answers or gold answers.
    pub role: Role,
    /// How many answers it holds.
    pub answers: u64,
}

impl Author {
    /// What a header says that was checked.
    pub(crate) fn of(job: &Job, statement: &Statement) -> Self {
        Self {
            subject: statement.subject(),
            role: Role::of(job, &statement.key),
            answers: statement.items.len() as u64,
        }
    }
}

/// The row that holds the sealed components of an accepted submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ComponentsAt {
    job: i64,
    row: i64,
}

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
            let mut found = HashMap::new();
            let Some(number) = number_of(c, job)? else { return Ok(found) };
            for digest in digests {
                if let Some(outcome) = outcome(c, number, digest)? {
                    found.insert(*digest, outcome);
                }
            }
            Ok(found)
        })
    }

    /// Stores submissions that are delivered to this node of `nodes`, all or none, and returns their outcomes in order. A submission that is stored already keeps its outcome,
    /// unless this node's part was spoilt and is good now. Nothing is stored of one for which the job has no room. If the job was cancelled
    /// meanwhile and its id opened again with another spec, none is stored.
    pub(crate) fn store_submissions(
        &self,
        of: &Job,
        nodes: usize,
        submissions: &[NewSubmission],
    ) -> Result<Vec<Option<RejectReason>>, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(mut counts) = Counts::of(&transaction, of.id(), &of.digest())? else {
                return Ok(vec![Some(RejectReason::WrongJob); submissions.len()]);
            };
            let mut outcomes = Vec::with_capacity(submissions.len());
            for submission in submissions {
                match outcome(&transaction, counts.number, &submission.digest)? {
                    Some(before) if !before.is_some_and(RejectReason::is_private) || submission.reason.is_some() => {
                        outcomes.push(before);
                        continue;
                    }
                    // Its author was counted when it came first.
                    Some(_) => replace(&transaction, counts.number, submission)?,
                    None => match &submission.author {
                        Some(author) if !counts.deliver(&transaction, of, nodes, author)? => {
                            outcomes.push(Some(RejectReason::JobFull));
                            continue;
                        }
                        None if !counts.reject() => {}
                        _ => insert(&transaction, counts.number, submission)?,
                    },
                }
                if let (None, Some(author)) = (submission.reason, &submission.author) {
                    counts.accept(author);
                }
                outcomes.push(submission.reason);
            }
            counts.store(&transaction)?;
            transaction.commit()?;
            Ok(outcomes)
        })
    }

    /// Stores what this node of `nodes` has learnt of submissions from peers, and returns the digests of those for which there was no room. What
    /// is stored already stays, and so does the store if the job is not open any more under its digest.
    pub(crate) fn store_learnt(&self, job: &Job, nodes: usize, submissions: &[NewSubmission]) -> Result<HashSet<Digest>, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(mut counts) = Counts::of(&transaction, job.id(), &job.digest())? else {
                return Ok(HashSet::new());
            };
            let mut refused = HashSet::new();
            for submission in submissions {
                if outcome(&transaction, counts.number, &submission.digest)?.is_some() {
                    continue;
                }
                let admitted = match &submission.author {
                    Some(author) => counts.learn(&transaction, job, nodes, author)?,
                    None => counts.reject(),
                };
                if admitted {
                    insert(&transaction, counts.number, submission)?;
                } else {
                    refused.insert(submission.digest);
                }
            }
            counts.store(&transaction)?;
            transaction.commit()?;
            Ok(refused)
        })
    }

    /// Stores repaired submissions in place of what is stored of them, and returns how many. One of which nothing is stored was refused before,
    /// and one that was withdrawn meanwhile is never taken again. Stores none if the job is not open any more under its digest.
    pub(crate) fn store_repaired(&self, job: &Job, submissions: &[NewSubmission]) -> Result<usize, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(mut counts) = Counts::of(&transaction, job.id(), &job.digest())? else {
                return Ok(0);
            };
            let mut repaired = 0;
            for submission in submissions {
                let before = outcome(&transaction, counts.number, &submission.digest)?;
                if before.flatten().is_some_and(RejectReason::is_private) {
                    replace(&transaction, counts.number, submission)?;
                    // Its author was counted when the node learnt of it; now its answers take room.
                    if let Some(author) = &submission.author {
                        counts.accept(author);
                    }
                    repaired += 1;
                }
            }
            counts.store(&transaction)?;
            transaction.commit()?;
            Ok(repaired)
        })
    }

    /// Notes that the sealed components of these submissions do not open any more, so that they can be repaired.
    pub(crate) fn spoil(&self, job: &JobId, digests: &[Digest]) -> Result<(), StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(number) = number_of(&transaction, job)? else {
                return Ok(());
            };
            for digest in digests {
                drop_components(&transaction, number, digest)?;
                transaction
                    .prepare_cached(&format!(
                        "UPDATE submissions_{number} SET reason = ?2, components = NULL WHERE digest = ?1 AND reason IS NULL"
                    ))?
                    .execute(params![digest.as_bytes(), RejectReason::Unsealable.name()])?;
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
            let Some(number) = number_of(c, job)? else { return Ok(()) };
            let mut query = c.prepare_cached(&format!(
                "SELECT reason, body, components FROM submissions_{number} WHERE digest = ?1"
            ))?;
            for (index, digest) in digests.iter().enumerate() {
                let mut rows = query.query([digest.as_bytes()])?;
                let Some(row) = rows.next()? else { continue };
                each(
                    index,
                    match reason(row, 0)? {
                        Some(reason) if reason.is_private() => StoredSubmission::Spoilt(reason, row.get_ref(1)?.as_blob()?),
                        Some(reason) => StoredSubmission::Rejected(reason),
                        None => {
                            let at = ComponentsAt {
                                job: number,
                                row: row.get(2)?,
                            };
                            StoredSubmission::Accepted(row.get_ref(1)?.as_blob()?, at)
                        }
                    },
                );
            }
            Ok(())
        })
    }

    /// The sealed components of a submission; `None` if there is no such row.
    pub(crate) fn components(&self, at: ComponentsAt) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|c| {
            if !is_open(c, at.job)? {
                return Ok(None);
            }
            c.prepare_cached(&format!("SELECT sealed FROM components_{} WHERE number = ?1", at.job))?
                .query_row([at.row], |row| row.get(0))
                .optional()
        })
    }
}

fn reason(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RejectReason>> {
    // An unknown name is a rejection all the same.
    let known = |name: String| RejectReason::from_name(&name).unwrap_or(RejectReason::Malformed);
    Ok(row.get::<_, Option<String>>(column)?.map(known))
}

/// The outcome of a submission of the job with this number; `None` if it is not stored.
pub(super) fn outcome(connection: &Connection, number: i64, digest: &Digest) -> rusqlite::Result<Option<Option<RejectReason>>> {
    connection
        .prepare_cached(&format!("SELECT reason FROM submissions_{number} WHERE digest = ?1"))?
        .query_row([digest.as_bytes()], |row| reason(row, 0))
        .optional()
}

fn insert(connection: &Connection, number: i64, submission: &NewSubmission) -> rusqlite::Result<()> {
    let components = match submission.reason {
        None => {
            let mut components = connection.prepare_cached(&format!("INSERT INTO components_{number} (sealed) VALUES (?1)"))?;
            Some(components.insert([&submission.sealed])?)
        }
        Some(_) => None,
    };
    let reason = submission.reason.map(RejectReason::name);
    connection
        .prepare_cached(&format!(
            "INSERT INTO submissions_{number} (digest, reason, body, components) VALUES (?1, ?2, ?3, ?4)"
        ))?
        .execute(params![submission.digest.as_bytes(), reason, submission.header, components])?;
    Ok(())
}

pub(super) fn replace(connection: &Connection, number: i64, submission: &NewSubmission) -> rusqlite::Result<()> {
    drop_components(connection, number, &submission.digest)?;
    connection
        .prepare_cached(&format!("DELETE FROM submissions_{number} WHERE digest = ?1"))?
        .execute([submission.digest.as_bytes()])?;
    insert(connection, number, submission)
}

fn drop_components(connection: &Connection, number: i64, digest: &Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM components_{number} WHERE number IN (SELECT components FROM submissions_{number} WHERE digest = ?1)"
        ))?
        .execute([digest.as_bytes()])?;
    Ok(())
}

/// The number of an open job. Its tables are dropped when it ends, perhaps during a computation.
pub(super) fn number_of(connection: &Connection, job: &JobId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM jobs WHERE id = ?1 AND ended IS NULL")?
        .query_row([job.as_str()], |row| row.get(0))
        .optional()
}

/// Whether the job with this number is open.
fn is_open(connection: &Connection, number: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE number = ?1 AND ended IS NULL")?
        .exists([number])
}
