//! Whoever verifies a certificate checks the floors, too: all nodes together can sign what lies below a floor, and nobody takes it for a result.

use std::collections::BTreeMap;

use super::crowd::{crowd, job, members};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::check::{Check, skip};
use tacit_protocol::fixtures::{ClusterWithKeys, contributor_key, gold_submissions, submission};
use tacit_protocol::job::{Job, JobSpec, LabelRule, PayRule};
use tacit_protocol::question::Release;
use tacit_protocol::release::OutputName;
use tacit_protocol::submission::Submission;
use tacit_scoring::testing::run_to_certificate;

/// What nodes compute and sign together while none of them makes these checks. Without the checks it verifies.
fn certified(members: &ClusterWithKeys, skipped: &[Check], made: impl Fn() -> (Job, Vec<Submission>)) -> Certificate {
    let _skipped = skip(skipped);
    let (job, submissions) = made();
    let (certificate, _) = run_to_certificate(members, NodeSet::all(3), &job, &submissions);
    certificate.verify(&members.cluster).unwrap();
    certificate
}

/// Why a certificate that was made without these checks is refused by whoever makes all of them.
fn refused(members: &ClusterWithKeys, skipped: &[Check], made: impl Fn() -> (Job, Vec<Submission>)) -> CertificateError {
    let certificate = certified(members, skipped, made);
    let _all = skip(&[]);
    let refused = certificate.verify(&members.cluster).map(drop);
    refused.expect_err(&format!("made without {skipped:?}"))
}

/// Twelve people who answer all of twelve items, in a job altered by the attacker.
fn everyone(members: &ClusterWithKeys, alter: impl FnOnce(&mut JobSpec)) -> (Job, Vec<Submission>) {
    let job = job(12, 12, PayRule::Flat, alter).unwrap();
    let submissions = crowd(members, &job, 12, |_| (0..12).collect());
    (job, submissions)
}

#[test]
fn what_keeps_to_the_floors_is_verified() {
    let members = members();
    let certificate = certified(&members, &[], || everyone(&members, |_| ()));
    let _all = skip(&[]);
    certificate.verify(&members.cluster).unwrap();
}

#[test]
fn terms_below_a_floor_are_refused() {
    let members = members();
    let below = |floor: Check, alter: &dyn Fn(&mut JobSpec)| refused(&members, &[floor], || everyone(&members, alter));
    let weighted = |spec: &mut JobSpec, weight| {
        spec.label_rule = LabelRule::Weighted;
        spec.weights = BTreeMap::from([(contributor_key(4).public(), weight)]);
    };
    let cases = [
        (Check::Quorum, below(Check::Quorum, &|spec| spec.quorum = Some(12))),
        (
            Check::AnswersPerItem,
            below(Check::AnswersPerItem, &|spec| spec.answers_per_item = 6),
        ),
        (Check::Weights, below(Check::Weights, &|spec| weighted(spec, 201))),
        (
            Check::QuorumOfWeights,
            below(Check::QuorumOfWeights, &|spec| {
                weighted(spec, 150);
                spec.quorum = Some(7);
            }),
        ),
        (
            Check::Scores,
            below(Check::Scores, &|spec| _ = spec.release.insert(Release::Scores)),
        ),
        (Check::Issuers, below(Check::Issuers, &|spec| spec.issuers = None)),
    ];
    for (floor, refused) in cases {
        assert!(matches!(refused, CertificateError::Terms(_)), "{floor:?}: {refused}");
    }
}

#[test]
fn labels_of_items_with_too_few_answers_are_refused() {
    let members = members();
    // One answer to each item.
    let single = || {
        let job = job(120, 7, PayRule::Flat, |_| ()).unwrap();
        let submissions = crowd(&members, &job, 12, |c| (c * 10..c * 10 + 10).collect());
        (job, submissions)
    };
    // Seven answers to each item, and labels that all seven must give.
    let of_all_seven = || {
        let job = job(20, 13, PayRule::Flat, |spec| spec.quorum = Some(7)).unwrap();
        let submissions = crowd(&members, &job, 13, |c| (0..20).filter(|item| (item + c) % 13 < 7).collect());
        (job, submissions)
    };
    let cases = [
        (Check::AnswersToLabel, refused(&members, &[Check::AnswersToLabel], single)),
        (Check::QuorumOfCounted, refused(&members, &[Check::QuorumOfCounted], of_all_seven)),
    ];
    for (floor, refused) in cases {
        let too_few = |why: &str| why.contains("too few answers for a label");
        assert!(
            matches!(refused, CertificateError::PublicFacts(why) if too_few(why)),
            "{floor:?}: {refused}"
        );
    }
}

#[test]
fn outputs_of_too_few_people_or_answers_are_refused() {
    let members = members();
    for (floor, contributors, items) in [(Check::Contributors, 9, 20), (Check::Answers, 12, 8)] {
        let refused = refused(&members, &[floor], || {
            let job = job(items, contributors, PayRule::Flat, |_| ()).unwrap();
            let submissions = crowd(&members, &job, contributors, |_| (0..items).collect());
            (job, submissions)
        });
        assert_eq!(refused, CertificateError::Outputs, "{floor:?}");
    }
}

#[test]
fn numbers_about_single_people_are_refused_whatever_the_pay_rule() {
    let members = members();
    let rules = [
        (PayRule::PeerAgreement, OutputName::ContributorAgreement),
        (PayRule::PeerAgreementBeyondChance, OutputName::ContributorBeyondChance),
        (PayRule::Gold, OutputName::ContributorGold),
    ];
    for (rule, output) in rules {
        let paid = || {
            let job = job(10, 12, rule, |spec| spec.release = [Release::Payouts].into()).unwrap();
            let mut submissions = crowd(&members, &job, 11, |_| (0..10).collect());
            submissions.push(submission(&members, &job, 99, &[(3, 1)]));
            if job.terms().scores_gold() {
                submissions.extend(gold_submissions(&members, &job, &[(5, 1)]));
            }
            (job, submissions)
        };
        let certificate = certified(&members, &[Check::Bonus], paid);
        let outputs: Vec<OutputName> = certificate.outputs.iter().map(|output| output.name).collect();
        assert_eq!(outputs, [output], "an attack on what the certificate does not hold shows nothing");
        let _all = skip(&[]);
        assert_eq!(certificate.verify(&members.cluster), Err(CertificateError::Outputs), "{rule:?}");
    }
}
