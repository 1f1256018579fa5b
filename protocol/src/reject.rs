//! The reasons why a submission, or one answer in it, does not count: one closed list for the API, metrics and stores.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a submission, or one answer in it, does not count.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The bytes are not a submission, or the lists in its header do not fit each other or the job.
    Malformed,
    /// The submission is for another job, another cluster, or other terms of the job.
    WrongJob,
    /// The contributor's signature does not verify.
    BadSignature,
    /// The job counts people of its issuers only, and the contributor has no credential of them that is valid until the job closes; or
    /// the issuers have revoked it.
    BadCredential,
    /// The envelope does not open with the node's key.
    Unsealable,
    /// The envelope or its content does not match the digests in the header, or its content is no shares.
    DigestMismatch,
    /// A submission of the same id and key, or the same part of the gold answers, came before.
    DuplicateSubmission,
    /// The submission came after the job was closed.
    JobClosed,
    /// The coordinator lists the submission but has not delivered it to enough nodes.
    NotDelivered,
    /// An earlier submission has the contributor's name with another key, or the key with another name. Where the job names issuers a
    /// person may use several keys, but none of them under a second number.
    KeyConflict,
    /// The contributor has answered the item before. Of one answer.
    DuplicateAnswer,
    /// The item already has as many answers as the job asks for. Of one answer.
    ItemFull,
    /// The shares do not add up to well-formed answers, as the nodes found out on shares.
    MalformedAnswer,
    /// The job already has twice the answers it asks for, or the contributor has sent as many as one may.
    JobFull,
    /// The envelope is sealed to a key that the node has destroyed because its epoch is over, or never had.
    NoSealingKey,
    /// Its contributor has taken it back. No node computes on a list that names such a submission.
    Withdrawn,
    /// The header of a contributor's submission does not carry the digest of what the contributor has agreed to, or that of gold answers
    /// does.
    BadConsent,
}

impl RejectReason {
    /// All reasons, in the order of their codes.
    pub const ALL: [Self; 17] = [
        Self::Malformed,
        Self::WrongJob,
        Self::BadSignature,
        Self::BadCredential,
        Self::Unsealable,
        Self::DigestMismatch,
        Self::DuplicateSubmission,
        Self::JobClosed,
        Self::NotDelivered,
        Self::KeyConflict,
        Self::DuplicateAnswer,
        Self::ItemFull,
        Self::MalformedAnswer,
        Self::JobFull,
        Self::NoSealingKey,
        Self::Withdrawn,
        Self::BadConsent,
    ];

    /// Whether this follows from the header that the list names, so that every node that has the header finds the same.
    pub fn is_of_header(self) -> bool {
        matches!(self, Self::Malformed | Self::WrongJob | Self::BadCredential | Self::BadConsent)
    }

    /// Whether this is about what one node was given, which no other node can check. It counts only if more nodes say so
    /// than may be corrupt.
    pub fn is_private(self) -> bool {
        matches!(
            self,
            Self::Unsealable | Self::DigestMismatch | Self::NotDelivered | Self::NoSealingKey
        )
    }

    /// The name used in the API, metric labels and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongJob => "wrong_job",
            Self::BadSignature => "bad_signature",
            Self::BadCredential => "bad_credential",
            Self::Unsealable => "unsealable",
            Self::DigestMismatch => "digest_mismatch",
            Self::DuplicateSubmission => "duplicate_submission",
            Self::JobClosed => "job_closed",
            Self::NotDelivered => "not_delivered",
            Self::KeyConflict => "key_conflict",
            Self::DuplicateAnswer => "duplicate_answer",
            Self::ItemFull => "item_full",
            Self::MalformedAnswer => "malformed_answer",
            Self::JobFull => "job_full",
            Self::NoSealingKey => "no_sealing_key",
            Self::Withdrawn => "withdrawn",
            Self::BadConsent => "bad_consent",
        }
    }

    /// The code in messages, from 1: there 0 stands for "accepted".
    pub fn code(self) -> u8 {
        self as u8 + 1
    }

    /// The reason that has this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }

    /// The reason that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_round_trip() {
        for reason in RejectReason::ALL {
            assert_eq!(RejectReason::from_code(reason.code()), Some(reason));
            assert_eq!(RejectReason::from_name(reason.name()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
            assert!(!(reason.is_of_header() && reason.is_private()));
        }
        assert_eq!(RejectReason::from_code(0), None);
        assert_eq!(RejectReason::from_code(RejectReason::ALL.len() as u8 + 1), None);
    }
}
