//! Malformed submissions are found on shares and dropped; the rest ends as if they had never been.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::error::ScoringError;
use crate::testing::{run_nodes, run_to_certificate};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::World;
use tacit_protocol::fixtures::{
    ClusterWithKeys, cluster_with_keys, contributor_key, gold_key, gold_submissions, job, job_of, share, submission, submission_of_rows,
};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Gold, Item, Job, JobSpec, LabelRule, PayRule, Payout};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;

mod subjects;

/// A submission of the rows of the first two items, with these integers in place of bits.
fn malformed(members: &ClusterWithKeys, job: &Job, contributor: u32, rows: &[i64]) -> Submission {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(contributor));
    let key = SecretKey::generate(&mut rng);
    let elements: Vec<Fp61> = rows.iter().copied().map(Fp61::from_i64).collect();
    submission_of_rows(
        &members.cluster,
        job,
        &format!("c{contributor:03}"),
        &key,
        vec![0, 1],
        &elements,
        &mut rng,
    )
}

/// Every kind of row that is not one-hot, the other row well-formed.
const BAD: [[i64; 4]; 8] = [
    [1, 1, 1, 0],
    [0, 0, 1, 0],
    [2, -1, 1, 0],
    [1, 0, 0, 2],
    [1 << 59, 1 - (1 << 59), 0, 1],
    [-1, 2, 2, -1],
    [1, 0, i64::MAX, 0],
    [0, 0, 0, 0],
];

fn honest(members: &ClusterWithKeys, job: &Job) -> Vec<Submission> {
    (0..4)
        .map(|c| submission(members, job, c, &[(0, c % 2), (1, 0), (2, c / 2)]))
        .collect()
}

#[test]
fn malformed_submissions_are_dropped_and_the_rest_is_untouched() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(3, 2, 8, PayRule::PeerAgreementBeyondChance);
        let good = honest(&members, &job);
        let (_, expected) = run_to_certificate(&members, NodeSet::all(nodes), &job, &good);
        // Bad ones before, between and after the good ones.
        let mut all = Vec::new();
        for (i, rows) in BAD.iter().enumerate() {
            all.push(malformed(&members, &job, 100 + i as u32, rows));
            all.extend(good.get(i).cloned());
        }
        let (certificate, mut report) = run_to_certificate(&members, NodeSet::all(nodes), &job, &all);
        assert_eq!(
            certificate.facts.rejected.get(&RejectReason::MalformedAnswer),
            Some(&(2 * BAD.len() as u64))
        );
        assert_eq!(report.job.rejected_answers, 2 * BAD.len() as u64);
        report.job.rejected_answers = 0;
        assert_eq!(report, expected);
    }
}

#[test]
fn a_malformed_first_answer_does_not_take_the_place_of_a_good_one() {
    let members = cluster_with_keys(3, 1);
    let job = job(3, 2, 4, PayRule::Flat);
    // Four bad submissions would fill item 0 and 1 before the good ones come.
    let mut all: Vec<Submission> = (0..4).map(|c| malformed(&members, &job, 50 + c, &[1, 1, 0, 1])).collect();
    let good = honest(&members, &job);
    all.extend(good.iter().cloned());
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    assert_eq!(certificate.facts.answers, 12);
}

#[test]
fn thousands_of_bad_submissions_among_good_ones() {
    let members = cluster_with_keys(3, 1);
    let job = job(3, 2, 1000, PayRule::Flat);
    let all: Vec<Submission> = (0..300)
        .map(|c| {
            if c % 2 == 0 {
                submission(&members, &job, c, &[(0, 1), (1, 0)])
            } else {
                malformed(&members, &job, c, &BAD[c as usize % 8])
            }
        })
        .collect();
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    assert_eq!(certificate.facts.answers, 300);
    assert_eq!(certificate.facts.rejected[&RejectReason::MalformedAnswer], 300);
}

#[test]
fn one_contributor_cannot_use_the_capacity_of_the_others() {
    let members = cluster_with_keys(3, 1);
    let job = job(30_000, 2, 2, PayRule::Flat);
    let mut rng = ChaCha20Rng::seed_from_u64(99);
    let key = SecretKey::generate(&mut rng);
    let items: Vec<(u32, Answer)> = (0..30_000).map(|item| (item, Answer::Class(0))).collect();
    // Exactly the whole capacity, before anyone else comes.
    let mut send = |answers| share(&members.cluster, &job, "greedy", &key, &items[..answers], &mut rng).unwrap();
    let mut all: Vec<Submission> = (0..8).map(|_| send(30_000)).collect();
    all.push(send(2 * 60_000 + (1 << 17) - 8 * 30_000));
    all.extend((0..3).map(|c| submission(&members, &job, c, &[(c, 1), (29_999, c % 2)])));
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    let counted = |name: &str| {
        let contributors = &certificate.facts.contributors;
        contributors.iter().find(|c| c.contributor == name).map_or(0, |c| c.answers)
    };
    // The last item is full with the first two.
    assert_eq!(["greedy", "c000", "c001", "c002"].map(counted), [30_000, 2, 1, 1]);
    let rejected = |reason| certificate.facts.rejected[&reason];
    assert_eq!(rejected(RejectReason::JobFull), 4 * 30_000 + 11_072);
    assert_eq!(rejected(RejectReason::DuplicateAnswer), 3 * 30_000);
    assert_eq!(rejected(RejectReason::ItemFull), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_are_accepted_exactly_when_they_are_one_hot(rows in proptest::array::uniform4(-2i64..3)) {
        let members = cluster_with_keys(3, 1);
        let job = job(3, 2, 8, PayRule::Flat);
        let submission = malformed(&members, &job, 1, &rows);
        let world = World::new(members.cluster.access().clone(), 1);
        let scored = run_nodes(&world, &members, &job, &[submission]).remove(0).unwrap();
        let one_hot = |row: &[i64]| row.iter().all(|x| (0..2).contains(x)) && row.iter().sum::<i64>() == 1;
        prop_assert_eq!(scored.verdicts[0].is_accepted(), one_hot(&rows[..2]) && one_hot(&rows[2..]));
    }
}

#[test]
fn lists_that_repeat_or_overclaim_are_refused() {
    let members = cluster_with_keys(3, 1);
    let job = job(3, 2, 8, PayRule::Flat);
    let one = submission(&members, &job, 1, &[(0, 0)]);
    let world = World::new(members.cluster.access().clone(), 1);
    for result in run_nodes(&world, &members, &job, &[one.clone(), one]) {
        assert!(matches!(result, Err(ScoringError::AcceptedSet(_))));
    }
}

/// A job that releases everything a categorical job can: labels by weighted votes, scores, pay by `rule`.
fn everything(rule: PayRule, weighted: bool, release: &[Release]) -> Job {
    let decided = release.iter().any(|one| matches!(one, Release::Labels | Release::Scores));
    let spec = JobSpec {
        answers_per_item: 4,
        sensitive: false,
        release: release.iter().copied().collect(),
        quorum: decided.then_some(2),
        label_rule: if weighted { LabelRule::Weighted } else { LabelRule::Plurality },
        weights: if weighted {
            BTreeMap::from([(1, 250), (3, 50)].map(|(who, weight)| (contributor_key(who).public(), weight)))
        } else {
            BTreeMap::new()
        },
        gold: (rule == PayRule::Gold).then(|| Gold { key: gold_key().public() }),
        payout: Some(Payout {
            rule,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 10_000,
            budget: 1 << 50,
        }),
        ..JobSpec::new(
            "golden",
            Categorical {
                text: Some("Which one?".to_owned()),
                ..Categorical::new(["a", "b", "c"])
            },
            (0..7).map(|i| Item::new(format!("i{i}"))),
        )
    };
    job_of("golden", spec).unwrap()
}

/// Certificates and results of fixed keys and seeds: whoever moves code sees here
/// whether a byte of what is certified or published has changed.
#[test]
fn certificates_and_results_of_fixed_seeds_stay_the_same() {
    use Release::{Agreement, ClassTotals, Labels, Payouts, Scores};
    let all = [Labels, Agreement, ClassTotals, Scores, Payouts];
    let jobs = [
        everything(PayRule::Flat, false, &[Labels]),
        everything(PayRule::Flat, false, &[Agreement, Payouts]),
        everything(PayRule::PeerAgreement, false, &all),
        everything(PayRule::PeerAgreementBeyondChance, true, &all),
        everything(PayRule::PeerAgreementBeyondChance, true, &[Scores, Payouts]),
        everything(PayRule::Gold, false, &all),
    ];
    let mut certificates = Vec::new();
    let mut results = Vec::new();
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let members = cluster_with_keys(nodes, threshold);
        for job in &jobs {
            let mut submissions: Vec<Submission> = (0..5)
                .map(|c| {
                    let answers: Vec<(u32, u32)> = (0..7)
                        .filter(|item| (c + item) % 5 != 0)
                        .map(|item| (item, (item * item + c * (item % 2)) % 3))
                        .collect();
                    submission(&members, job, c, &answers)
                })
                .collect();
            submissions.insert(2, malformed(&members, job, 77, &[1, 1, 0, 0, 0, 1]));
            submissions.extend(gold_if_any(&members, job));
            let (certificate, report) = run_to_certificate(&members, NodeSet::all(nodes), job, &submissions);
            certificates.push(certificate.to_json());
            results.push(report.to_json());
            results.push(report.payouts_csv());
        }
    }
    let digest = |texts: &[Vec<u8>]| {
        let parts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        Digest::of("golden", &parts).to_string()
    };
    assert_eq!(digest(&results), GOLDEN_RESULTS, "result.json or payouts.csv");
    assert_eq!(digest(&certificates), GOLDEN_CERTIFICATES, "certificate.json");
}

const GOLDEN_RESULTS: &str = "f002f2faf80dc8ebb65aceb3700a58c28d7dd3530a9ddda42d4f732a82a1d26c";
const GOLDEN_CERTIFICATES: &str = "99500d5fc98d00f62c3cdbd70efbf8c06cb9daef75d0f58fa9dc17516e0019bd";

/// The buyer's gold answers, where the job has any.
fn gold_if_any(members: &ClusterWithKeys, job: &Job) -> Vec<Submission> {
    if !job.terms().scores_gold() {
        return Vec::new();
    }
    gold_submissions(members, job, &[(0, 0), (3, 1), (5, 2)])
}
