//! Why a submission, or one answer in it, does not count: one closed list for API, metrics and store.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a submission, or one answer in it, does not count.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The bytes are not a submission, or its lists do not fit each other or the job.
    Malformed,
    /// It is for another job, another cluster, or another version of the job.
    WrongJob,
    /// The contributor's signature does not verify.
    BadSignature,
    /// The envelope does not open with this node's key.
    Unsealable,
    /// What the envelope holds is not what the public digests say.
    DigestMismatch,
    /// Another submission of the same id came first.
    DuplicateSubmission,
    /// It came after the job was closed.
    JobClosed,
    /// The coordinator lists it but never delivered it to some node.
    NotDelivered,
    /// The contributor's name is bound to another key by an earlier submission, or the key to
    /// another name.
    KeyConflict,
    /// An earlier answer of the same contributor to the same item counts (one answer).
    DuplicateAnswer,
    /// The item already has as many answers as the job asks for (one answer).
    ItemFull,
    /// Its shares do not add up to well-formed answers; the nodes found out without looking.
    MalformedAnswer,
    /// The job already has twice the answers it asks for, or as many of them from this contributor as one
    /// may send.
    JobFull,
}

impl RejectReason {
    /// All reasons, in the order of their codes.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::WrongJob,
        Self::BadSignature,
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
    ];

    /// Whether a node finds this out by itself, from what it was delivered. The other reasons follow from
    /// the whole list, or from a check that all nodes make together; no node may claim them alone.
    pub fn is_of_one_node(self) -> bool {
        self <= Self::NotDelivered
    }

    /// The name used in the API, metric labels and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongJob => "wrong_job",
            Self::BadSignature => "bad_signature",
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
        }
    }

    /// The wire code: 0 stands for "accepted", so codes begin at 1.
    pub fn code(self) -> u8 {
        self as u8 + 1
    }

    /// The reason of a wire code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }

    /// The reason of a name.
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
        }
        assert_eq!(RejectReason::from_code(0), None);
        assert_eq!(RejectReason::from_code(RejectReason::ALL.len() as u8 + 1), None);
    }
}
