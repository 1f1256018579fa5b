//! A job's whole computation at one node: agree on the candidates, make keys, drop malformed
//! submissions, score, verify, record. What is left to the caller is signing and sending.

mod capacity;
mod gold;
mod repeats;
mod verdicts;

use rand_core::CryptoRng;

use crate::asked::Asked;
use crate::error::{GoldError, ScoringError};
use crate::input::Input;
use crate::noise::{Noise, Recorder};
use crate::program::score;
use crate::records::with_pay;
use crate::rows::{Answers, Tally, tally};
use crate::submissions::Submissions;
use crate::validity::{gold_is_well_formed, malformed};
use capacity::{check_list, over_capacity};
use repeats::reject_repeats;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Output, Session, Setup, VerifiedOutputs};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, AcceptedSetError, SubmissionEntry, accepted_submissions, verdicts_digest};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::Job;
use tacit_protocol::receipt::{ReceiptRoot, Record, RecordTree};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::{OutputName, Subject, session_id};
use tacit_protocol::submission::OpenedSubmission;
use tacit_protocol::verdict::Verdict;
use verdicts::merge_verdicts;

/// A computation that verified.
#[derive(Debug)]
pub struct Scored {
    /// The final verdict on each entry, in the order of the list.
    pub verdicts: Vec<Verdict>,
    /// What the outputs are about: job, candidates, accepted set and participants, the same at every node.
    pub subject: Subject,
    /// The outputs that the job opens, which every participant has recorded and may now sign.
    pub outputs: VerifiedOutputs<OutputName>,
    /// The tree of contributors' records, of which every participant signs the root.
    pub records: ReceiptRoot,
}

/// Runs a job's computation. Every participant calls it with the same cluster, job, list, seed and
/// participants, and its own submissions.
///
/// # Errors
/// * [`ScoringError::AcceptedSet`]: the list repeats an entry, or does not match the submissions.
/// * [`ScoringError::Unopened`]: this node's store fails.
/// * [`ScoringError::NotPermitted`]: this node's operator wants more answers or contributors.
/// * [`ScoringError::NotRecorded`]: this node has recorded another accepted set for the job, or its store fails.
/// * [`ScoringError::NotComputed`], [`ScoringError::Records`]: the program has a defect.
/// * [`ScoringError::Gold`]: the job cannot be scored because of the buyer's gold answers.
/// * [`ScoringError::Disputed`]: no more nodes than may be corrupt refuse submissions that the others hold.
/// * [`ScoringError::Session`]: a round failed or a node deviates.
///
/// With any of them no output leaves this node.
pub fn run<N: Network, R: CryptoRng + ?Sized>(
    party: Party,
    network: N,
    cluster: &Cluster,
    job: &Job,
    asked: Asked<'_>,
    submissions: &impl Submissions,
    rng: &mut R,
) -> Result<Scored, ScoringError> {
    let Asked { list, salts } = asked;
    let participants = party.present();
    let mut setup = Setup::new(party.clone(), network);
    let Candidates {
        mut verdicts,
        answer_entries,
        gold_entries,
    } = agree_on_candidates(&mut setup, &party, job, asked, submissions)?;
    let candidates = verdicts_digest(list, &verdicts);
    let mut session = setup.into_session(session_id(cluster, job.digest(), candidates, participants), rng)?;

    let answers = open_answers(&party, job, list, &answer_entries, submissions)?;
    let (accepted, tally) = accept_well_formed(&mut session, job, list, &mut verdicts, &answers, submissions)?;
    if !submissions.permits(accepted.facts()) {
        return Err(ScoringError::NotPermitted);
    }
    let gold_rows = checked_gold(&mut session, job, &gold_entries, submissions)?;

    let subject = Subject::new(cluster, job.digest(), candidates, &accepted, participants);
    let opens = OutputName::of_job(job.terms(), accepted.facts());
    let contributors = accepted.facts().contributors.len();
    let records = Record::without_pay(list, &accepted);
    let noise = Noise::of_job(job.terms(), accepted.facts());
    let recorder = Recorder::new(submissions, accepted_submissions(list, &verdicts), noise);
    let input = Input::new(&party, job.terms(), accepted, answers, tally, gold_rows);
    let outputs = score(&mut session, input, &recorder)?;
    let verified = session.verify(outputs)?;
    recorder.record_set()?;
    let outputs = verified.recorded()?;
    let records = with_pay(job.terms(), records, &opens, |name| opened(&outputs, name));
    let tree = RecordTree::new(salts, records.map_err(ScoringError::Records)?);
    Ok(Scored {
        verdicts,
        subject,
        outputs,
        records: ReceiptRoot::new(&tree, contributors),
    })
}

/// The elements of an output that the participants have opened among themselves.
fn opened(outputs: &VerifiedOutputs<OutputName>, name: OutputName) -> Option<&[Fp61]> {
    outputs.outputs().find_map(|(of, output)| match output {
        Output::Opened(values) if *of == name => Some(values),
        _ => None,
    })
}

/// The submissions that every participant can use.
struct Candidates {
    /// The verdict on each entry of the list.
    verdicts: Vec<Verdict>,
    /// The accepted entries that hold contributors' answers, ascending.
    answer_entries: Vec<usize>,
    /// The accepted entries that hold the buyer's gold answers, in the order of their parts; none if the job has no gold.
    gold_entries: Vec<usize>,
}

/// Exchanges verdicts with the participants and works out the candidates. Two rounds.
fn agree_on_candidates<N: Network>(
    setup: &mut Setup<N>,
    party: &Party,
    job: &Job,
    asked: Asked<'_>,
    submissions: &impl Submissions,
) -> Result<Candidates, ScoringError> {
    let list = asked.list;
    check_list(list)?;
    let header_of = |entry: usize| submissions.header(entry);
    let mut verdicts = merge_verdicts(setup, party, asked, submissions.verdicts())?;
    reject_repeats(header_of, &mut verdicts)?;
    over_capacity(job, list, header_of, &mut verdicts)?;
    let gold_entries = gold::entries(job, &mut verdicts, header_of)?;
    let is_answers = |entry: &usize| verdicts[*entry].is_accepted() && !gold_entries.contains(entry);
    let answer_entries = (0..list.len()).filter(is_answers).collect();
    Ok(Candidates {
        verdicts,
        answer_entries,
        gold_entries,
    })
}

/// This node's components of the answers of these entries.
fn open_answers(
    party: &Party,
    job: &Job,
    list: &[SubmissionEntry],
    entries: &[usize],
    submissions: &impl Submissions,
) -> Result<Answers, ScoringError> {
    let width = job.terms().question.width();
    let opened = open(entries, submissions)?;
    let fits = |(entry, opened): &(usize, OpenedSubmission)| opened.elements() == list[*entry].answers as usize * width;
    match opened.iter().find(|one| !fits(one)) {
        Some((entry, _)) => Err(AcceptedSetError::Entry(*entry).into()),
        None => Ok(Answers::new(party, width, opened)),
    }
}

/// Rejects the submissions with malformed answers, which are found without looking at them. Returns the accepted set and the
/// tally of the answers that count.
fn accept_well_formed<N: Network>(
    session: &mut Session<N>,
    job: &Job,
    list: &[SubmissionEntry],
    verdicts: &mut [Verdict],
    answers: &Answers,
    submissions: &impl Submissions,
) -> Result<(AcceptedSet, Shared<Fp61>), ScoringError> {
    let party = session.party().clone();
    let assemble = |verdicts: &[Verdict]| AcceptedSet::assemble(job, list, verdicts, |entry| submissions.header(entry));
    // Assume that all candidates are well-formed, and add up the tally during the check; if some are not, it is added up again
    // below.
    let all = assemble(verdicts)?;
    let mut tallied = Tally::new(&party, &all, answers.width());
    let mut counted = all.submissions().peekable();
    let malformed = malformed(session, answers, job.terms().question.validity(), |entry, rows| {
        if let Some(counted) = counted.next_if(|counted| counted.submission as usize == entry) {
            tallied.add(counted, rows);
        }
    })?;
    if malformed.is_empty() {
        drop(counted);
        return Ok((all, tallied.finish()));
    }
    drop(tallied);
    for entry in malformed {
        verdicts[entry] = Verdict::Rejected(RejectReason::MalformedAnswer);
    }
    let accepted = assemble(verdicts)?;
    let tally = tally(&party, &accepted, answers);
    Ok((accepted, tally))
}

/// The rows of the buyer's gold answers, one for each item, after it was found that they are well-formed; `None` if there are no
/// entries.
fn checked_gold<N: Network>(
    session: &mut Session<N>,
    job: &Job,
    entries: &[usize],
    submissions: &impl Submissions,
) -> Result<Option<Shared<Fp61>>, ScoringError> {
    if entries.is_empty() {
        return Ok(None);
    }
    let question = &job.terms().question;
    let rows = concatenated(session.party(), &open(entries, submissions)?);
    if gold_is_well_formed(session, question.width(), question.gold_validity(), &rows)? {
        return Ok(Some(rows));
    }
    // Verify before blaming the buyer: a wrong product could make good gold look malformed.
    session.verify_claims(())?;
    Err(GoldError::Malformed.into())
}

/// This node's components of these entries, each with its index in the list.
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
