//! Gold answers through the whole computation: what is paid, and that nobody can tell which items have gold.

mod refused;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::GoldError;
use crate::error::ScoringError;
use crate::report::Report;
use crate::run::Scored;
use crate::testing::{run_nodes, run_to_certificate};
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, gold_key, gold_submissions, job, submission, submission_of_rows};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::submission::Submission;
use tacit_protocol::submission::gold::AUTHOR;

/// V6 of the design's pay vectors: three classes, gold to items 1, 3 and 5.
const V6_ANSWERS: [[u32; 6]; 3] = [[0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 1], [0, 1, 1, 2, 1, 2]];
const V6_GOLD: [(u32, u32); 3] = [(1, 1), (3, 0), (5, 2)];
const V6_PAY: [u64; 3] = [240_000, 180_000, 180_000];

fn of_all_items(classes: &[u32]) -> Vec<(u32, u32)> {
    (0..).zip(classes.iter().copied()).collect()
}

fn v6(members: &ClusterWithKeys, job: &Job) -> Vec<Submission> {
    (0..)
        .zip(V6_ANSWERS)
        .map(|(c, classes)| submission(members, job, c, &of_all_items(&classes)))
        .collect()
}

fn amounts(report: &Report) -> Vec<u64> {
    report.payouts.as_ref().unwrap().items.iter().map(|item| item.amount).collect()
}

#[test]
fn the_gold_vector_holds() {
    for (nodes, threshold, taking_part) in [(3, 1, 3), (4, 1, 3), (5, 2, 5)] {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(6, 3, 3, PayRule::Gold);
        let present = NodeSet::all(taking_part);
        // Gold may come before, between and after the answers.
        for place in 0..4 {
            let mut submissions = v6(&members, &job);
            submissions.splice(place..place, gold_submissions(&members, &job, &V6_GOLD));
            let (certificate, report) = run_to_certificate(&members, present, &job, &submissions);
            assert_eq!(amounts(&report), V6_PAY);
            assert_eq!(report.payouts.as_ref().unwrap().total, V6_PAY.iter().sum::<u64>());
            let shares: Vec<f64> = report.contributors.iter().map(|c| c.gold.unwrap()).collect();
            assert_eq!(shares, [1.0, 2.0 / 3.0, 2.0 / 3.0]);
            assert_eq!(
                (report.job.answers, report.job.contributors, report.job.rejected_answers),
                (18, 3, 0)
            );
            assert_eq!(Certificate::from_json(&certificate.to_json()).unwrap(), certificate);
        }
    }
}

#[test]
fn everything_else_is_as_without_gold() {
    let members = cluster_with_keys(3, 1);
    let (with, without) = (job(6, 3, 3, PayRule::Gold), job(6, 3, 3, PayRule::Flat));
    let mut submissions = v6(&members, &with);
    submissions.extend(gold_submissions(&members, &with, &V6_GOLD));
    let (_, mut report) = run_to_certificate(&members, NodeSet::all(3), &with, &submissions);
    let (_, plain) = run_to_certificate(&members, NodeSet::all(3), &without, &v6(&members, &without));
    report.payouts.clone_from(&plain.payouts);
    report.contributors.iter_mut().for_each(|c| c.gold = None);
    assert_eq!(report, plain);
}

#[test]
fn who_was_not_asked_gets_the_base_and_a_reason() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = vec![
        submission(&members, &job, 0, &[(0, 0), (2, 1)]),
        submission(&members, &job, 1, &[(1, 0), (4, 1)]),
    ];
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let (_, report) = run_to_certificate(&members, NodeSet::all(3), &job, &submissions);
    assert_eq!(report.contributors[0].gold, None);
    assert!(report.contributors[0].gold_reason.is_some());
    assert_eq!(report.contributors[1].gold, Some(0.0));
    assert_eq!(amounts(&report), [40_000, 40_000 - 20_000]);
}

/// Every message of a run: step, phase, from, to and length.
fn shape(members: &ClusterWithKeys, job: &Job, submissions: &[Submission]) -> BTreeSet<(u32, &'static str, usize, usize, usize)> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let log = Arc::clone(&seen);
    let world = World::new(members.cluster.access().clone(), 1).intercept(move |wire: Wire<'_>| {
        let message = (wire.step.number, wire.step.phase.name(), wire.from, wire.to, wire.bytes.len());
        assert!(log.lock().unwrap().insert(message), "one message for a step and peer");
        Fate::Deliver
    });
    assert!(run_nodes(&world, members, job, submissions).iter().all(Result::is_ok));
    seen.lock().unwrap().clone()
}

#[test]
fn nothing_that_is_sent_tells_which_items_have_gold() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let answers = || {
        let whole = submission(&members, &job, 0, &of_all_items(&V6_ANSWERS[0]));
        [
            whole,
            submission(&members, &job, 1, &[(0, 0), (2, 1)]),
            submission(&members, &job, 2, &[(3, 0)]),
        ]
    };
    let all: Vec<(u32, u32)> = (0..6).map(|item| (item, 2)).collect();
    let shapes: Vec<_> = [&[][..], &V6_GOLD, &[(0, 0), (2, 2)], &[(3, 1)], &all]
        .into_iter()
        .map(|golden| {
            let parts = gold_submissions(&members, &job, golden);
            // What is uploaded is as long, too.
            let lengths: Vec<usize> = parts.iter().flat_map(|part| part.envelopes.iter().map(Vec::len)).collect();
            let items: Vec<u32> = parts.iter().flat_map(|part| part.header.value.statement.items.clone()).collect();
            assert_eq!(items, [0, 1, 2, 3, 4, 5]);
            let messages = shape(&members, &job, &[answers().as_slice(), &parts].concat());
            (lengths.iter().sum::<usize>(), messages)
        })
        .collect();
    assert!(shapes[0].1.len() > 100);
    assert!(shapes.iter().all(|shape| *shape == shapes[0]));
}

/// Gold of any numbers to the first items, zeros to the others.
fn any_gold(members: &ClusterWithKeys, job: &Job, first: &[i64]) -> Submission {
    let items: Vec<u32> = (0..job.items().len() as u32).collect();
    let mut elements: Vec<Fp61> = first.iter().copied().map(Fp61::from_i64).collect();
    elements.resize(items.len() * job.terms().classes().len(), Fp61::default());
    let mut rng = ChaCha20Rng::seed_from_u64(77);
    submission_of_rows(&members.cluster, job, AUTHOR, &gold_key(), items, &elements, &mut rng)
}

fn outcome(members: &ClusterWithKeys, job: &Job, submissions: &[Submission]) -> Vec<Result<Scored, ScoringError>> {
    run_nodes(&World::new(members.cluster.access().clone(), 1), members, job, submissions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn gold_is_taken_exactly_when_every_row_has_one_class_or_none(rows in proptest::array::uniform6(-1i64..3)) {
        let members = cluster_with_keys(3, 1);
        let job = job(3, 3, 8, PayRule::Gold);
        let submissions = [submission(&members, &job, 1, &[(0, 0)]), any_gold(&members, &job, &rows)];
        let fine = |row: &[i64]| row.iter().all(|x| (0..2).contains(x)) && row.iter().sum::<i64>() <= 1;
        for result in outcome(&members, &job, &submissions) {
            match result {
                Ok(_) => prop_assert!(fine(&rows[..3]) && fine(&rows[3..])),
                Err(error) => {
                    prop_assert_eq!(error, ScoringError::Gold(GoldError::Malformed));
                    prop_assert!(!(fine(&rows[..3]) && fine(&rows[3..])));
                }
            }
        }
    }

    #[test]
    fn pay_by_gold_is_that_of_the_definition(
        classes in 2u32..5,
        answers in proptest::collection::btree_map((0u32..5, 0u32..9), 0u32..100, 1..30),
        golden in proptest::collection::btree_map(0u32..9, 0u32..100, 0..9),
    ) {
        let members = cluster_with_keys(3, 1);
        let job = job(9, classes, 8, PayRule::Gold);
        let golden: Vec<(u32, u32)> = golden.into_iter().map(|(item, class)| (item, class % classes)).collect();
        let answers: Vec<(u32, u32, u32)> = answers.into_iter().map(|((c, i), k)| (c, i, k % classes)).collect();
        let contributors: BTreeSet<u32> = answers.iter().map(|(c, ..)| *c).collect();
        let own = |who: u32| answers.iter().filter(move |(c, ..)| *c == who).map(|(_, i, k)| (*i, *k)).collect::<Vec<_>>();
        let mut submissions = gold_submissions(&members, &job, &golden);
        submissions.extend(contributors.iter().map(|who| submission(&members, &job, *who, &own(*who))));
        let (_, report) = run_to_certificate(&members, NodeSet::all(3), &job, &submissions);
        for (who, amount) in contributors.iter().zip(amounts(&report)) {
            let own = own(*who);
            let asked: Vec<_> = own.iter().filter(|(item, _)| golden.iter().any(|(gold, _)| gold == item)).collect();
            let right = asked.iter().filter(|answer| golden.contains(answer)).count() as i64;
            let (n, of, classes) = (own.len() as i64, asked.len() as i64, i64::from(classes));
            let bonus = if of == 0 { 0 } else { (20_000 * n * (classes * right - of)).div_euclid((classes - 1) * of) };
            prop_assert_eq!(i64::try_from(amount).unwrap(), 20_000 * n + bonus);
        }
    }
}

#[test]
fn an_altered_message_of_a_node_never_blames_the_buyer() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = v6(&members, &job);
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let messages = shape(&members, &job, &submissions);
    let steps: BTreeSet<u32> = messages
        .iter()
        .filter(|(_, _, from, ..)| *from == 0)
        .map(|(step, ..)| *step)
        .collect();
    assert!(steps.len() > 40, "{steps:?}");
    for altered in steps {
        let world = World::new(members.cluster.access().clone(), 1).intercept(move |wire: Wire<'_>| {
            if wire.from == 0 && wire.step.number == altered {
                wire.bytes[0] ^= 1;
            }
            Fate::Deliver
        });
        let results = run_nodes(&world, &members, &job, &submissions);
        let honest = || results.iter().skip(1);
        assert!(honest().any(Result::is_err), "step {altered} was altered unnoticed");
        for error in honest().filter_map(|result| result.as_ref().err()) {
            assert!(matches!(error, ScoringError::Session(_)), "step {altered}: {error}");
        }
    }
}
