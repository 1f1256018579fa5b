//! A sensitive job, who answers it, and what is published of it.

use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, gold_key, issuers, job_of, spec, submission};
use tacit_protocol::job::{Gold, Job, JobError, JobSpec, PayRule};
use tacit_protocol::question::Release;
use tacit_protocol::submission::Submission;
use tacit_scoring::report::Report;
use tacit_scoring::testing::run_to_certificate;

/// How many classes the question has.
pub const CLASSES: u32 = 4;

/// A sensitive job that publishes labels and pay, altered by the attacker.
pub fn job(items: u32, answers_per_item: u32, rule: PayRule, alter: impl FnOnce(&mut JobSpec)) -> Result<Job, JobError> {
    let mut spec = JobSpec {
        sensitive: true,
        issuers: Some(issuers(1)),
        release: [Release::Labels, Release::Payouts].into(),
        gold: (rule == PayRule::Gold).then(|| Gold { key: gold_key().public() }),
        ..spec(items, CLASSES, answers_per_item, rule)
    };
    alter(&mut spec);
    job_of("attacked", spec)
}

/// What contributor `c` answers to an item.
pub fn answer(c: u32, item: u32) -> u32 {
    (c * 7 + item * item + c * item) % CLASSES
}

/// What contributor `c` answers to each of the first items.
pub fn answers(c: u32, items: u32) -> Vec<u32> {
    (0..items).map(|item| answer(c, item)).collect()
}

/// The cluster of all attacks.
pub fn members() -> ClusterWithKeys {
    cluster_with_keys(3, 1)
}

/// One submission for each of the first contributors, with answers to these items.
pub fn crowd(members: &ClusterWithKeys, job: &Job, contributors: u32, items: impl Fn(u32) -> Vec<u32>) -> Vec<Submission> {
    let share = |c: u32| {
        let answers: Vec<(u32, u32)> = items(c).into_iter().map(|item| (item, answer(c, item))).collect();
        submission(members, job, c, &answers)
    };
    (0..contributors).map(share).collect()
}

/// What is published.
pub fn published(members: &ClusterWithKeys, job: &Job, submissions: &[Submission]) -> Report {
    run_to_certificate(members, NodeSet::all(3), job, submissions).1
}

/// The published labels as classes.
pub fn labels(report: &Report) -> Vec<Option<u32>> {
    let class = |label: Option<&str>| label.map(|class| class.parse().unwrap());
    report.labels.iter().map(|one| class(one.label)).collect()
}
