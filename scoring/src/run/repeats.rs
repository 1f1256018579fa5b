//! Submissions that stand in the list a second time, under another header.

use std::collections::HashSet;

use tacit_protocol::accepted::AcceptedSetError;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, SubmissionId};
use tacit_protocol::verdict::Verdict;

/// Rejects accepted entries whose id and key an accepted entry before them has. It follows from the list, so that it does not
/// matter which one came to a node first; and only the owner of the key can use up an id.
pub(super) fn reject_repeats<'h>(
    header_of: impl Fn(usize) -> Option<&'h Header>,
    verdicts: &mut [Verdict],
) -> Result<(), AcceptedSetError> {
    let mut seen: HashSet<(PublicKey, SubmissionId)> = HashSet::with_capacity(verdicts.len());
    for (entry, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.is_accepted()) {
        let statement = &header_of(entry).ok_or(AcceptedSetError::Entry(entry))?.statement;
        if !seen.insert((statement.key, statement.id)) {
            *verdict = Verdict::Rejected(RejectReason::DuplicateSubmission);
        }
    }
    Ok(())
}
