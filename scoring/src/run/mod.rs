//! A job's whole computation at one node: agree on the candidates, make keys, drop malformed
//! submissions, score, verify, record. What is left to the caller is signing and sending.

mod capacity;
mod gold;
mod verdicts;

use rand_core::CryptoRng;

use crate::error::{GoldError, ScoringError};
use crate::input::Input;
use crate::program::score;
use crate::rows::{Answers, Tally, tally};
use crate::validity::{gold_is_well_formed, malformed};
use capacity::{check_list, over_capacity};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, Setup, VerifiedOutputs};
use tacit_mpc_core::sharing::{NodeSet, Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, AcceptedSetError, SubmissionEntry, accepted_submissions, list_digest, verdicts_digest};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, Subject, session_id};
use tacit_protocol::submission::{Header, OpenedSubmission};
use tacit_protocol::verdict::Verdict;
use verdicts::merge_verdicts;

/// What a node brings to a computation.
pub trait Submissions {
    /// What this node says of each entry of the list: 0 where it accepts it, else a reason's code.
    fn verdicts(&self) -> &[Verdict];

    /// The header of an entry this node accepts.
    fn header(&self, entry: usize) -> Option<&Header>;

    /// This node's components of an entry it accepts; `None` if they cannot be opened any more.
    fn open(&self, entry: usize) -> Option<OpenedSubmission>;

    /// Durably records that outputs of the job are about to be released for this set of submissions; false if
    /// they were for another before, or if it cannot be recorded.
    fn record(&self, accepted: &Digest) -> bool;
}

/// A computation that verified.
#[derive(Debug)]
pub struct Scored {
    /// The final verdict on each entry of the list.
    pub verdicts: Vec<Verdict>,
    /// What was computed.
    pub subject: Subject,
    /// The outputs.
    pub outputs: VerifiedOutputs<OutputName>,
}

/// Runs a job's computation. Every participant calls it with the same cluster, job, list and
/// participants, and its own submissions.
pub fn run<N: Network, R: CryptoRng + ?Sized>(
    party: Party,
    network: N,
    cluster: &Cluster,
    job: &Job,
    list: &[SubmissionEntry],
    submissions: &impl Submissions,
    rng: &mut R,
) -> Result<Scored, ScoringError> {
    let question = &job.terms().question;
    let width = question.width();
    let participants = party.present();
    check_list(list)?;
    let mut setup = Setup::new(party.clone(), network);
    let merged = merge_verdicts(&mut setup, party.me(), list_digest(list), submissions.verdicts())?;
    let (mut verdicts, refused_by): (Vec<Verdict>, Vec<NodeSet>) = merged.into_iter().unzip();
    over_capacity(job, list, |entry| submissions.header(entry), &mut verdicts)?;
    gold::not_refused_by_few(job, &party, &refused_by, |entry| submissions.header(entry))?;
    let gold = gold::entries(job, &mut verdicts, |entry| submissions.header(entry))?;
    let candidates = verdicts_digest(list, &verdicts);
    let mut session = setup.into_session(session_id(cluster, job.digest(), candidates, participants), rng)?;

    let entries: Vec<usize> = (0..list.len())
        .filter(|entry| verdicts[*entry].is_accepted() && !gold.contains(entry))
        .collect();
    let answers = open(&entries, submissions)?;
    let expected = |(entry, opened): &(usize, OpenedSubmission)| opened.elements() == list[*entry].answers as usize * width;
    if let Some((entry, _)) = answers.iter().find(|one| !expected(one)) {
        return Err(AcceptedSetError::Entry(*entry).into());
    }
    let answers = Answers::new(&party, width, answers);
    // Assume that all candidates are well-formed, and add up the tally during the check; if some are not, it is added up again
    // below.
    let mut accepted = AcceptedSet::assemble(job, list, &verdicts, |entry| submissions.header(entry))?;
    let mut tallied = Tally::new(&party, &accepted, width);
    let malformed = {
        let mut counted = accepted.submissions().peekable();
        malformed(&mut session, &answers, question.validity(), |entry, rows| {
            if let Some(counted) = counted.next_if(|counted| counted.submission as usize == entry) {
                tallied.add(counted, rows);
            }
        })?
    };
    let tally = if malformed.is_empty() {
        tallied.finish()
    } else {
        drop(tallied);
        for entry in malformed {
            verdicts[entry] = Verdict::Rejected(RejectReason::MalformedAnswer);
        }
        accepted = AcceptedSet::assemble(job, list, &verdicts, |entry| submissions.header(entry))?;
        tally(&party, &accepted, &answers)
    };

    let gold = (!gold.is_empty()).then(|| open(&gold, submissions)).transpose()?;
    let gold = gold.map(|parts| concatenated(&party, &parts));
    if let Some(gold) = &gold
        && !gold_is_well_formed(&mut session, width, question.gold_validity(), gold)?
    {
        // Only now is it known that no node made it look so.
        session.verify(Outputs::<OutputName>::default())?;
        return Err(GoldError::Malformed.into());
    }

    let subject = Subject::new(cluster, job.digest(), candidates, &accepted, participants);
    let record = || submissions.record(&accepted_submissions(list, &verdicts));
    let input = Input::new(&party, job.terms(), accepted, answers, tally, gold);
    let outputs = score(&mut session, input, &record)?;
    let verified = session.verify(outputs)?;
    if !record() {
        return Err(ScoringError::NotRecorded);
    }
    Ok(Scored {
        verdicts,
        subject,
        outputs: verified.recorded()?,
    })
}

/// This node's components of these entries.
fn open(entries: &[usize], submissions: &impl Submissions) -> Result<Vec<(usize, OpenedSubmission)>, ScoringError> {
    let open = |entry: &usize| Ok((*entry, submissions.open(*entry).ok_or(ScoringError::Unopened(*entry))?));
    entries.iter().map(open).collect()
}

/// The rows of all parts, one after the other.
fn concatenated(party: &Party, parts: &[(usize, OpenedSubmission)]) -> Shared<Fp61> {
    Shared::generate(party, |position| {
        let mut rows = Vec::with_capacity(parts.iter().map(|(_, part)| part.elements()).sum());
        parts.iter().for_each(|(_, part)| rows.extend_from_slice(&part.expand(position)));
        rows
    })
}

#[cfg(test)]
mod tests;
