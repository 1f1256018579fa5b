//! The scoring program on shares against the definitions in the clear, through certificate and report.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::plain::{PlainScores, by_item};
use crate::report::Report;
use crate::testing::run_to_certificate;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job, signed_by_all, submission};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::reject::RejectReason;

/// A contributor, an item, a class.
type Answer = (u32, u32, u32);

/// Shares the answers as contributors do and scores them as nodes do.
fn run(members: &ClusterWithKeys, present: NodeSet, job: &Job, answers: &[Answer]) -> (Certificate, Report) {
    let mut of: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    answers
        .iter()
        .for_each(|(contributor, item, class)| of.entry(*contributor).or_default().push((*item, *class)));
    let submissions: Vec<_> = of
        .iter()
        .map(|(contributor, answers)| submission(members, job, *contributor, answers))
        .collect();
    run_to_certificate(members, present, job, &submissions)
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-9, "{actual} instead of {expected}");
}

fn check_against_plain(report: &Report, certificate: &Certificate, answers: &[Answer], classes: u32) {
    let items = by_item(12, answers.iter().copied());
    let plain = PlainScores::new(classes as usize, 8, items.iter().map(|votes| votes.iter().copied()));
    let totals: Vec<u64> = report.class_totals.as_ref().unwrap().0.iter().map(|(_, n)| *n).collect();
    assert_eq!(totals, plain.class_totals);
    let measures = report.agreement.as_ref().unwrap().0.to_array();
    for (actual, expected) in measures.into_iter().zip(plain.agreement.to_array()) {
        match (actual, expected) {
            (Ok(actual), Ok(expected)) => assert_close(actual, expected),
            _ => assert_eq!(actual, expected),
        }
    }
    check_contributors(report, certificate, &plain);
}

fn check_contributors(report: &Report, certificate: &Certificate, plain: &PlainScores) {
    let payout = certificate.terms.payout().unwrap();
    let paid = report.payouts.as_ref().unwrap();
    let with_facts = certificate.facts.contributors.iter().zip(&report.contributors).zip(&paid.items);
    for ((facts, scores), paid) in with_facts {
        let who: usize = facts.contributor[1..].parse().unwrap();
        let plain = &plain.contributors[who];
        assert_eq!((facts.answers, facts.paired), (plain.answers, plain.paired));
        assert_eq!(scores.agreement.is_none(), scores.agreement_reason.is_some());
        for (actual, expected) in [
            (scores.agreement, plain.mean_agreement()),
            (scores.beyond_chance, plain.mean_beyond_chance()),
        ] {
            match (actual, expected) {
                (Some(actual), Some(expected)) => assert_close(actual, expected),
                _ => assert_eq!(actual, expected),
            }
        }
        assert_eq!(paid.contributor, facts.contributor);
        assert_eq!(i128::from(paid.amount), plain.pay(payout).unwrap());
    }
}

/// Distinct (contributor, item) pairs with a class each: redundancy varies, some items have one
/// answer, some none.
fn crowd_answers() -> impl Strategy<Value = (u32, Vec<Answer>)> {
    (1u32..5).prop_flat_map(|classes| {
        let pairs = proptest::collection::btree_map((0u32..8, 0u32..12), 0..classes, 0..40);
        (
            Just(classes),
            pairs.prop_map(|pairs| pairs.into_iter().map(|((c, i), k)| (c, i, k)).collect()),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn shared_scores_equal_plain_ones(
        (classes, answers) in crowd_answers(),
        rule in prop_oneof![Just(PayRule::Flat), Just(PayRule::PeerAgreement), Just(PayRule::PeerAgreementBeyondChance)],
        cluster in prop_oneof![Just((3, 1, 3)), Just((4, 1, 4)), Just((4, 1, 3)), Just((5, 2, 5))],
    ) {
        let (nodes, threshold, taking_part) = cluster;
        let members = cluster_with_keys(nodes, threshold);
        let job = job(12, classes, 8, rule);
        let (certificate, report) = run(&members, NodeSet::all(taking_part), &job, &answers);
        check_against_plain(&report, &certificate, &answers, classes);
        let text = String::from_utf8(report.to_json()).unwrap();
        prop_assert!(!text.contains("NaN") && !text.contains("inf"));
        prop_assert_eq!(Certificate::from_json(&certificate.to_json()).unwrap(), certificate);
    }
}

#[test]
fn the_pay_vector_holds() {
    // V1: C = 3, R = 3, b = k = 20000.
    let vectors = [
        ([0, 1, 2, 0, 1, 2], 30, 180_000, 210_000),
        ([0, 1, 2, 0, 1, 1], 23, 166_000, 200_000),
        ([0, 1, 1, 2, 1, 2], 17, 154_000, 190_000),
    ];
    let answers: Vec<Answer> = vectors
        .iter()
        .enumerate()
        .flat_map(|(c, (classes, ..))| classes.iter().enumerate().map(move |(item, class)| (c as u32, item as u32, *class)))
        .collect();
    let members = cluster_with_keys(3, 1);
    for (rule, pay) in [
        (PayRule::PeerAgreementBeyondChance, vectors.map(|v| v.2)),
        (PayRule::PeerAgreement, vectors.map(|v| v.3)),
        (PayRule::Flat, [120_000; 3]),
    ] {
        let (_, report) = run(&members, NodeSet::all(3), &job(6, 3, 3, rule), &answers);
        let payouts = report.payouts.unwrap();
        assert_eq!(payouts.items.iter().map(|p| p.amount).collect::<Vec<_>>(), pay);
        assert_eq!(payouts.total, pay.iter().sum::<u64>());
        // Q / (L·n·(n-1)) with L = 2, n = 6.
        for (scores, (_, q, ..)) in report.contributors.iter().zip(&vectors) {
            assert_close(scores.beyond_chance.unwrap(), f64::from(*q) / 60.0);
        }
    }
}

#[test]
fn an_altered_certificate_is_refused() {
    let members = cluster_with_keys(3, 1);
    let answers = [(0, 0, 1), (1, 0, 1), (2, 0, 0), (0, 1, 0), (1, 1, 0)];
    let (certificate, _) = run(&members, NodeSet::all(3), &job(2, 2, 8, PayRule::PeerAgreement), &answers);
    let text = certificate.to_json();
    assert!(Certificate::from_json(&text).unwrap().verify(&members.cluster).is_ok());
    for position in 0..text.len() {
        for altered_byte in [text[position] ^ 1, text[position] ^ 0x20, b'0', b' '] {
            if altered_byte == text[position] {
                continue;
            }
            let mut altered = text.clone();
            altered[position] = altered_byte;
            let accepted = Certificate::from_json(&altered).is_ok_and(|c| c.verify(&members.cluster).is_ok());
            assert!(!accepted, "byte {position} changed to {altered_byte}");
        }
    }
}

#[test]
fn copies_and_missing_nodes_are_named() {
    let members = cluster_with_keys(4, 1);
    let answers = [(0, 0, 1), (1, 0, 1), (2, 0, 0)];
    let (certificate, _) = run(&members, NodeSet::all(4), &job(1, 2, 8, PayRule::Flat), &answers);
    let mut fewer = certificate.clone();
    fewer.signatures.pop();
    assert!(fewer.verify(&members.cluster).is_err());
    let mut other = certificate.clone();
    other.signatures.swap(0, 1);
    assert!(other.verify(&members.cluster).is_err());
    let mut moved = certificate;
    moved.subject.participants = NodeSet::all(3);
    assert!(moved.verify(&members.cluster).is_err());
}

#[test]
fn numbers_that_no_crowd_can_have_are_refused_even_when_all_nodes_sign_them() {
    let members = cluster_with_keys(3, 1);
    let answers = [(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 1)];
    let (certificate, _) = run(
        &members,
        NodeSet::all(3),
        &job(2, 2, 2, PayRule::PeerAgreementBeyondChance),
        &answers,
    );
    let report = |alter: fn(&mut Certificate)| Report::new(&signed_by_all(&members, &certificate, alter), &members.cluster);
    assert!(report(|_| {}).is_ok());
    let facts: [fn(&mut PublicFacts); 9] = [
        |f| f.redundancy.extend([(0, 1)]),
        |f| f.redundancy = BTreeMap::from([(4, 1)]),
        |f| f.redundancy = BTreeMap::from([(2, u64::MAX)]),
        |f| f.answers = u64::MAX,
        |f| f.rejected = BTreeMap::from([(RejectReason::ItemFull, u64::MAX), (RejectReason::JobFull, 1)]),
        |f| f.contributors[0].answers = u64::MAX,
        |f| f.contributors[0].paired = u64::MAX,
        |f| f.contributors[0].scale.value = 0,
        |f| f.contributors.reverse(),
    ];
    for (index, alter) in facts.into_iter().enumerate() {
        let certificate = signed_by_all(&members, &certificate, |certificate| alter(&mut certificate.facts));
        let refused = Report::new(&certificate, &members.cluster);
        assert!(matches!(refused, Err(CertificateError::PublicFacts(_))), "{index}: {refused:?}");
    }
    let terms: [fn(&mut Certificate); 3] = [
        |c| c.terms.items = u64::MAX,
        |c| c.terms.answers_per_item = 0,
        |c| c.terms.payout.as_mut().unwrap().base_per_item = u64::MAX,
    ];
    for alter in terms {
        assert!(matches!(report(alter), Err(CertificateError::Terms(_))));
    }
}
