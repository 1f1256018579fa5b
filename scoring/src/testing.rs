//! Whole computations in the in-memory world.

// A test that cannot set itself up has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

use std::collections::HashMap;
use std::sync::Mutex;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::{AccessStructure, NodeSet, Party};
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_mpc_core::testing::World;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{ClusterWithKeys, signed_for, submission_list};
use tacit_protocol::job::Job;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::Released;
use tacit_protocol::submission::{Header, OpenedSubmission, Submission};
use tacit_protocol::verdict::Verdict;
use zeroize::Zeroizing;

use crate::asked::Asked;
use crate::error::ScoringError;
use crate::report::Report;
use crate::run::{self, Scored};
use crate::submissions::Submissions;

/// The seed of the salts in computations in memory.
pub const SALTS: SaltSeed = SaltSeed::from_bytes([7; 32]);

/// The request to compute of a list, with those salts.
pub fn asked(list: &[SubmissionEntry]) -> Asked<'_> {
    Asked { list, salts: &SALTS }
}

/// What one node has recorded of a job, in memory, by the rules of a node's store.
#[derive(Debug, Default)]
pub struct TestRecord(Mutex<Stored>);

#[derive(Debug, Default)]
struct Stored {
    keys: Option<Zeroizing<Vec<u8>>>,
    accepted: Option<Digest>,
}

impl TestRecord {
    /// Whether a release is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.lock().unwrap().accepted.is_some()
    }

    /// The keys of the noise at node `me`.
    pub fn keys(&self, access: &AccessStructure, me: usize) -> Option<StoredKeys> {
        let record = self.0.lock().unwrap();
        record.keys.as_ref().map(|bytes| StoredKeys::from_bytes(access, me, bytes).unwrap())
    }

    /// Forgets that a release is recorded, and keeps the keys: a computation was cut off before.
    pub fn unrecord(&self) {
        self.0.lock().unwrap().accepted = None;
    }

    fn record_release(&self, accepted: &Digest) -> bool {
        self.0.lock().unwrap().accepted.get_or_insert(*accepted) == accepted
    }

    fn store_noise_keys(&self, keys: &StoredKeys) -> bool {
        let mut record = self.0.lock().unwrap();
        let bytes = keys.to_bytes();
        if record.accepted.is_some() && record.keys.as_ref() != Some(&bytes) {
            return false;
        }
        record.keys = Some(bytes);
        true
    }
}

/// The submissions that one node has, looked up by the coordinator's list.
pub struct TestSubmissions<'a> {
    members: &'a ClusterWithKeys,
    /// What the node records; nothing lasts if there is none.
    pub record: Option<&'a TestRecord>,
    job: &'a Job,
    me: usize,
    /// The submission of each entry of the list, if the node has it.
    entries: Vec<Option<&'a Submission>>,
    /// The node's verdict on each entry.
    pub verdicts: Vec<Verdict>,
}

impl<'a> TestSubmissions<'a> {
    /// Looks up the entries of a list among submissions, as a node does: an entry is refused if there is no such submission or if the
    /// list states another number of answers.
    pub fn look_up(members: &'a ClusterWithKeys, job: &'a Job, me: usize, submissions: &'a [Submission], list: &[SubmissionEntry]) -> Self {
        let by_digest: HashMap<Digest, &Submission> = submissions.iter().map(|one| (one.header.value.digest(), one)).collect();
        let entries: Vec<_> = list.iter().map(|entry| by_digest.get(&entry.submission).copied()).collect();
        let verdict = |(found, entry): (&Option<&Submission>, &SubmissionEntry)| match found {
            None => Verdict::Rejected(RejectReason::NotDelivered),
            Some(found) if found.header.value.statement.items.len() != entry.answers as usize => Verdict::Rejected(RejectReason::Malformed),
            Some(_) => Verdict::Accepted,
        };
        let verdicts = entries.iter().zip(list).map(verdict).collect();
        Self {
            members,
            record: None,
            job,
            me,
            entries,
            verdicts,
        }
    }
}

impl Submissions for TestSubmissions<'_> {
    fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        (*self.entries.get(entry)?).map(|submission| &submission.header.value)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        let ClusterWithKeys { cluster, sealing, .. } = self.members;
        let delivery = (*self.entries.get(entry)?)?.delivery(self.me)?;
        delivery.open(cluster, self.job, self.me, &sealing[self.me]).ok()
    }

    fn permits(&self, _: &tacit_protocol::accepted::PublicFacts) -> bool {
        true
    }

    fn record_release(&self, accepted: &Digest) -> bool {
        self.record.is_none_or(|record| record.record_release(accepted))
    }

    fn noise_keys(&self, party: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        let keys = self.record.and_then(|record| record.keys(party.access(), party.me()));
        let recorded = self.record.is_some_and(TestRecord::is_recorded);
        Ok(keys.map(|keys| OwnKeys { keys, recorded }))
    }

    fn store_noise_keys(&self, keys: &StoredKeys) -> bool {
        self.record.is_none_or(|record| record.store_noise_keys(keys))
    }
}

/// Runs the whole computation at every participant of `world`.
pub fn run_nodes(world: &World, members: &ClusterWithKeys, job: &Job, submissions: &[Submission]) -> Vec<Result<Scored, ScoringError>> {
    run_recording(world, members, job, submissions, &[])
}

/// The same at nodes that have these records, by node; nothing lasts at nodes that have none.
pub fn run_recording(
    world: &World,
    members: &ClusterWithKeys,
    job: &Job,
    submissions: &[Submission],
    records: &[TestRecord],
) -> Vec<Result<Scored, ScoringError>> {
    let list = submission_list(submissions);
    world.run(|party, network, mut rng| {
        let mut own = TestSubmissions::look_up(members, job, party.me(), submissions, &list);
        own.record = records.get(party.me());
        run::run(party, network, &members.cluster, job, asked(&list), &own, &mut rng)
    })
}

/// Runs the computation and publishes its result.
pub fn run_to_certificate(members: &ClusterWithKeys, present: NodeSet, job: &Job, submissions: &[Submission]) -> (Certificate, Report) {
    let world = World::new(members.cluster.access().clone(), 1).present(present);
    publish(members, present, job, submissions, run_nodes(&world, members, job, submissions)).unwrap()
}

/// Publishes the result of these participants.
///
/// # Errors
/// Their copies do not make a certificate.
pub fn publish(
    members: &ClusterWithKeys,
    present: NodeSet,
    job: &Job,
    submissions: &[Submission],
    results: Vec<Result<Scored, ScoringError>>,
) -> Result<(Certificate, Report), CertificateError> {
    let scored: Vec<Scored> = results.into_iter().map(Result::unwrap).collect();
    let accepted = AcceptedSet::assemble(job, &submission_list(submissions), &scored[0].verdicts, |i| {
        Some(&submissions[i].header.value)
    })
    .unwrap();
    let released: Vec<Released> = present
        .iter()
        .zip(scored)
        .map(|(me, scored)| Released::new(scored.subject, me as u8, &scored.outputs, scored.records, &members.identities[me]))
        .collect();
    let certificate =
        Certificate::assemble(&members.cluster, &signed_for(&members.cluster, job), accepted.facts(), released)?.into_certificate();
    let report = Report::new(&certificate, &members.cluster)?;
    Ok((certificate, report))
}
