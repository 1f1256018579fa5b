//! Submissions: a contributor's answers to items of a job, or a part of the buyer's gold answers. A submission is a public
//! header, the contributor's signature on it, and one sealed envelope for each node.

use tacit_mpc_core::field::{Field, Fp61};

#[cfg(feature = "aws-lc")]
mod at_rest;
pub(crate) mod create;
mod delivery;
pub(crate) mod envelope;
pub mod gold;
mod header;
mod opened;
pub mod quota;
mod supply;

pub use create::{Submission, SubmissionError};
pub use delivery::Delivery;
pub use header::{Header, Role, Statement, Subject, SubmissionId};
pub use opened::OpenedSubmission;
pub use supply::Gathering;

/// The most field elements, rows × width, of one submission: one component in full is 1 MiB.
pub const MAX_ELEMENTS: usize = 1 << 17;

/// The largest encoded submission, all envelopes included.
pub const MAX_SUBMISSION_BYTES: usize = 8 << 20;

/// More than any encoded signed header has, whatever the job: four bytes for each item.
pub const MAX_HEADER_BYTES: usize = 4 * MAX_ELEMENTS + (1 << 16);

/// The largest envelope for one node.
pub const MAX_ENVELOPE_BYTES: usize = MAX_ELEMENTS * Fp61::BYTES + (1 << 14);

/// How many answers one submission may hold if the row of an answer has `width` elements.
pub fn most_answers(width: usize) -> usize {
    MAX_ELEMENTS / width.max(1)
}

#[cfg(test)]
mod credential_tests;
#[cfg(test)]
mod tests;
