//! Which of a contributor's answers count, and why the others do not.

use std::collections::{BTreeMap, BTreeSet};

use tacit_protocol::api::{Receipt, SubmissionStatus};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Header;
use thiserror::Error;

#[cfg(feature = "command")]
pub use self::fetch::{FetchError, Sent, fetch};
use crate::coordinator_receipt::{InvalidReceipt, check_receipt};

#[cfg(feature = "command")]
mod fetch;

/// How many answers count, and which do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The number of answers that count.
    pub accepted: u64,
    /// The items of the answers that do not count, by reason. The nodes certify how many these are, and not which.
    pub rejected: BTreeMap<RejectReason, Vec<String>>,
    /// The nodes that could not use their part of a submission, as the coordinator says. It is compared with what is certified, and shown to
    /// nobody.
    pub refused_by: BTreeSet<String>,
}

/// Why the outcome that the coordinator reports is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OutcomeError {
    /// The stored receipt is not valid.
    #[error(transparent)]
    Receipt(#[from] InvalidReceipt),
    /// The coordinator now gives another receipt.
    #[error("submission {submission}: the coordinator now gives another receipt than when it was sent; keep yours, and tell the operators")]
    OtherReceipt {
        /// The submission's id.
        submission: String,
    },
    /// The numbers of counted and rejected answers do not add up to the answers of the submission.
    #[error(
        "submission {submission}: the coordinator says that {accepted} of its {answers} answers count and {rejected} do not; \
         keep the receipt, and tell the operators"
    )]
    Sum {
        /// The submission's id.
        submission: String,
        /// The number of its answers.
        answers: usize,
        /// How many answers count, as the coordinator reports.
        accepted: u64,
        /// How many answers are rejected, as the coordinator reports.
        rejected: usize,
    },
}

impl Outcome {
    /// The number of answers that do not count.
    pub fn rejections(&self) -> usize {
        self.rejected.values().map(Vec::len).sum()
    }

    /// Adds the outcome of other answers.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        for (reason, items) in other.rejected {
            self.rejected.entry(reason).or_default().extend(items);
        }
        self.refused_by.extend(other.refused_by);
    }
}

/// What the coordinator says of the answers of the submission of this header, whose receipt was kept; `None` until the job is published.
///
/// # Errors
/// The receipt that was kept is not valid, the coordinator now gives another one, or the numbers do not add up.
pub fn read(cluster: &Cluster, header: &Header, receipt: &Receipt, status: SubmissionStatus) -> Result<Option<Outcome>, OutcomeError> {
    let submission = || header.statement.id.to_string();
    check_receipt(cluster, header, receipt)?;
    if status.receipt != *receipt {
        return Err(OutcomeError::OtherReceipt { submission: submission() });
    }
    let Some(outcome) = status.outcome else {
        return Ok(None);
    };
    let (answers, rejected) = (header.statement.items.len(), outcome.rejected.len());
    if outcome.accepted.checked_add(rejected as u64) != Some(answers as u64) {
        return Err(OutcomeError::Sum {
            submission: submission(),
            answers,
            accepted: outcome.accepted,
            rejected,
        });
    }
    let mut by_reason: BTreeMap<RejectReason, Vec<String>> = BTreeMap::new();
    for answer in outcome.rejected {
        by_reason.entry(answer.reason).or_default().push(answer.item);
    }
    Ok(Some(Outcome {
        accepted: outcome.accepted,
        rejected: by_reason,
        refused_by: outcome.refused_by.into_iter().collect(),
    }))
}

/// Explains a reason to the contributor.
pub fn explain(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Malformed => "the submission does not follow the protocol",
        RejectReason::WrongJob => "the submission is for another job or cluster",
        RejectReason::BadSignature => "the submission's signature was not made with its key",
        RejectReason::BadConsent => {
            "the submission does not say that you have agreed to the job: its client did not ask you, or is of another release"
        }
        RejectReason::BadCredential => "the invitation is not one of the job's issuers that is valid until the job closes, or was revoked",
        RejectReason::Unsealable => "more nodes than may be corrupt could not open their part of the submission, nor get it from others",
        RejectReason::DigestMismatch => "more nodes than may be corrupt have parts that are not what its public digests say",
        RejectReason::DuplicateSubmission => "another submission of the same id came first",
        RejectReason::JobClosed => "the submission came after the job was closed",
        RejectReason::NotDelivered => "the coordinator did not deliver the submission to enough nodes",
        RejectReason::KeyConflict => "the name, or one that looks alike, belongs to another key, or the key to another name",
        RejectReason::DuplicateAnswer => "an earlier answer of yours to the item counts",
        RejectReason::ItemFull => "the item had all the answers the job asked for",
        RejectReason::JobFull => "the job had twice the answers it asked for, or all that one contributor may send",
        RejectReason::NoSealingKey => {
            "the submission arrived after more nodes than may be corrupt had destroyed the key that it is sealed to"
        }
        RejectReason::Withdrawn => "you have withdrawn it",
        RejectReason::MalformedAnswer => "the nodes found that the shares are not of a well-formed answer",
    }
}
