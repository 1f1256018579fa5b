//! The entries of the list that are the buyer's gold answers.

use tacit_protocol::accepted::AcceptedSetError;
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, Role, gold};
use tacit_protocol::verdict::Verdict;

use crate::error::{GoldError, ScoringError};

/// The entries that are gold answers, in the order of their parts; none if the job has no gold. If two entries hold the same part,
/// the first one counts. All nodes get the same result, because it follows from the list and the merged verdicts.
pub(super) fn entries<'h>(
    job: &Job,
    verdicts: &mut [Verdict],
    header: impl Fn(usize) -> Option<&'h Header>,
) -> Result<Vec<usize>, ScoringError> {
    if !job.terms().scores_gold() {
        return Ok(Vec::new());
    }
    let mut found = vec![None; gold::parts(job)];
    for (entry, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.is_accepted()) {
        let statement = &header(entry).ok_or(AcceptedSetError::Entry(entry))?.statement;
        if Role::of(job, &statement.key) != Role::Gold {
            continue;
        }
        match gold::part_of(job, &statement.items).and_then(|part| found.get_mut(part)) {
            Some(place @ None) => *place = Some(entry),
            Some(Some(_)) => *verdict = Verdict::Rejected(RejectReason::DuplicateSubmission),
            None => *verdict = Verdict::Rejected(RejectReason::Malformed),
        }
    }
    let parts = found.len();
    let part = |(index, entry): (usize, Option<usize>)| entry.ok_or(GoldError::Missing { part: index + 1, parts });
    Ok(found.into_iter().enumerate().map(part).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
