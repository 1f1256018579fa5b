//! Submissions that their contributors have taken back. A row without components and without a header stays: it says that the submission is
//! never taken again.

use rusqlite::{OptionalExtension, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;

use super::submissions::{counts, replace};
use super::{Author, NewSubmission, Store, StoreError};

impl Store {
    /// Erases what is stored of a submission, and notes that it was withdrawn. Returns false, and does nothing, if the job is not open any more
    /// under its digest. A submission that was not stored counts as one of its author's.
    pub(crate) fn withdraw(&self, job: &Job, digest: &Digest, author: Author) -> Result<bool, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some((number, ..)) = counts(&transaction, job.id(), &job.digest())? else {
                return Ok(false);
            };
            let known = transaction
                .prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND digest = ?2")?
                .exists(params![job.id().as_str(), digest.as_bytes()])?;
            if !known {
                transaction
                    .prepare_cached(
                        "INSERT INTO subjects (job, subject, submissions, answers) VALUES (?1, ?2, 1, ?3)
                         ON CONFLICT DO UPDATE SET submissions = submissions + 1, answers = answers + excluded.answers",
                    )?
                    .execute(params![job.id().as_str(), author.subject.to_bytes(), author.answers as i64])?;
            }
            let withdrawn = NewSubmission {
                digest: *digest,
                author: None,
                number: None,
                reason: Some(RejectReason::Withdrawn),
                header: Vec::new(),
                sealed: Vec::new(),
            };
            replace(&transaction, (number, job.id()), &withdrawn)?;
            transaction.commit()?;
            // The log still holds what was deleted; in the pages it was overwritten (`secure_delete`).
            c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(true)
        })
    }

    /// Whether this submission was withdrawn.
    pub(crate) fn is_withdrawn(&self, job: &JobId, digest: &Digest) -> Result<bool, StoreError> {
        self.read(|c| {
            let reason: Option<Option<String>> = c
                .prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?
                .query_row(params![job.as_str(), digest.as_bytes()], |row| row.get(0))
                .optional()?;
            Ok(reason.flatten().as_deref() == Some(RejectReason::Withdrawn.name()))
        })
    }
}
