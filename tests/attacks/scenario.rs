//! The whole computation of a job with corrupt nodes, and what its outcome must be.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::NetworkError;
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::certificate::{Certificate, OpenedOutputs};
use tacit_protocol::fixtures::{
    ClusterWithKeys, cluster_with_keys, gold_submissions, job, signed_for, submission, submission_list, submission_of_rows,
};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::phase::Phase;
use tacit_protocol::release::{OutputName, Released};
use tacit_protocol::submission::{Header, OpenedSubmission, Submission};
use tacit_protocol::verdict::Verdict;
use tacit_scoring::testing::asked;
use tacit_scoring::{Scored, ScoringError, Submissions};

/// The clusters under attack: number of nodes and threshold.
pub const CLUSTERS: [(usize, usize); 2] = [(3, 1), (5, 2)];

/// What four honest contributors answer to three items of two classes.
const HONEST: [[u32; 3]; 4] = [[0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]];

/// A cluster, a job and its submissions. One submission is malformed, so that a computation goes through every step.
pub struct Scenario {
    pub members: ClusterWithKeys,
    pub job: Job,
    pub submissions: Vec<Submission>,
    opened: Vec<Vec<OpenedSubmission>>,
}

/// The submissions as one node received them.
pub struct NodeInput<'a> {
    pub scenario: &'a Scenario,
    pub me: usize,
    /// For each entry of the list, the index of the scenario's submission that this node was given.
    pub entries: Vec<usize>,
    pub verdicts: Vec<Verdict>,
}

/// A message of an honest run.
#[derive(Debug, Clone)]
pub struct Sent {
    pub step: u32,
    pub phase: Phase,
    pub to: usize,
    pub bytes: Vec<u8>,
}

/// A step at which a node reshares its part of products, and how many products.
pub type ProductsAt = (u32, usize);

/// A step at which a node sends a component of opened values, the component, and its length.
pub type OpeningAt = (u32, usize, usize);

/// The results of all nodes, in node order.
pub type Outcome = Vec<Result<Scored, ScoringError>>;

/// The messages that node `from` sends while `run` runs a program in `world`, by step and receiver.
pub fn sent_in(world: World, from: usize, run: impl FnOnce(&World)) -> Vec<Sent> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    run(&world.intercept(move |wire: Wire<'_>| {
        if wire.from == from {
            log.lock().unwrap().push(Sent {
                step: wire.step.number,
                phase: Phase::from(wire.step.phase),
                to: wire.to,
                bytes: wire.bytes.clone(),
            });
        }
        Fate::Deliver
    }));
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_by_key(|sent| (sent.step, sent.to));
    seen
}

impl Scenario {
    /// Four honest contributors, and one that votes for both classes of two items.
    pub fn new(nodes: usize, threshold: usize) -> Self {
        Self::with_malformed_rows(nodes, threshold, [1, 1, 1, 1])
    }

    /// The same, but the last submission has these numbers in its two rows.
    pub fn with_malformed_rows(nodes: usize, threshold: usize, row_values: [i64; 4]) -> Self {
        let members = cluster_with_keys(nodes, threshold);
        Self::with(members, &HONEST, 0, Some(row_values))
    }

    /// The same without the malformed submission.
    pub fn honest(nodes: usize, threshold: usize) -> Self {
        let members = cluster_with_keys(nodes, threshold);
        Self::with(members, &HONEST, 0, None)
    }

    /// The same without the malformed submission, in a job that pays by gold answers to two of its three items.
    pub fn with_gold(nodes: usize, threshold: usize) -> Self {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(3, 2, 8, PayRule::Gold);
        let mut submissions = answers_of(&members, &job, 0, &HONEST);
        submissions.extend(gold_submissions(&members, &job, &[(0, 1), (2, 0)]));
        Self::of(members, job, submissions)
    }

    /// A scenario in which contributor `first + c` answers class `answers[c][i]` to item `i`. Another `first` gives other contributors
    /// with other randomness.
    pub fn numbered(nodes: usize, threshold: usize, answers: &[[u32; 3]], first: u32) -> Self {
        Self::with(cluster_with_keys(nodes, threshold), answers, first, Some([1, 1, 1, 1]))
    }

    fn with(members: ClusterWithKeys, answers: &[[u32; 3]], first: u32, malformed: Option<[i64; 4]>) -> Self {
        let job = job(3, 2, 8, PayRule::PeerAgreementBeyondChance);
        let mut submissions = answers_of(&members, &job, first, answers);
        submissions.extend(malformed.map(|row_values| malformed_submission(&members, &job, first, row_values)));
        Self::of(members, job, submissions)
    }

    fn of(members: ClusterWithKeys, job: Job, submissions: Vec<Submission>) -> Self {
        let job = signed_for(&members.cluster, &job);
        let opened = (0..members.cluster.nodes().len())
            .map(|node| {
                let open = |submission: &Submission| {
                    let delivery = submission.delivery(node).unwrap();
                    delivery.open(&members.cluster, &job, node, &members.sealing[node]).unwrap()
                };
                submissions.iter().map(open).collect()
            })
            .collect();
        Self {
            members,
            job,
            submissions,
            opened,
        }
    }

    /// The submissions as a node has opened them.
    pub fn opened_by(&self, node: usize) -> &[OpenedSubmission] {
        &self.opened[node]
    }

    pub fn nodes(&self) -> usize {
        self.members.cluster.nodes().len()
    }

    pub fn world(&self) -> World {
        World::new(self.members.cluster.access().clone(), 1)
    }

    /// Runs the whole computation at every node of a world.
    pub fn run(&self, world: &World) -> Outcome {
        let all = |_| (0..self.submissions.len()).collect();
        self.run_with_lists(world, all, all)
    }

    /// The same, but the coordinator gives node `me` the list `list(me)` and the submissions `handed(me)`, both as indices of the
    /// scenario's submissions.
    pub fn run_with_lists(
        &self,
        world: &World,
        list: impl Fn(usize) -> Vec<usize> + Sync,
        handed: impl Fn(usize) -> Vec<usize> + Sync,
    ) -> Outcome {
        let all = submission_list(&self.submissions);
        world.run(|party, network, mut rng| {
            let me = party.me();
            let list: Vec<SubmissionEntry> = list(me).into_iter().map(|entry| all[entry]).collect();
            let entries = handed(me);
            let input = NodeInput {
                scenario: self,
                me,
                verdicts: vec![Verdict::Accepted; entries.len()],
                entries,
            };
            tacit_scoring::run(party, network, &self.members.cluster, &self.job, asked(&list), &input, &mut rng)
        })
    }

    /// The messages that node `from` sends in an honest run, by step and receiver.
    pub fn sent_by(&self, from: usize) -> Vec<Sent> {
        sent_in(self.world(), from, |world| assert!(self.run(world).iter().all(Result::is_ok)))
    }

    /// The steps of an honest run at which `node` sends values that it computed: products that it reshares, and components that it
    /// opens.
    pub fn values_of(&self, node: usize) -> (Vec<ProductsAt>, Vec<OpeningAt>) {
        let (products, openings) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let log = (Arc::clone(&products), Arc::clone(&openings));
        let listener = tamper(move |observed| match observed {
            Observed::Products(step, values) => log.0.lock().unwrap().push((step, values.len())),
            Observed::Opening(step, component, values) => log.1.lock().unwrap().push((step, component, values.len())),
            Observed::Opened(..) | Observed::Words(..) | Observed::OpeningWords(..) | Observed::OpenedWords(..) => {}
        });
        assert!(self.run(&self.world().misbehave(node, listener)).iter().all(Result::is_ok));
        let (products, openings) = (products.lock().unwrap().clone(), openings.lock().unwrap().clone());
        (products, openings)
    }

    /// The steps of a phase at which node 0 reshares products.
    pub fn products_in(&self, phase: Phase) -> Vec<ProductsAt> {
        let sent = self.sent_by(0);
        let in_phase = |step: u32| sent.iter().any(|sent| (sent.step, sent.phase) == (step, phase));
        let (products, _) = self.values_of(0);
        products.into_iter().filter(|(step, _)| in_phase(*step)).collect()
    }

    /// The result that is published for an outcome; `None` if none can be.
    pub fn published(&self, outcome: &Outcome) -> Option<OpenedOutputs> {
        let list = submission_list(&self.submissions);
        let scored: Vec<&Scored> = outcome.iter().map(|one| one.as_ref().ok()).collect::<Option<_>>()?;
        let accepted = AcceptedSet::assemble(&self.job, &list, &scored[0].verdicts, |i| Some(&self.submissions[i].header.value)).ok()?;
        let released: Vec<Released> = (0..)
            .zip(scored)
            .map(|(me, scored)| {
                Released::new(
                    scored.subject.clone(),
                    me,
                    &scored.outputs,
                    scored.records,
                    &self.members.identities[usize::from(me)],
                )
            })
            .collect();
        let cluster = &self.members.cluster;
        let certified = Certificate::assemble(cluster, &self.job, accepted.facts(), released).ok()?;
        let opened = certified.certificate().verify(cluster).ok()?;
        assert_eq!(
            &opened,
            certified.opened(),
            "who assembles a certificate sees what anyone sees in it"
        );
        Some(opened)
    }

    /// The outputs of the honest run.
    pub fn truth(&self) -> Vec<(OutputName, Vec<Fp61>)> {
        Self::numbers(&self.published(&self.run(&self.world())).unwrap())
    }

    pub fn numbers(opened: &OpenedOutputs) -> Vec<(OutputName, Vec<Fp61>)> {
        opened.iter().map(|(name, elements)| (name, elements.to_vec())).collect()
    }
}

impl Submissions for NodeInput<'_> {
    fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        Some(&self.scenario.submissions[self.entries[entry]].header.value)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        Some(self.scenario.opened[self.me][self.entries[entry]].clone())
    }

    fn permits(&self, _: &tacit_protocol::accepted::PublicFacts) -> bool {
        true
    }

    fn record_release(&self, _: &Digest) -> bool {
        true
    }

    fn noise_keys(&self, _: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        Ok(None)
    }

    fn store_noise_keys(&self, _: &StoredKeys) -> bool {
        true
    }
}

/// The submissions of contributors `first`, `first + 1` and so on: their classes for items 0, 1 and 2.
fn answers_of(members: &ClusterWithKeys, job: &Job, first: u32, answers: &[[u32; 3]]) -> Vec<Submission> {
    (first..)
        .zip(answers)
        .map(|(c, [a, b, d])| submission(members, job, c, &[(0, *a), (1, *b), (2, *d)]))
        .collect()
}

/// A submission of two rows with these numbers.
fn malformed_submission(members: &ClusterWithKeys, job: &Job, first: u32, row_values: [i64; 4]) -> Submission {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(first) + 99);
    let key = SecretKey::generate(&mut rng);
    let elements = row_values.map(Fp61::from_i64);
    submission_of_rows(&members.cluster, job, "malformed", &key, vec![0, 1], &elements, &mut rng)
}

/// A node that follows the protocol, except that `tamper` changes its values.
pub fn tamper(tamper: impl Fn(Observed<'_>) + Send + Sync + 'static) -> Misbehaviour {
    Misbehaviour {
        tamper: Some(Arc::new(tamper)),
        ..Misbehaviour::default()
    }
}

/// The first, the middle and the last of `count` indices.
pub fn sample_indices(count: usize) -> BTreeSet<usize> {
    if count == 0 {
        return BTreeSet::new();
    }
    [0, count / 2, count - 1].into_iter().collect()
}

/// Asserts that no honest node releases anything, and that one of them says in which phase it stopped and suspects a corrupt
/// node.
pub fn assert_stopped(outcome: &Outcome, corrupt: NodeSet, attack: &dyn std::fmt::Debug) {
    let honest: Vec<_> = outcome.iter().enumerate().filter(|(node, _)| !corrupt.contains(*node)).collect();
    for (node, result) in &honest {
        assert!(result.is_err(), "{attack:?}: outputs left node {node}");
    }
    let accuses = |error: &SessionError| error.phase().is_some() && error.suspects().iter().any(|node| corrupt.contains(node));
    let accused = honest
        .iter()
        .any(|(_, result)| matches!(result, Err(ScoringError::Session(error)) if accuses(error)));
    assert!(accused, "{attack:?}: nobody names a corrupt node: {outcome:?}");
}

/// Whether an error only says that another node has stopped.
pub fn is_aftermath(error: &ScoringError) -> bool {
    use NetworkError::{Lost, Silent};
    matches!(
        error,
        ScoringError::Session(SessionError::Network {
            source: Lost { .. } | Silent { .. },
            ..
        })
    )
}
