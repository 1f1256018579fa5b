//! A cluster of three nodes with its keys, a job, and submissions to it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::cluster::{Cluster, ClusterFile, CoordinatorEntry, NodeEntry};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Gold, Item, Job, JobSpec, PayRule, Payout};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::submission::{Header, OpenedSubmission, Submission};
use tacit_protocol::versions::PROTOCOL_VERSIONS;
use tacit_scoring::Submissions;

use crate::forge::Forgery;

/// The cluster and all that belongs to it.
pub struct Bench {
    /// The text of the cluster file.
    pub file: String,
    /// The cluster.
    pub cluster: Cluster,
    /// The nodes' keys, then the coordinator's.
    pub identities: Vec<SecretKey>,
    /// The nodes' sealing keys, one of them hybrid.
    pub sealing: Vec<UnsealingKey>,
    /// A contributor's key; the fuzzer has it too.
    pub contributor: SecretKey,
    /// A job that releases everything.
    pub job: Job,
    /// Its spec.
    pub spec: JobSpec,
    /// The same job with gold answers; the fuzzer has their key, the contributor's.
    pub gold_job: Job,
    /// The gold answers to it.
    pub gold: Submission,
    /// Honest submissions and, last, one whose shares are not of an answer.
    pub submissions: Vec<Submission>,
}

/// How many nodes the cluster has.
pub const NODES: usize = 3;

/// The one cluster.
pub static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

/// Randomness that is the same in every run.
pub fn randomness(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

impl Bench {
    fn new() -> Self {
        let mut rng = randomness(7);
        let identities: Vec<SecretKey> = (0..=NODES).map(|_| SecretKey::generate(&mut rng)).collect();
        // Sealing with X-Wing draws from the system as well: then no input would mean the same in another run.
        let suites = [Suite::X25519; 3];
        let sealing: Vec<UnsealingKey> = suites.map(|suite| UnsealingKey::generate(suite, &mut rng)).into();
        let entry = |i: usize| NodeEntry {
            name: format!("node-{i}"),
            operator: "fuzz".to_owned(),
            address: format!("localhost:{}", 1000 + i),
            identity: identities[i].public(),
            sealing: sealing[i].public(),
        };
        let file = ClusterFile {
            protocol: PROTOCOL_VERSIONS.max,
            name: "fuzz".to_owned(),
            threshold: 1,
            coordinator: CoordinatorEntry {
                url: "http://localhost:1".to_owned(),
                identity: identities[NODES].public(),
            },
            nodes: (0..NODES).map(entry).collect(),
        };
        let file = toml::to_string(&file).expect("a cluster file");
        let cluster = Cluster::parse(file.as_bytes()).expect("a cluster");
        let spec = spec();
        let job = Job::new("job".parse().expect("an id"), spec.clone()).expect("a job");
        let contributor = SecretKey::generate(&mut rng);
        let with_gold = JobSpec {
            gold: Some(Gold { key: contributor.public() }),
            ..spec.clone()
        };
        let gold_job = Job::new(job.id().clone(), with_gold).expect("a job with gold");
        let gold = Submission::create_gold(&cluster, &gold_job, &contributor, &[(1, Answer::Class(0))], 0, &mut randomness(8))
            .expect("gold answers");
        let mut submissions: Vec<Submission> = [(0, 1), (1, 1), (0, 0)]
            .into_iter()
            .enumerate()
            .map(|(who, (first, second))| {
                let key = SecretKey::generate(&mut rng);
                let answers = [(0, Answer::Class(first)), (1, Answer::Class(second))];
                Submission::create(&cluster, &job, &format!("c{who}"), &key, &answers, &mut rng).expect("a submission")
            })
            .collect();
        let malformed = Forgery::sharing(&cluster, vec![1], &[2, 5], &mut rng);
        submissions.push(malformed.seal(&cluster, NodeSet::all(NODES), &job, &contributor, &mut rng));
        Self {
            file,
            cluster,
            identities,
            sealing,
            contributor,
            job,
            spec,
            gold_job,
            gold,
            submissions,
        }
    }

    /// The coordinator's list of the first `count` submissions.
    pub fn list(&self, count: usize) -> Vec<SubmissionEntry> {
        let listed = |submission: &Submission| SubmissionEntry {
            submission: submission.header.value.digest(),
            answers: submission.header.value.statement.items.len() as u32,
        };
        self.submissions[..count].iter().map(listed).collect()
    }
}

fn spec() -> JobSpec {
    JobSpec {
        answers_per_item: 3,
        closes_at: Some("2999-01-01T00:00:00Z".to_owned()),
        sensitive: false,
        release: BTreeSet::from([Release::Agreement, Release::ClassTotals, Release::Scores, Release::Payouts]),
        payout: Some(Payout {
            rule: PayRule::PeerAgreementBeyondChance,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 10_000,
            budget: 1_000_000,
        }),
        ..JobSpec::new(
            "fuzz",
            Categorical {
                text: Some("a or b?".to_owned()),
                ..Categorical::new(["a", "b"])
            },
            ["first", "second"].map(Item::new),
        )
    }
}

/// What one node kept of the bench's submissions, as far as a list names them.
pub struct Kept<'a> {
    bench: &'a Bench,
    node: usize,
    entries: Vec<Option<&'a Submission>>,
    verdicts: Vec<u8>,
}

impl<'a> Kept<'a> {
    /// Looks up a list, as a node does.
    pub fn look_up(bench: &'a Bench, node: usize, list: &[SubmissionEntry]) -> Self {
        let find = |listed: &SubmissionEntry| bench.submissions.iter().find(|s| s.header.value.digest() == listed.submission);
        let entries: Vec<_> = list.iter().map(find).collect();
        let verdict = |(entry, listed): (&Option<&Submission>, &SubmissionEntry)| match entry {
            None => RejectReason::NotDelivered.code(),
            Some(submission) if submission.header.value.statement.items.len() != listed.answers as usize => RejectReason::Malformed.code(),
            Some(_) => 0,
        };
        let verdicts = entries.iter().zip(list).map(verdict).collect();
        Self {
            bench,
            node,
            entries,
            verdicts,
        }
    }
}

impl Submissions for Kept<'_> {
    fn verdicts(&self) -> &[u8] {
        &self.verdicts
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        (*self.entries.get(entry)?).map(|submission| &submission.header.value)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        let delivery = (*self.entries.get(entry)?)?.delivery(self.node)?;
        let Bench { cluster, job, sealing, .. } = self.bench;
        delivery.open(cluster, job, self.node, &sealing[self.node]).ok()
    }

    fn record(&self, _: &Digest) -> bool {
        true
    }
}
