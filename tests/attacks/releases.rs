//! Corrupt nodes that release other labels than were opened. Labels are released as they were opened, not as components, so no sum
//! confirms them. They count because every participant signs the same values.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::World;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::{Certificate, CertificateError};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, job_of, made_up_release, signed_for, submission, submission_list};
use tacit_protocol::identity::Purpose;
use tacit_protocol::job::{Item, Job, JobSpec};
use tacit_protocol::question::{Categorical, Release};
use tacit_protocol::receipt::RootStatement;
use tacit_protocol::release::{OutputName, OutputValues, Released, ReleasedOutput, statement};
use tacit_protocol::submission::Submission;
use tacit_scoring::testing::run_nodes;

use super::scenario::CLUSTERS;

/// A job that releases labels, and an honest computation of it.
struct Computed {
    members: ClusterWithKeys,
    job: Job,
    accepted: AcceptedSet,
    released: Vec<Released>,
}

fn computed(nodes: usize, threshold: usize) -> Computed {
    let members = cluster_with_keys(nodes, threshold);
    let spec = JobSpec {
        answers_per_item: 3,
        sensitive: false,
        release: [Release::Labels, Release::ClassTotals].into(),
        ..JobSpec::new("labels", Categorical::new(["a", "b"]), ["i0", "i1", "i2"].map(Item::new))
    };
    let job = signed_for(&members.cluster, &job_of("labels", spec).unwrap());
    let submissions: Vec<Submission> = (0..3)
        .map(|c| submission(&members, &job, c, &[(0, 0), (1, c % 2), (2, 1)]))
        .collect();
    let world = World::new(members.cluster.access().clone(), 1);
    let scored = run_nodes(&world, &members, &job, &submissions);
    let scored: Vec<_> = scored.into_iter().map(Result::unwrap).collect();
    let header = |i: usize| Some(&submissions[i].header.value);
    let accepted = AcceptedSet::assemble(&job, &submission_list(&submissions), &scored[0].verdicts, header).unwrap();
    let release = |(me, scored): (usize, tacit_scoring::Scored)| {
        Released::new(scored.subject, me as u8, &scored.outputs, scored.records, &members.identities[me])
    };
    let released = scored.into_iter().enumerate().map(release).collect();
    Computed {
        members,
        job,
        accepted,
        released,
    }
}

impl Computed {
    /// The release of a corrupt node: its outputs after `alter`, signed with its own key.
    fn forged(&self, node: usize, alter: &dyn Fn(&mut [ReleasedOutput])) -> Released {
        let honest = &self.released[node];
        let mut outputs = honest.outputs().to_vec();
        alter(&mut outputs);
        made_up_release(honest.subject(), node, outputs, honest.records(), &self.members.identities[node])
    }

    /// The certificate that a coordinator assembles of the forged releases of `corrupt` and the honest releases of all others.
    fn assembled(&self, corrupt: NodeSet, alter: &dyn Fn(&mut [ReleasedOutput])) -> Result<Certificate, CertificateError> {
        let release = |node: usize| match corrupt.contains(node) {
            true => self.forged(node, alter),
            false => self.released[node].clone(),
        };
        let released = (0..self.released.len()).map(release).collect();
        let certified = Certificate::assemble(&self.members.cluster, &self.job, self.accepted.facts(), released)?;
        Ok(certified.into_certificate())
    }
}

/// The opened labels among outputs.
fn labels(outputs: &mut [ReleasedOutput]) -> &mut Vec<Fp61> {
    let labels = outputs.iter_mut().find(|output| output.name == OutputName::Labels).unwrap();
    match &mut labels.values {
        OutputValues::Opened(values) => values,
        OutputValues::Components(_) => panic!("labels are released as they were opened"),
    }
}

fn other_label(outputs: &mut [ReleasedOutput]) {
    let labels = labels(outputs);
    labels[2] = Fp61::reduce(3) - labels[2];
}

#[test]
fn labels_that_corrupt_nodes_change_are_not_certified() {
    for (nodes, threshold) in CLUSTERS {
        let computed = computed(nodes, threshold);
        let everyone = computed.assembled(NodeSet::default(), &|_| {}).unwrap();
        assert!(everyone.verify(&computed.members.cluster).is_ok());
        for first in 0..nodes {
            let corrupt: NodeSet = (0..threshold).map(|i| (first + i) % nodes).collect();
            let error = computed.assembled(corrupt, &other_label).unwrap_err();
            let named = |error: &CertificateError| matches!(error, CertificateError::Copies { output: OutputName::Labels, first, second } if first != second);
            assert!(named(&error), "{error}");
        }
    }
}

#[test]
fn labels_that_not_every_participant_signs_are_not_certified() {
    for (nodes, threshold) in CLUSTERS {
        let computed = computed(nodes, threshold);
        let corrupt: NodeSet = (0..threshold).collect();
        // A coordinator that colludes with the corrupt nodes adds their signatures to those of the honest nodes.
        let mut forged = computed.assembled(NodeSet::default(), &|_| {}).unwrap();
        other_label(&mut forged.outputs);
        for node in corrupt.iter() {
            let outputs: Vec<ReleasedOutput> = computed.forged(node, &other_label).outputs().to_vec();
            let signed = statement(&forged.subject, node as u8, &outputs);
            forged.signatures[node].signature = computed.members.identities[node].sign(Purpose::Release, &signed);
        }
        let error = forged.verify(&computed.members.cluster).unwrap_err();
        let honest = computed.members.cluster.node_name(threshold);
        assert_eq!(error, CertificateError::Signature(honest));

        // The test can fail: with the signatures of all participants the certificate would be valid.
        for node in 0..nodes {
            let part: Vec<ReleasedOutput> = forged
                .outputs
                .iter()
                .map(|output| output.part(&computed.members.cluster.access().held_by(node)))
                .collect();
            let signed = statement(&forged.subject, node as u8, &part);
            forged.signatures[node].signature = computed.members.identities[node].sign(Purpose::Release, &signed);
        }
        assert!(forged.verify(&computed.members.cluster).is_ok());
    }
}

#[test]
fn records_that_not_every_participant_signs_are_not_certified() {
    for (nodes, threshold) in CLUSTERS {
        let computed = computed(nodes, threshold);
        let (cluster, identities) = (&computed.members.cluster, &computed.members.identities);
        let honest = computed.assembled(NodeSet::default(), &|_| {}).unwrap();
        let mut other = honest.records;
        other.root = Digest::of("other", &[]);
        for liar in 0..nodes {
            let mut released = computed.released.clone();
            let outputs = released[liar].outputs().to_vec();
            released[liar] = made_up_release(&honest.subject, liar, outputs, other, &identities[liar]);
            let error = Certificate::assemble(cluster, &computed.job, computed.accepted.facts(), released).unwrap_err();
            assert!(matches!(error, CertificateError::Records { .. }), "{error}");
        }

        // A coordinator that colludes with the corrupt nodes certifies their root: the first honest node has not signed it.
        let mut forged = honest.clone();
        forged.records = other;
        let signed = RootStatement::new(&forged.subject, other);
        let sign = |forged: &mut Certificate, node: usize| forged.records_signatures[node].signature = signed.sign(&identities[node]);
        (0..threshold).for_each(|node| sign(&mut forged, node));
        let error = CertificateError::Signature(cluster.node_name(threshold));
        assert_eq!(forged.verify(cluster).unwrap_err(), error);
        // The test can fail: with the signatures of all participants the certificate would be valid.
        (0..nodes).for_each(|node| sign(&mut forged, node));
        assert!(forged.verify(cluster).is_ok());
        forged.records.contributors += 1;
        assert!(matches!(forged.verify(cluster), Err(CertificateError::PublicFacts(_))));
    }
}

#[test]
fn labels_in_components_are_not_certified() {
    let computed = computed(3, 1);
    let in_components = |outputs: &mut [ReleasedOutput]| {
        let values = labels(outputs).clone();
        let output = outputs.iter_mut().find(|output| output.name == OutputName::Labels).unwrap();
        output.values = OutputValues::Components((0..3).map(|component| (component, values.clone())).collect());
    };
    let one = computed.assembled([0].into_iter().collect(), &in_components).unwrap_err();
    assert!(matches!(one, CertificateError::Copies { .. }), "{one}");
    let all = computed.assembled(NodeSet::all(3), &in_components).unwrap_err();
    assert_eq!(all, CertificateError::Shape(OutputName::Labels));
}
