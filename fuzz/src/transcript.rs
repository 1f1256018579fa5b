//! A recorded run of all nodes: what node 0 receives and what every node releases.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use tacit_mpc_core::network::Network;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::control::Computed;
use tacit_protocol::release::Released;
use tacit_scoring::report::Report;
use tacit_scoring::testing::{TestSubmissions, asked};
use tacit_scoring::{Scored, ScoringError};

use crate::fixture::{FIXTURE, Fixture, NODES, randomness};

/// A recorded run.
pub struct Transcript {
    /// The coordinator's list.
    pub list: Vec<SubmissionEntry>,
    /// The messages that node 0 receives, by step and sender.
    pub received: BTreeMap<(u32, usize), Vec<u8>>,
    /// The reply of each node to the coordinator.
    pub computed: Vec<Computed>,
    /// The accepted set.
    pub accepted: AcceptedSet,
    /// The certificate that the computation leads to.
    pub certificate: Certificate,
    /// The result that the certificate certifies.
    pub report: Report,
}

/// A run on honest submissions.
pub static HONEST: LazyLock<Transcript> = LazyLock::new(|| Transcript::record(&FIXTURE, 3));

/// A run in which a malformed submission has to be found.
pub static WITH_MALFORMED: LazyLock<Transcript> = LazyLock::new(|| Transcript::record(&FIXTURE, 4));

/// The whole computation at one node, on its submissions of a list.
pub fn compute<N: Network>(
    fixture: &Fixture,
    me: usize,
    list: &[SubmissionEntry],
    participants: NodeSet,
    network: N,
) -> Result<Scored, ScoringError> {
    let party = Party::new(fixture.members.cluster.access(), participants, me).map_err(|error| ScoringError::Session(error.into()))?;
    let submissions = TestSubmissions::look_up(&fixture.members, &fixture.job, me, &fixture.submissions, list);
    let mut rng = randomness(100 + me as u8);
    tacit_scoring::run(
        party,
        network,
        &fixture.members.cluster,
        &fixture.job,
        asked(list),
        &submissions,
        &mut rng,
    )
}

impl Transcript {
    fn record(fixture: &Fixture, submissions: usize) -> Self {
        let list = fixture.list(submissions);
        let received = Arc::new(Mutex::new(BTreeMap::new()));
        let record = Arc::clone(&received);
        let world = World::new(fixture.members.cluster.access().clone(), 0).intercept(move |wire: Wire<'_>| {
            if wire.to == 0 {
                let message = ((wire.step.number, wire.from), wire.bytes.clone());
                record.lock().expect("no thread panics").extend([message]);
            }
            Fate::Deliver
        });
        let participants = NodeSet::all(NODES);
        let scored = world.run(|party, network, _| compute(fixture, party.me(), &list, participants, network).expect("an honest run"));
        let verdicts = scored[0].verdicts.clone();
        let headers: Vec<_> = fixture.submissions.iter().map(|submission| &submission.header.value).collect();
        let accepted = AcceptedSet::assemble(&fixture.job, &list, &verdicts, |entry| headers.get(entry).copied()).expect("an accepted set");
        let computed: Vec<Computed> = scored
            .into_iter()
            .enumerate()
            .map(|(me, scored)| Computed {
                verdicts: scored.verdicts,
                rounds: scored.outputs.traffic().rounds,
                bytes_sent: scored.outputs.traffic().sent,
                released: Released::new(
                    scored.subject,
                    me as u8,
                    &scored.outputs,
                    scored.records,
                    &fixture.members.identities[me],
                ),
            })
            .collect();
        let released: Vec<Released> = computed.iter().map(|one| one.released.clone()).collect();
        let certificate = Certificate::assemble(&fixture.members.cluster, &fixture.job, accepted.facts(), released)
            .expect("a certificate")
            .into_certificate();
        let report = Report::new(&certificate, &fixture.members.cluster).expect("a report");
        let received = received.lock().expect("no thread panics").clone();
        Self {
            list,
            received,
            computed,
            accepted,
            certificate,
            report,
        }
    }
}
