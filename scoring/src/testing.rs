//! Whole computations in the in-memory world.

// A test that cannot set itself up has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::World;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::fixtures::{ClusterWithKeys, submission_list};
use tacit_protocol::job::Job;
use tacit_protocol::release::Released;
use tacit_protocol::submission::{Header, OpenedSubmission, Submission};

use crate::error::ScoringError;
use crate::report::Report;
use crate::run::{self, Scored, Submissions};

/// One node's submissions.
pub struct TestSubmissions<'a> {
    /// The cluster with its keys.
    pub members: &'a ClusterWithKeys,
    /// The job.
    pub job: &'a Job,
    /// The node's index.
    pub me: usize,
    /// All submissions, in the order of the list.
    pub submissions: &'a [Submission],
    /// What the node says of each.
    pub verdicts: Vec<u8>,
}

impl Submissions for TestSubmissions<'_> {
    fn verdicts(&self) -> &[u8] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        Some(&self.submissions[entry].header.value)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        let ClusterWithKeys { cluster, sealing, .. } = self.members;
        self.submissions[entry]
            .delivery(self.me)?
            .open(cluster, self.job, self.me, &sealing[self.me])
            .ok()
    }

    fn record(&self, _: &Digest) -> bool {
        true
    }
}

/// Runs the whole computation at every participant of `world`.
pub fn run_nodes(world: &World, members: &ClusterWithKeys, job: &Job, submissions: &[Submission]) -> Vec<Result<Scored, ScoringError>> {
    let list = submission_list(submissions);
    world.run(|party, network, mut rng| {
        let own = TestSubmissions {
            members,
            job,
            me: party.me(),
            submissions,
            verdicts: vec![0; list.len()],
        };
        run::run(party, network, &members.cluster, job, &list, &own, &mut rng)
    })
}

/// Runs the computation and publishes its result.
pub fn run_to_certificate(members: &ClusterWithKeys, present: NodeSet, job: &Job, submissions: &[Submission]) -> (Certificate, Report) {
    let world = World::new(members.cluster.access().clone(), 1).present(present);
    let scored: Vec<Scored> = run_nodes(&world, members, job, submissions)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let crowd = AcceptedSet::assemble(job, &submission_list(submissions), &scored[0].verdicts, |i| {
        Some(&submissions[i].header.value)
    })
    .unwrap();
    let released: Vec<Released> = present
        .iter()
        .zip(scored)
        .map(|(me, scored)| Released::new(scored.subject, me as u8, &scored.outputs, &members.identities[me]))
        .collect();
    let certificate = Certificate::assemble(&members.cluster, job, crowd.facts(), released)
        .unwrap()
        .into_certificate();
    let report = Report::new(&certificate, &members.cluster).unwrap();
    (certificate, report)
}
