//! A job's whole computation at one node: agree on the candidates, make keys, drop malformed
//! submissions, score, verify, record. What is left to the caller is signing and sending.

mod gold;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::statistics::{Answers, Input, Tally, gold_is_well_formed, malformed, score, tally};
use crate::verdicts::merge_verdicts;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, SessionError, Setup, VerifiedOutputs};
use tacit_mpc_core::sharing::{NodeSet, Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, AcceptedSetError, SubmissionEntry, accepted_submissions, list_digest, verdicts_digest};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, Subject, session_id};
use tacit_protocol::submission::{Header, OpenedSubmission, Role};

pub use gold::GoldError;

/// What a node brings to a computation.
pub trait Submissions {
    /// What this node says of each entry of the list: 0 where it accepts it, else a reason's code.
    fn verdicts(&self) -> &[u8];

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
    pub verdicts: Vec<u8>,
    /// What was computed.
    pub subject: Subject,
    /// The outputs.
    pub outputs: VerifiedOutputs<OutputName>,
}

/// Why a computation ends without outputs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScoringError {
    /// The session failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The list does not fit the submissions.
    #[error(transparent)]
    AcceptedSet(#[from] AcceptedSetError),
    /// The job has gold answers to score by, and they cannot be used.
    #[error(transparent)]
    Gold(#[from] GoldError),
    /// An accepted submission does not open any more.
    #[error("entry {0} of the list of submissions was accepted but does not open any more: the store or the sealing key was changed")]
    Unopened(usize),
    /// The node has released the job for another accepted set, or cannot record this one.
    #[error("this accepted set was not recorded: another one was before, or the store failed")]
    NotRecorded,
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
    let classes = job.terms().classes().len();
    let participants = party.present();
    check_list(list)?;
    let mut setup = Setup::new(party.clone(), network);
    let merged = merge_verdicts(&mut setup, party.me(), list_digest(list), submissions.verdicts())?;
    let (mut verdicts, refused_by): (Vec<u8>, Vec<NodeSet>) = merged.into_iter().unzip();
    over_capacity(job, list, submissions, &mut verdicts)?;
    gold::not_refused_by_few(job, &party, &refused_by, |entry| submissions.header(entry))?;
    let gold = gold::entries(job, &mut verdicts, |entry| submissions.header(entry))?;
    let candidates = verdicts_digest(list, &verdicts);
    let mut session = setup.into_session(session_id(cluster, job.digest(), candidates, participants), rng)?;

    let entries: Vec<usize> = (0..list.len())
        .filter(|entry| verdicts[*entry] == 0 && !gold.contains(entry))
        .collect();
    let answers = open(&entries, submissions)?;
    let expected = |(entry, opened): &(usize, OpenedSubmission)| opened.elements() == list[*entry].answers as usize * classes;
    if let Some((entry, _)) = answers.iter().find(|one| !expected(one)) {
        return Err(AcceptedSetError::Entry(*entry).into());
    }
    let answers = Arc::new(Answers::new(&party, classes, answers));
    // Who counts if nobody is malformed: then all answers are tallied while they are looked at.
    let mut crowd = AcceptedSet::assemble(job, list, &verdicts, |entry| submissions.header(entry))?;
    let mut votes = Tally::new(&party, &crowd, classes);
    let culprits = {
        let mut counted = crowd.submissions().peekable();
        malformed(&mut session, &answers, |entry, rows| {
            if let Some(counted) = counted.next_if(|counted| counted.submission as usize == entry) {
                votes.count(counted, rows);
            }
        })?
    };
    let votes = if culprits.is_empty() {
        votes.finish()
    } else {
        drop(votes);
        for entry in culprits {
            verdicts[entry] = RejectReason::MalformedAnswer.code();
        }
        crowd = AcceptedSet::assemble(job, list, &verdicts, |entry| submissions.header(entry))?;
        tally(&party, &crowd, &answers)
    };

    let gold = (!gold.is_empty()).then(|| open(&gold, submissions)).transpose()?;
    let gold = gold.map(|parts| concatenated(&party, &parts));
    if let Some(gold) = &gold
        && !gold_is_well_formed(&mut session, classes, gold)?
    {
        // Only now is it known that no node made it look so.
        session.verify(Outputs::<OutputName>::default())?;
        return Err(GoldError::Malformed.into());
    }

    let subject = Subject::new(cluster, job.digest(), candidates, &crowd, participants);
    let record = || submissions.record(&accepted_submissions(list, &verdicts));
    let input = Input {
        crowd: Arc::new(crowd),
        answers,
        tally: votes,
        gold,
    };
    let outputs = score(&mut session, job.terms(), input, record)?.ok_or(ScoringError::NotRecorded)?;
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

/// No submission may stand in the list twice, or claim more answers than one can hold: rejected ones are
/// counted by what the list says.
fn check_list(list: &[SubmissionEntry]) -> Result<(), AcceptedSetError> {
    let mut seen = HashSet::with_capacity(list.len());
    let fits = |(index, listed): (usize, &SubmissionEntry)| {
        if seen.insert(listed.submission) && listed.answers as usize <= tacit_protocol::submission::MAX_ELEMENTS {
            Ok(())
        } else {
            Err(AcceptedSetError::Entry(index))
        }
    };
    list.iter().enumerate().try_for_each(fits)
}

/// Rejects submissions beyond twice the answers the job asks for: repeats have room, nobody can make the
/// nodes open and hold more than the job is worth. Nor can one contributor take the room of the others: it
/// has an equal share for each answer an item asks for, and never more than half.
fn over_capacity(job: &Job, list: &[SubmissionEntry], submissions: &impl Submissions, verdicts: &mut [u8]) -> Result<(), AcceptedSetError> {
    let per_item = u64::from(job.terms().answers_per_item);
    let mut room = 2 * job.items().len() as u64 * per_item + tacit_protocol::submission::MAX_ELEMENTS as u64;
    let share = room / per_item.max(2);
    let mut left: HashMap<PublicKey, u64> = HashMap::new();
    for (entry, (listed, verdict)) in list.iter().zip(verdicts).enumerate().filter(|(_, (_, verdict))| **verdict == 0) {
        let header = submissions.header(entry).ok_or(AcceptedSetError::Entry(entry))?;
        if Role::of(job, &header.statement.key) == Role::Gold {
            continue;
        }
        let left = left.entry(header.statement.key).or_insert(share);
        let answers = u64::from(listed.answers);
        if answers > room.min(*left) {
            *verdict = RejectReason::JobFull.code();
        } else {
            room -= answers;
            *left -= answers;
        }
    }
    Ok(())
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
