//! What labels are decided by, and what is published of labels that were decided.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Votes, from_values, to_values};
use crate::input::Input;
use crate::report::Report;
use crate::rows::{Answers, tally};
use crate::testing::run_to_certificate;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::{NodeSet, Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, contributor_key, job, signed_by_all, submission, submission_list};
use tacit_protocol::job::{Job, LabelRule, PayRule, Terms};
use tacit_protocol::question::Release;
use tacit_protocol::release::{OutputName, OutputValues, ReleasedOutput};
use tacit_protocol::submission::Submission;
use tacit_protocol::verdict::Verdict;

/// Three contributors, three classes; item 3 has one answer, item 4 none.
const ANSWERS: [&[(u32, u32)]; 3] = [
    &[(0, 0), (1, 1), (2, 2), (3, 1)],
    &[(0, 0), (1, 2), (2, 0)],
    &[(0, 1), (1, 2), (2, 1)],
];
pub(crate) const LABELS: [Option<u32>; 5] = [Some(0), Some(2), None, Some(1), None];

/// Three contributors' submissions, and who counts for what.
pub(crate) struct Scene {
    pub members: ClusterWithKeys,
    pub job: Job,
    pub submissions: Vec<Submission>,
    pub accepted: AcceptedSet,
}

pub(crate) fn scene() -> Scene {
    let (members, job) = (cluster_with_keys(3, 1), job(5, 3, 8, PayRule::Flat));
    let submissions: Vec<Submission> = (0..)
        .zip(ANSWERS)
        .map(|(c, answers)| submission(&members, &job, c, answers))
        .collect();
    let header = |i: usize| Some(&submissions[i].header.value);
    let accepted = AcceptedSet::assemble(&job, &submission_list(&submissions), &[Verdict::Accepted; 3], header).unwrap();
    Scene {
        members,
        job,
        submissions,
        accepted,
    }
}

/// What a node computes from.
fn input<'t>(scene: &Scene, terms: &'t Terms, me: usize) -> Input<'t> {
    let Scene {
        members,
        job,
        submissions,
        accepted,
    } = scene;
    let access = members.cluster.access();
    let party = Party::new(access, NodeSet::all(access.nodes()), me).unwrap();
    let open = |one: &Submission| {
        let delivery = one.delivery(me).unwrap();
        delivery.open(&members.cluster, job, me, &members.sealing[me]).unwrap()
    };
    let answers = Answers::new(&party, 3, submissions.iter().map(open).enumerate().collect());
    let tally = tally(&party, accepted, &answers);
    Input::new(&party, terms, accepted.clone(), answers, tally, None)
}

/// The integers behind a linear map of the answers: every node applies it to its components.
pub(crate) fn linear_in_answers(scene: &Scene, terms: &Terms, map: impl Fn(&Input<'_>) -> Shared<Fp61>) -> Vec<u64> {
    let mut components: BTreeMap<usize, Vec<Fp61>> = BTreeMap::new();
    for me in 0..scene.members.cluster.access().nodes() {
        let input = input(scene, terms, me);
        for (component, values) in input.party.held().iter().zip(map(&input).components()) {
            components.insert(*component, values.clone());
        }
    }
    let len = components[&0].len();
    (0..len)
        .map(|i| components.values().fold(Fp61::default(), |sum, values| sum + values[i]).to_u64())
        .collect()
}

fn terms(job: &Job, alter: impl FnOnce(&mut Terms)) -> Terms {
    let mut terms = job.terms().clone();
    alter(&mut terms);
    terms
}

#[test]
fn every_answer_is_a_vote() {
    let scene = scene();
    let votes = |terms: &Terms| {
        let tallies = linear_in_answers(&scene, terms, |input| (*Votes::of(input).tallies).clone());
        let Votes { max_tally, quorum, .. } = Votes::of(&input(&scene, terms, 0));
        (tallies, max_tally, quorum)
    };
    let tallies = [[2, 1, 0], [0, 1, 2], [1, 1, 1], [0, 1, 0], [0, 0, 0]];
    assert_eq!(votes(scene.job.terms()), (tallies.concat(), 3, 1));
    assert_eq!(votes(&terms(&scene.job, |t| t.quorum = Some(2))), (tallies.concat(), 3, 2));

    // The third contributor is not in the list.
    let weighted = terms(&scene.job, |t| {
        t.label_rule = LabelRule::Weighted;
        t.weights = BTreeMap::from([(0, 250), (1, 0), (99, 300)].map(|(who, weight)| (contributor_key(who).public(), weight)));
        t.quorum = Some(2);
    });
    let tallies = [[250, 100, 0], [0, 250, 100], [0, 100, 250], [0, 250, 0], [0, 0, 0]];
    assert_eq!(votes(&weighted), (tallies.concat(), 350, 200));
}

#[test]
fn labels_have_one_spelling() {
    let values = to_values(&LABELS);
    assert_eq!(values.iter().map(|value| value.to_u64()).collect::<Vec<_>>(), [1, 3, 0, 2, 0]);
    assert_eq!(from_values(&values, 3).unwrap(), LABELS);
    assert_eq!(from_values(&values, 2), None);
    assert_eq!(from_values(&[-Fp61::reduce(1)], 2), None);
}

/// A certificate of a job with labels, as if they had been decided.
fn certified(members: &ClusterWithKeys, certificate: &Certificate, job: &Job, labels: &[Fp61], agreeing: &[u64]) -> Certificate {
    let agreeing: Vec<Fp61> = agreeing.iter().map(|n| Fp61::reduce(*n)).collect();
    let opened = |name, values: &[Fp61]| ReleasedOutput {
        name,
        values: OutputValues::Opened(values.to_vec()),
    };
    signed_by_all(members, certificate, |certificate| {
        certificate.terms.release.insert(Release::Labels);
        certificate.terms.item_ids = job.items().iter().map(|item| &item.id).collect();
        let hidden = |output: &ReleasedOutput| output.name == OutputName::ContributorLabelAgreement;
        certificate.outputs.retain(|output| !hidden(output));
        certificate.outputs.push(opened(OutputName::Labels, labels));
        certificate.outputs.push(opened(OutputName::ContributorLabelAgreement, &agreeing));
    })
}

#[test]
fn labels_are_published_and_follow_from_the_certificate() {
    let Scene {
        members, job, submissions, ..
    } = scene();
    let (plain, report) = run_to_certificate(&members, NodeSet::all(3), &job, &submissions);
    assert!(report.labels.is_empty() && report.labels_reason.is_some());
    // Scores compare contributors with labels that nobody sees.
    assert!(report.contributors.iter().all(|c| c.agreement_with_label.is_some()));

    let certificate = certified(&members, &plain, &job, &to_values(&LABELS), &[2, 2, 1]);
    assert_eq!(Certificate::from_json(&certificate.to_json()).unwrap(), certificate);
    let with_labels = Report::new(&certificate, &members.cluster).unwrap();
    let result: Value = serde_json::from_slice(&with_labels.to_json()).unwrap();
    let label = |item: &str, label: Option<&str>| json!({ "item": item, "label": label });
    let expected = [
        label("i0", Some("0")),
        label("i1", Some("2")),
        label("i2", None),
        label("i3", Some("1")),
        label("i4", None),
    ];
    assert_eq!(result["labels"].as_array().unwrap(), &expected);
    assert!(result.get("labels_reason").is_none());
    let agreement: Vec<_> = result["contributors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["agreement_with_label"].as_f64())
        .collect();
    assert_eq!(agreement, [Some(0.5), Some(2.0 / 3.0), Some(1.0 / 3.0)]);
    assert_eq!(with_labels.payouts, report.payouts);
    assert_eq!(with_labels.agreement, report.agreement);

    // What no answers give is refused, even if all nodes sign it.
    let refused =
        |labels: &[Fp61], agreeing| Report::new(&certified(&members, &plain, &job, labels, agreeing), &members.cluster).unwrap_err();
    let mut labels = to_values(&LABELS);
    assert_eq!(
        refused(&labels, &[5, 2, 1]),
        CertificateError::Value(OutputName::ContributorLabelAgreement)
    );
    assert_eq!(refused(&labels[1..], &[2, 2, 1]), CertificateError::Shape(OutputName::Labels));
    labels[0] = Fp61::reduce(4);
    assert_eq!(refused(&labels, &[2, 2, 1]), CertificateError::Value(OutputName::Labels));
    let unnamed = signed_by_all(&members, &certificate, |c| c.terms.item_ids = Default::default());
    assert!(matches!(Report::new(&unnamed, &members.cluster), Err(CertificateError::Terms(_))));
}
