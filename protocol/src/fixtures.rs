//! What tests of several crates share: a cluster with its keys, jobs, submissions.

// A test that cannot set itself up has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use tacit_mpc_core::field::Fp61;

use crate::accepted::SubmissionEntry;
use crate::certificate::{Certificate, NodeSignature};
use crate::cluster::{Cluster, ClusterFile, CoordinatorEntry, NodeEntry};
use crate::identity::{Purpose, SecretKey};
use crate::job::{Gold, Item, Job, JobSpec, PayRule, Payout};
use crate::question::{Answer, Categorical, Release};
use crate::release::{ReleasedOutput, session_id, statement};
use crate::sealing::{Suite, UnsealingKey};
use crate::submission::{self, Submission};
use crate::versions::PROTOCOL_VERSIONS;

/// A cluster with its keys.
pub struct Members {
    /// The cluster.
    pub cluster: Cluster,
    /// The secret key of each node, then of the coordinator.
    pub identities: Vec<SecretKey>,
    /// The secret sealing key of each node.
    pub sealing: Vec<UnsealingKey>,
}

/// A cluster of `nodes` nodes; the coordinator's key is the last identity.
pub fn members(nodes: usize, threshold: usize) -> Members {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let identities: Vec<SecretKey> = (0..=nodes).map(|_| SecretKey::generate(&mut rng)).collect();
    let sealing: Vec<UnsealingKey> = (0..nodes).map(|_| UnsealingKey::generate(Suite::X25519, &mut rng)).collect();
    let entry = |i: usize| NodeEntry {
        name: format!("node-{i}"),
        operator: "test".to_owned(),
        address: format!("localhost:{}", 1000 + i),
        identity: identities[i].public(),
        sealing: sealing[i].public(),
    };
    let file = ClusterFile {
        protocol: PROTOCOL_VERSIONS.max,
        name: "test".to_owned(),
        threshold,
        coordinator: CoordinatorEntry {
            url: "http://localhost:1".to_owned(),
            identity: identities[nodes].public(),
        },
        nodes: (0..nodes).map(entry).collect(),
    };
    let cluster = Cluster::parse(toml::to_string(&file).unwrap().as_bytes()).unwrap();
    Members {
        cluster,
        identities,
        sealing,
    }
}

/// The buyer's key for gold answers.
pub fn buyer() -> SecretKey {
    SecretKey::from_bytes(&[11; 32])
}

/// Answers to a categorical question: pairs of item index and class index become pairs of item index and answer.
pub fn class_answers(pairs: &[(u32, u32)]) -> Vec<(u32, Answer)> {
    pairs.iter().map(|(item, class)| (*item, Answer::Class(*class))).collect()
}

/// All parts of the buyer's gold answers.
pub fn gold(members: &Members, job: &Job, answers: &[(u32, u32)]) -> Vec<Submission> {
    let mut rng = ChaCha20Rng::seed_from_u64(1 << 40);
    (0..submission::gold::parts(job))
        .map(|part| Submission::create_gold(&members.cluster, job, &buyer(), &class_answers(answers), part, &mut rng).unwrap())
        .collect()
}

/// A job that releases everything, with base and bonus of 20000; with gold where it is paid by that.
pub fn job(items: u32, classes: u32, answers_per_item: u32, rule: PayRule) -> Job {
    let question = Categorical::new((0..classes).map(|k| k.to_string()));
    let spec = JobSpec {
        answers_per_item,
        sensitive: false,
        release: [Release::Agreement, Release::ClassTotals, Release::Scores, Release::Payouts].into(),
        gold: (rule == PayRule::Gold).then(|| Gold { key: buyer().public() }),
        payout: Some(Payout {
            rule,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 20_000,
            budget: 1 << 50,
        }),
        ..JobSpec::new("test", question, (0..items).map(|i| Item::new(format!("i{i}"))))
    };
    Job::new("test".parse().unwrap(), spec).unwrap()
}

/// A contributor's submission, with a key of its own.
pub fn shared(members: &Members, job: &Job, contributor: u32, answers: &[(u32, u32)]) -> Submission {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(contributor));
    let key = SecretKey::generate(&mut rng);
    let mut answers = class_answers(answers);
    answers.sort_unstable();
    Submission::create(&members.cluster, job, &format!("c{contributor:03}"), &key, &answers, &mut rng).unwrap()
}

/// The coordinator's list of submissions.
pub fn listed(submissions: &[Submission]) -> Vec<SubmissionEntry> {
    let of = |submission: &Submission| SubmissionEntry {
        submission: submission.header.value.digest(),
        answers: submission.header.value.statement.items.len() as u32,
    };
    submissions.iter().map(of).collect()
}

/// A certificate that all nodes sign although its numbers are not what a crowd can have.
pub fn signed_by_all(members: &Members, certificate: &Certificate, alter: impl FnOnce(&mut Certificate)) -> Certificate {
    let mut certificate = certificate.clone();
    alter(&mut certificate);
    certificate.subject.job = certificate.terms.digest();
    certificate.subject.facts = certificate.facts.digest();
    let subject = &mut certificate.subject;
    subject.session = session_id(&members.cluster, subject.job, subject.candidates, subject.participants);
    for NodeSignature { node, signature } in &mut certificate.signatures {
        let held = members.cluster.access().held_by(usize::from(*node));
        let outputs: Vec<ReleasedOutput> = certificate.outputs.iter().map(|output| output.part(&held)).collect();
        *signature = members.identities[usize::from(*node)].sign(Purpose::Release, &statement(&certificate.subject, *node, &outputs));
    }
    certificate
}

/// A submission of rows that hold any elements: to show that malformed ones are found.
pub fn of_elements(
    cluster: &Cluster,
    job: &Job,
    contributor: &str,
    key: &SecretKey,
    items: Vec<u32>,
    elements: &[Fp61],
    rng: &mut ChaCha20Rng,
) -> Submission {
    Submission::from_rows(cluster, job, contributor, key, items, elements, rng).unwrap()
}
