//! Gold answers through the whole computation: what is paid, what is refused, and that nobody can tell which
//! items have gold.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::GoldError;
use crate::error::ScoringError;
use crate::report::Report;
use crate::run::{self, Scored};
use crate::submissions::Submissions;
use crate::testing::{TestSubmissions, asked, run_nodes, run_to_certificate};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::kept_keys::{Kept, KeptKeys};
use tacit_mpc_core::session::Opening;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::fixtures::{
    ClusterWithKeys, cluster_with_keys, gold_key, gold_submissions, job, submission, submission_list, submission_of_rows,
};
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::question::Answer;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::gold::AUTHOR;
use tacit_protocol::submission::{Header, OpenedSubmission, Submission, SubmissionError};
use tacit_protocol::verdict::Verdict;

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

#[test]
fn a_job_with_gold_is_not_scored_without_all_of_it() {
    let members = cluster_with_keys(3, 1);
    let job = job(70_000, 2, 2, PayRule::Gold);
    let answers = [
        submission(&members, &job, 0, &[(0, 1), (69_999, 0)]),
        submission(&members, &job, 1, &[(69_999, 1)]),
    ];
    let parts = gold_submissions(&members, &job, &[(0, 1), (69_999, 0)]);
    assert_eq!(parts.len(), 2);
    let with = |gold: &[Submission]| [answers.as_slice(), gold].concat();
    for (given, part) in [(&parts[..0], 1), (&parts[..1], 2), (&parts[1..], 1)] {
        for result in outcome(&members, &job, &with(given)) {
            assert_eq!(result.unwrap_err(), ScoringError::Gold(GoldError::Missing { part, parts: 2 }));
        }
    }
    let (_, report) = run_to_certificate(&members, NodeSet::all(3), &job, &with(&parts));
    assert_eq!(amounts(&report), [80_000, 0]);
    // Of two that are the same part the first counts.
    let mut twice = with(&parts);
    twice.push(Submission::create_gold(&members.cluster, &job, &gold_key(), &[], 1, &mut ChaCha20Rng::seed_from_u64(5)).unwrap());
    let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), &job, &twice);
    assert_eq!(amounts(&report), [80_000, 0]);
    assert_eq!(
        certificate.facts.rejected.keys().collect::<Vec<_>>(),
        [&RejectReason::DuplicateSubmission]
    );
}

#[test]
fn gold_is_not_answers_and_answers_are_not_gold() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let check = |submission: &Submission| Header::check(&submission.header, &members.cluster, &job);
    let golden = gold_submissions(&members, &job, &V6_GOLD).remove(0);
    assert_eq!(check(&golden), Ok(()));
    let resigned = |purpose, alter: fn(&mut Header)| {
        let mut header = golden.header.value.clone();
        alter(&mut header);
        check(&Submission {
            header: Signed::new(header, purpose, &gold_key()),
            envelopes: golden.envelopes.clone(),
        })
    };
    assert_eq!(resigned(Purpose::Submission, |_| {}), Err(RejectReason::BadSignature));
    assert_eq!(
        resigned(Purpose::Gold, |h| h.statement.contributor = "c001".to_owned()),
        Err(RejectReason::Malformed)
    );
    assert_eq!(
        resigned(Purpose::Gold, |h| h.statement.items = vec![1, 3, 5]),
        Err(RejectReason::Malformed)
    );
    let as_gold = {
        let answers = submission(&members, &job, 1, &of_all_items(&V6_ANSWERS[0]));
        let mut header = answers.header.value.clone();
        header.statement.key = gold_key().public();
        header.statement.contributor = AUTHOR.to_owned();
        Submission {
            header: Signed::new(header, Purpose::Gold, &gold_key()),
            envelopes: answers.envelopes,
        }
    };
    assert_eq!(check(&as_gold), Ok(()), "its header is fine");
    let opened = as_gold.delivery(0).unwrap().open(&members.cluster, &job, 0, &members.sealing[0]);
    assert_eq!(opened.unwrap_err(), RejectReason::Unsealable);

    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let by_buyer = Submission::create(&members.cluster, &job, "c001", &gold_key(), &[(0, Answer::Class(0))], rng);
    assert_eq!(by_buyer.unwrap_err(), SubmissionError::NotAContributor);
    let stranger = tacit_protocol::identity::SecretKey::generate(rng);
    let by_stranger = Submission::create_gold(&members.cluster, &job, &stranger, &[], 0, rng);
    assert_eq!(by_stranger.unwrap_err(), SubmissionError::GoldKey);
    let beyond = Submission::create_gold(&members.cluster, &job, &gold_key(), &[], 1, rng);
    assert_eq!(beyond.unwrap_err(), SubmissionError::GoldPart { part: 1, parts: 1 });
}

/// The computations of a cluster in which these nodes say that they did not get the gold.
fn with_gold_refused_by(nodes: usize, threshold: usize, refusing: &[usize]) -> Vec<Result<Scored, ScoringError>> {
    let members = cluster_with_keys(nodes, threshold);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = v6(&members, &job);
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let list = submission_list(&submissions);
    World::new(members.cluster.access().clone(), 1).run(|party, network, mut rng| {
        let mut verdicts = vec![Verdict::Accepted; list.len()];
        if refusing.contains(&party.me()) {
            verdicts[list.len() - 1] = Verdict::Rejected(RejectReason::NotDelivered);
        }
        let mut own = TestSubmissions::look_up(&members, &job, party.me(), &submissions, &list);
        own.verdicts = verdicts;
        run::run(party, network, &members.cluster, &job, asked(&list), &own, &mut rng)
    })
}

#[test]
fn gold_that_few_nodes_refuse_is_their_fault_and_that_more_refuse_the_buyers() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
        let few: Vec<usize> = (nodes - threshold..nodes).collect();
        let results = with_gold_refused_by(nodes, threshold, &few);
        for result in &results[..nodes - threshold] {
            let Err(ScoringError::Disputed(dispute)) = result else {
                panic!("{result:?}")
            };
            assert_eq!(
                (dispute.refusing, dispute.suspects),
                (few.iter().copied().collect(), dispute.refusing)
            );
        }
        let more: Vec<usize> = (nodes - threshold - 1..nodes).collect();
        for result in with_gold_refused_by(nodes, threshold, &more) {
            assert_eq!(result.unwrap_err(), ScoringError::Gold(GoldError::Missing { part: 1, parts: 1 }));
        }
    }
}

/// A node that has recorded another accepted set before.
struct Recorded<'a>(TestSubmissions<'a>);

impl Submissions for Recorded<'_> {
    fn verdicts(&self) -> &[Verdict] {
        self.0.verdicts()
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        self.0.header(entry)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        self.0.open(entry)
    }

    fn permits(&self, _: &tacit_protocol::accepted::PublicFacts) -> bool {
        true
    }

    fn record(&self, _: &Digest) -> bool {
        false
    }

    fn kept(&self, _: &Party) -> Result<Option<Kept>, ScoringError> {
        Ok(None)
    }

    fn keep(&self, _: &KeptKeys) -> bool {
        true
    }
}

#[test]
fn nothing_about_gold_is_opened_for_a_second_set() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = v6(&members, &job);
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let list = submission_list(&submissions);
    for recorded_before in [false, true] {
        let opened = Arc::new(Mutex::new(BTreeSet::new()));
        let log = Arc::clone(&opened);
        let listener = Misbehaviour {
            tamper: Some(Arc::new(move |told| {
                if let Observed::Opened(_, what, _) = told {
                    log.lock().unwrap().insert(what);
                }
            })),
            ..Misbehaviour::default()
        };
        let world = World::new(members.cluster.access().clone(), 1).misbehave(0, listener);
        let results = world.run(|party, network, mut rng| {
            let own = TestSubmissions::look_up(&members, &job, party.me(), &submissions, &list);
            let cluster = &members.cluster;
            if recorded_before {
                return run::run(party, network, cluster, &job, asked(&list), &Recorded(own), &mut rng).is_ok();
            }
            run::run(party, network, cluster, &job, asked(&list), &own, &mut rng).is_ok()
        });
        assert!(results.iter().all(|released| *released != recorded_before));
        let asked = opened.lock().unwrap().contains(&Opening::MaskedFactors);
        assert_eq!(asked, !recorded_before, "{opened:?}");
    }
}
