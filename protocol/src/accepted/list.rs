//! The coordinator's ordered list of submissions, and what the nodes say of its entries.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use crate::verdict::Verdict;

/// One entry of the coordinator's ordered list of submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionEntry {
    /// The digest of the submission's header.
    pub submission: Digest,
    /// How many answers the submission holds: if it is rejected, that many answers count as rejected.
    pub answers: u32,
}

/// The digest of an ordered list.
pub fn list_digest(list: &[SubmissionEntry]) -> Digest {
    Digest::of("tacit/v1 list", &[&crate::codec::encode(&list)])
}

/// The digest of a list with a verdict on each entry, which says who refuses it. It names the candidates of a computation, and,
/// once the malformed ones are known, its accepted set.
pub fn verdicts_digest(list: &[SubmissionEntry], verdicts: &[Verdict]) -> Digest {
    Digest::of(
        "tacit/v1 verdicts",
        &[list_digest(list).as_bytes(), &crate::codec::encode(&verdicts)],
    )
}

/// The digest of the submissions that the verdicts accept, in order: all that outputs depend on. The reasons why the others
/// were rejected are left out, because they may differ from one attempt to the next.
pub fn accepted_submissions(list: &[SubmissionEntry], verdicts: &[Verdict]) -> Digest {
    let accepted = list.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_accepted());
    let digests: Vec<&[u8]> = accepted.map(|(entry, _)| entry.submission.as_bytes().as_slice()).collect();
    Digest::of("tacit/v1 accepted submissions", &digests)
}
