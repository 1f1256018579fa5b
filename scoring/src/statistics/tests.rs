//! The scoring program on shares against the definitions in the clear, through certificate and report.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::plain;
use crate::report::Report;
use crate::testing::run_to_certificate;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{Members, job, members, shared, signed_by_all};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::reject::RejectReason;

/// Shares the answers as contributors do and scores them as nodes do.
fn run(members: &Members, present: NodeSet, job: &Job, answers: &[plain::Answer]) -> (Certificate, Report) {
    let mut of: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    answers
        .iter()
        .for_each(|(contributor, item, class)| of.entry(*contributor).or_default().push((*item, *class)));
    let submissions: Vec<_> = of
        .iter()
        .map(|(contributor, answers)| shared(members, job, *contributor, answers))
        .collect();
    run_to_certificate(members, present, job, &submissions)
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-9, "{actual} instead of {expected}");
}

fn check_against_plain(report: &Report, certificate: &Certificate, answers: &[plain::Answer], classes: u32) {
    let totals: Vec<u64> = (0..classes).map(|k| answers.iter().filter(|a| a.2 == k).count() as u64).collect();
    assert_eq!(
        report.class_totals.as_ref().unwrap().0.iter().map(|(_, n)| *n).collect::<Vec<_>>(),
        totals
    );
    let measures = report.agreement.as_ref().unwrap().0;
    let Some((observed, pooled)) = plain::observed(answers) else {
        assert!(measures.observed.is_err() && measures.krippendorff_alpha.is_err() && measures.gwet_ac1.is_err());
        return;
    };
    assert_close(measures.observed.unwrap(), observed);
    assert_close(measures.observed_pooled.unwrap(), pooled);
    let p = plain::proportions(answers, classes);
    match measures.fleiss_kappa {
        Ok(kappa) => {
            let expected: f64 = p.iter().map(|p| p * p).sum();
            assert_close(kappa, (observed - expected) / (1.0 - expected));
        }
        Err(_) => assert!(totals.iter().filter(|n| **n > 0).count() < 2),
    }
    match measures.krippendorff_alpha {
        Ok(alpha) => assert_close(alpha, plain::alpha(answers, classes)),
        Err(_) => assert!(plain::alpha(answers, classes).is_nan()),
    }
    match measures.gwet_ac1 {
        Ok(ac1) => {
            let expected = p.iter().map(|p| p * (1.0 - p)).sum::<f64>() / f64::from(classes - 1);
            assert_close(ac1, (observed - expected) / (1.0 - expected));
        }
        Err(_) => assert_eq!(classes, 1),
    }
    check_contributors(report, certificate, answers);
}

fn check_contributors(report: &Report, certificate: &Certificate, answers: &[plain::Answer]) {
    let payouts: HashMap<&str, u64> = report
        .payouts
        .as_ref()
        .unwrap()
        .items
        .iter()
        .map(|p| (p.contributor.as_str(), p.amount))
        .collect();
    let rule = certificate.terms.payout().unwrap().rule;
    for (facts, scores) in certificate.facts.contributors.iter().zip(&report.contributors) {
        let who: u32 = facts.contributor[1..].parse().unwrap();
        // A common denominator of all redundancies up to 8 peers.
        let common = 840;
        let (a, q) = plain::contributor(answers, who, common);
        let n = i128::from(facts.paired);
        if n > 0 {
            assert_close(scores.agreement.unwrap(), a as f64 / (common * n) as f64);
        } else {
            assert!(scores.agreement.is_none() && scores.agreement_reason.is_some());
        }
        let bonus = match rule {
            PayRule::Flat => 0,
            PayRule::PeerAgreement => (20_000 * a).div_euclid(common),
            PayRule::PeerAgreementBeyondChance if n > 1 => (20_000 * q).div_euclid(common * (n - 1)),
            PayRule::PeerAgreementBeyondChance => 0,
            PayRule::Gold => unreachable!(),
        };
        if n > 1 {
            assert_close(scores.beyond_chance.unwrap(), q as f64 / (common * n * (n - 1)) as f64);
        }
        assert_eq!(
            i128::from(payouts[facts.contributor.as_str()]),
            20_000 * i128::from(facts.answers) + bonus
        );
    }
}

/// Distinct (contributor, item) pairs with a class each: redundancy varies, some items have one
/// answer, some none.
fn crowd_answers() -> impl Strategy<Value = (u32, Vec<plain::Answer>)> {
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
        let members = members(nodes, threshold);
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
    let answers: Vec<plain::Answer> = vectors
        .iter()
        .enumerate()
        .flat_map(|(c, (classes, ..))| classes.iter().enumerate().map(move |(item, class)| (c as u32, item as u32, *class)))
        .collect();
    let members = members(3, 1);
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
    let members = members(3, 1);
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
    let members = members(4, 1);
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
    let members = members(3, 1);
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
