//! What the coordinator asks all participants of a computation.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::{SubmissionEntry, list_digest};
use tacit_protocol::receipt::SaltSeed;

/// What the coordinator asks all participants to compute of.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The submissions, in the order in which they count.
    pub list: &'a [SubmissionEntry],
    /// What the salts of contributors' records follow from.
    pub salts: &'a SaltSeed,
}

impl Asked<'_> {
    /// What the participants compare, so that none was asked something else.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(
            "tacit/v1 asked",
            &[list_digest(self.list).as_bytes(), self.salts.digest().as_bytes()],
        )
    }
}
