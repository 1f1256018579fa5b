//! What the list of submissions may hold: nobody can make the nodes open and hold more than the job is worth.

use std::collections::{HashMap, HashSet};

use tacit_protocol::accepted::{AcceptedSetError, SubmissionEntry};
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, MAX_ELEMENTS, Role, Subject, quota};
use tacit_protocol::verdict::Verdict;

/// No submission may stand in the list twice, or claim more answers than one can hold: rejected ones are
/// counted by what the list says.
pub(super) fn check_list(list: &[SubmissionEntry]) -> Result<(), AcceptedSetError> {
    let mut seen = HashSet::with_capacity(list.len());
    let fits = |(index, listed): (usize, &SubmissionEntry)| {
        if seen.insert(listed.submission) && listed.answers as usize <= MAX_ELEMENTS {
            Ok(())
        } else {
            Err(AcceptedSetError::Entry(index))
        }
    };
    list.iter().enumerate().try_for_each(fits)
}

/// Rejects submissions beyond the room of the job, and beyond a contributor's share of it, with all keys of one invitation: see [`quota`].
pub(super) fn over_capacity<'h>(
    job: &Job,
    list: &[SubmissionEntry],
    header_of: impl Fn(usize) -> Option<&'h Header>,
    verdicts: &mut [Verdict],
) -> Result<(), AcceptedSetError> {
    let (mut capacity, share) = (quota::room(job), quota::share(job));
    let mut left: HashMap<Subject, u64> = HashMap::new();
    for (entry, (listed, verdict)) in list
        .iter()
        .zip(verdicts)
        .enumerate()
        .filter(|(_, (_, verdict))| verdict.is_accepted())
    {
        let header = header_of(entry).ok_or(AcceptedSetError::Entry(entry))?;
        if Role::of(job, &header.statement.key) == Role::Gold {
            continue;
        }
        let left = left.entry(header.statement.subject()).or_insert(share);
        let answers = u64::from(listed.answers);
        if answers > capacity.min(*left) {
            *verdict = Verdict::Rejected(RejectReason::JobFull);
        } else {
            capacity -= answers;
            *left -= answers;
        }
    }
    Ok(())
}
