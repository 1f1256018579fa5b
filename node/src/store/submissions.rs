//! Submissions as this node has checked them, each stored once.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::quota::{self, Used};
use tacit_protocol::submission::{Role, Statement, Subject};

use super::{Store, StoreError};

/// A submission to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewSubmission {
    /// The digest under which the coordinator lists it.
    pub digest: Digest,
    /// Who has signed it; `None` if its header is not valid.
    pub author: Option<Author>,
    /// The number of the contributor in the pool of the job's issuers, if its header is good and the job names issuers.
    pub number: Option<u32>,
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

/// How many rejected submissions that nobody has signed are stored of one job. The others are rejected alike, and forgotten.
const UNSIGNED: i64 = 1 << 16;

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
    /// unless this node's part was spoilt and is good now. Nothing is stored of one for which the job has no room. If the job was cancelled
    /// meanwhile and its id opened again with another spec, none is stored.
    pub(crate) fn store_submissions(&self, of: &Job, submissions: &[NewSubmission]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        let (job, job_digest) = (of.id(), of.digest());
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some((number, mut in_job, mut unsigned)) = counts(&transaction, job, &job_digest)? else {
                return Ok(vec![Some(RejectReason::WrongJob); submissions.len()]);
            };
            let mut outcomes = Vec::with_capacity(submissions.len());
            {
                let mut stored = transaction.prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?;
                let mut count = transaction.prepare_cached(
                    "INSERT INTO subjects (job, subject, submissions, answers) VALUES (?1, ?2, 1, ?3)
                     ON CONFLICT DO UPDATE SET submissions = submissions + 1, answers = answers + excluded.answers",
                )?;
                for submission in submissions {
                    let digest = submission.digest.as_bytes();
                    let before = stored.query_row(params![job.as_str(), digest], |row| reason(row, 0)).optional()?;
                    let counts = |author: &Author| submission.reason.is_none() && author.role == Role::Answers;
                    match before {
                        Some(before) if !before.is_some_and(RejectReason::is_private) || submission.reason.is_some() => {
                            outcomes.push(before);
                            continue;
                        }
                        // Its author was counted when it came first.
                        Some(_) => replace(&transaction, (number, job), submission)?,
                        None => {
                            if let Some(author) = &submission.author {
                                let used = used(&transaction, job, &author.subject)?;
                                if quota::admit(of, author.role, author.answers, used, in_job).is_err() {
                                    outcomes.push(Some(RejectReason::JobFull));
                                    continue;
                                }
                                count.execute(params![job.as_str(), author.subject.to_bytes(), author.answers as i64])?;
                            } else {
                                unsigned += 1;
                            }
                            if submission.author.is_some() || unsigned <= UNSIGNED {
                                insert(&transaction, (number, job), submission)?;
                            }
                        }
                    }
                    in_job += submission
                        .author
                        .as_ref()
                        .filter(|author| counts(author))
                        .map_or(0, |author| author.answers);
                    outcomes.push(submission.reason);
                }
            }
            transaction
                .prepare_cached("UPDATE jobs SET answers = ?2, unsigned = ?3 WHERE id = ?1")?
                .execute(params![job.as_str(), in_job as i64, unsigned])?;
            transaction.commit()?;
            Ok(outcomes)
        })
    }

    /// Stores what was learnt of submissions from peers, for which the doors have no quota: the list of a computation names them. What is
    /// stored already stays, and so does the store if the job is not open any more under its digest.
    pub(crate) fn store_learnt(&self, job: &Job, submissions: &[NewSubmission]) -> Result<(), StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some((number, ..)) = counts(&transaction, job.id(), &job.digest())? else {
                return Ok(());
            };
            {
                let mut stored = transaction.prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND digest = ?2")?;
                for submission in submissions {
                    if !stored.exists(params![job.id().as_str(), submission.digest.as_bytes()])? {
                        insert(&transaction, (number, job.id()), submission)?;
                    }
                }
            }
            transaction.commit()
        })
    }

    /// Stores repaired submissions in place of what is stored of them. Returns false, and stores none, if the job is not open any
    /// more under its digest.
    pub(crate) fn store_repaired(&self, job: &Job, submissions: &[NewSubmission]) -> Result<bool, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some((number, ..)) = counts(&transaction, job.id(), &job.digest())? else {
                return Ok(false);
            };
            let mut stored = transaction.prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?;
            for submission in submissions {
                let key = params![job.id().as_str(), submission.digest.as_bytes()];
                let before = stored.query_row(key, |row| reason(row, 0)).optional()?.flatten();
                // It was withdrawn while peers were asked for it.
                if before != Some(RejectReason::Withdrawn) {
                    replace(&transaction, (number, job.id()), submission)?;
                }
            }
            drop(stored);
            transaction.commit()?;
            Ok(true)
        })
    }

    /// Notes that the sealed components of these submissions do not open any more, so that they can be repaired.
    pub(crate) fn spoil(&self, job: &JobId, digests: &[Digest]) -> Result<(), StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let open = "SELECT number FROM jobs WHERE id = ?1 AND ended IS NULL";
            let number = transaction.query_row(open, [job.as_str()], |row| row.get(0)).optional()?;
            let Some(number) = number else { return Ok(()) };
            for digest in digests {
                drop_components(&transaction, (number, job), digest)?;
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
            let mut query = c.prepare_cached(
                "SELECT reason, body, components, (SELECT number FROM jobs WHERE id = ?1) FROM submissions WHERE job = ?1 AND digest = ?2",
            )?;
            for (index, digest) in digests.iter().enumerate() {
                let mut rows = query.query(params![job.as_str(), digest.as_bytes()])?;
                let Some(row) = rows.next()? else { continue };
                each(
                    index,
                    match reason(row, 0)? {
                        Some(reason) if reason.is_private() => StoredSubmission::Spoilt(reason, row.get_ref(1)?.as_blob()?),
                        Some(reason) => StoredSubmission::Rejected(reason),
                        None => {
                            let at = ComponentsAt {
                                job: row.get(3)?,
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
            if !has_components(c, at.job)? {
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

fn insert(connection: &Connection, (number, job): (i64, &JobId), submission: &NewSubmission) -> rusqlite::Result<()> {
    let components = match submission.reason {
        None => {
            let mut components = connection.prepare_cached(&format!("INSERT INTO components_{number} (sealed) VALUES (?1)"))?;
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

pub(super) fn replace(connection: &Connection, (number, job): (i64, &JobId), submission: &NewSubmission) -> rusqlite::Result<()> {
    drop_components(connection, (number, job), &submission.digest)?;
    connection
        .prepare_cached("DELETE FROM submissions WHERE job = ?1 AND digest = ?2")?
        .execute(params![job.as_str(), submission.digest.as_bytes()])?;
    insert(connection, (number, job), submission)
}

fn drop_components(connection: &Connection, (number, job): (i64, &JobId), digest: &Digest) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "DELETE FROM components_{number} WHERE number IN (SELECT components FROM submissions WHERE job = ?1 AND digest = ?2)"
        ))?
        .execute(params![job.as_str(), digest.as_bytes()])?;
    Ok(())
}

/// Whether the tables of the job with this number are there. They are dropped when it ends, perhaps during a computation.
fn has_components(connection: &Connection, number: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE number = ?1 AND ended IS NULL")?
        .exists([number])
}

/// The number of a job, how many answers it has, and how many rejected submissions that nobody has signed; `None` if it is not open under
/// this digest.
pub(super) fn counts(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<Option<(i64, u64, i64)>> {
    connection
        .prepare_cached("SELECT number, answers, unsigned FROM jobs WHERE id = ?1 AND digest = ?2 AND ended IS NULL")?
        .query_row(params![job.as_str(), digest.as_bytes()], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))
        })
        .optional()
}

/// What a job has of a subject.
fn used(connection: &Connection, job: &JobId, subject: &Subject) -> rusqlite::Result<Used> {
    let used = connection
        .prepare_cached("SELECT submissions, answers FROM subjects WHERE job = ?1 AND subject = ?2")?
        .query_row(params![job.as_str(), subject.to_bytes()], |row| {
            Ok(Used {
                submissions: row.get::<_, i64>(0)?.unsigned_abs(),
                answers: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
        .optional()?;
    Ok(used.unwrap_or_default())
}
