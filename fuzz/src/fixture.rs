//! A cluster of three nodes with its keys, a job, and submissions to it.

use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::fixtures::{
    Author, ClusterWithKeys, class_answers, cluster_text, cluster_with_keys, job_of, share, signed_for, spec, submission_list,
    submission_of_rows,
};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Gold, Job, JobSpec, PayRule};
use tacit_protocol::submission::Submission;

use crate::elements;

/// The cluster and everything that belongs to it.
pub struct Fixture {
    /// The cluster with its keys.
    pub members: ClusterWithKeys,
    /// The text of the cluster file.
    pub file: String,
    /// A contributor whose key the fuzzer has too.
    pub contributor: Author,
    /// A job that releases everything except labels.
    pub job: Job,
    /// The spec of the job.
    pub spec: JobSpec,
    /// The same job with gold answers, signed with the contributor's key.
    pub gold_job: Job,
    /// Gold answers to that job.
    pub gold: Submission,
    /// Three honest submissions, then one whose rows are no answers.
    pub submissions: Vec<Submission>,
}

/// How many nodes the cluster has.
pub const NODES: usize = 3;

/// The fixture of all targets.
pub static FIXTURE: LazyLock<Fixture> = LazyLock::new(Fixture::new);

/// Randomness that is the same in every run.
pub fn randomness(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

impl Fixture {
    fn new() -> Self {
        let mut rng = randomness(7);
        let members = cluster_with_keys(NODES, 1);
        let file = cluster_text(members.cluster.file());
        let spec = JobSpec {
            closes_at: Some("2999-01-01T00:00:00Z".to_owned()),
            ..spec(2, 2, 3, PayRule::PeerAgreementBeyondChance)
        };
        let job = signed_for(&members.cluster, &job_of("job", spec.clone()).expect("a job"));
        let contributor = Author {
            name: "forger".to_owned(),
            key: SecretKey::generate(&mut rng),
        };
        let with_gold = JobSpec {
            gold: Some(Gold {
                key: contributor.key.public(),
            }),
            ..spec.clone()
        };
        let cluster = &members.cluster;
        let gold_job = signed_for(cluster, &job_of("job", with_gold).expect("a job with gold"));
        let gold = Submission::create_gold(
            cluster,
            &gold_job,
            &contributor.key,
            &class_answers(&[(1, 0)]),
            0,
            &mut randomness(8),
        )
        .expect("gold answers");
        let mut submissions: Vec<Submission> = [(0, 1), (1, 1), (0, 0)]
            .into_iter()
            .enumerate()
            .map(|(who, (first, second))| {
                let key = SecretKey::generate(&mut rng);
                let answers = class_answers(&[(0, first), (1, second)]);
                share(cluster, &job, &format!("c{who}"), &key, &answers, &mut rng).expect("a submission")
            })
            .collect();
        let Author { name, key } = &contributor;
        submissions.push(submission_of_rows(cluster, &job, name, key, vec![1], &elements(&[2, 5]), &mut rng));
        Self {
            members,
            file,
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
        submission_list(&self.submissions[..count])
    }
}
