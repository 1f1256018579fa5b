//! Submissions that their contributors have taken back. A row with the contributor's signature stays, without components and without a header: it
//! says that the submission is never taken again.

use std::collections::HashSet;

use rusqlite::Connection;
use tacit_mpc_core::digest::Digest;
use tacit_program::sqlite::empty_log;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::identity::Signature;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::withdrawal::{MAX_WITHDRAWALS, SignedWithdrawal};

use super::quotas::Counts;
use super::submissions::{number_of, outcome, replace};
use super::{Author, NewSubmission, Store, StoreError};

/// A withdrawal whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewWithdrawal {
    /// The digest by which the submission is listed.
    pub digest: Digest,
    /// Who has signed it.
    pub author: Author,
    /// The contributor's signature over the withdrawal.
    pub signature: Signature,
}

/// What came of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// Nothing is left of the submission, and no release of a list with it will be recorded.
    Erased,
    /// The job is computed, or a release of it is recorded.
    Frozen,
    /// The submission was never stored here, and the job takes no more that its author or others withdraw in this way.
    Full,
    /// The job is not open under its digest.
    NotOpen,
}

impl Store {
    /// Erases what is stored of a submission, and notes that it was withdrawn, unless the job is being computed (`computed`) or a release of it
    /// is recorded. A submission that was not stored counts as one that this node of `nodes` has learnt of. When this returns, nothing of it is
    /// in any file of the store but what the row says.
    pub(crate) fn withdraw(&self, job: &Job, nodes: usize, withdrawal: &NewWithdrawal, computed: bool) -> Result<Withdrawn, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(mut counts) = Counts::of(&transaction, job.id(), &job.digest())? else {
                return Ok(Withdrawn::NotOpen);
            };
            let before = outcome(&transaction, counts.number, &withdrawal.digest)?;
            if before.flatten() != Some(RejectReason::Withdrawn) {
                // In one transaction with the erasure, so that a release is recorded before it, and this is refused; or after it, and then
                // `record_release` finds the withdrawal.
                if computed || counts.released {
                    return Ok(Withdrawn::Frozen);
                }
                match before {
                    None if !counts.withdraw(&transaction, job, nodes, &withdrawal.author)? => return Ok(Withdrawn::Full),
                    Some(None) => counts.give_back(&withdrawal.author),
                    _ => {}
                }
                let row = NewSubmission {
                    digest: withdrawal.digest,
                    author: None,
                    reason: Some(RejectReason::Withdrawn),
                    header: withdrawal.signature.as_bytes().to_vec(),
                    sealed: Vec::new(),
                };
                replace(&transaction, counts.number, &row)?;
                counts.store(&transaction)?;
            }
            transaction.commit()?;
            // The log still holds what was deleted; in the pages it was overwritten (`secure_delete`). Also after a withdrawal that was cut off here.
            empty_log(c)?;
            Ok(Withdrawn::Erased)
        })
    }

    /// The withdrawals of the first submissions of this list that were withdrawn, as many as one reply carries.
    pub(crate) fn withdrawn_of(&self, job: &JobId, list: &[SubmissionEntry]) -> Result<Vec<SignedWithdrawal>, StoreError> {
        self.read(|c| {
            let Some(number) = number_of(c, job)? else { return Ok(Vec::new()) };
            let withdrawn = withdrawn(c, number)?;
            let mut signature = c.prepare_cached(&format!("SELECT body FROM submissions_{number} WHERE digest = ?1"))?;
            let listed = list
                .iter()
                .map(|entry| entry.submission)
                .filter(|digest| withdrawn.contains(digest));
            listed
                .take(MAX_WITHDRAWALS)
                .map(|submission| {
                    let signature = signature.query_row([submission.as_bytes()], |row| row.get(0))?;
                    Ok(SignedWithdrawal {
                        submission,
                        signature: Signature::from_bytes(signature),
                    })
                })
                .collect()
        })
    }
}

/// The submissions of the job with this number that were withdrawn.
pub(super) fn withdrawn(connection: &Connection, number: i64) -> rusqlite::Result<HashSet<Digest>> {
    connection
        .prepare_cached(&format!("SELECT digest FROM submissions_{number} WHERE reason = 'withdrawn'"))?
        .query_map([], |row| row.get(0).map(Digest::from_bytes))?
        .collect()
}
