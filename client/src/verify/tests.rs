use std::collections::BTreeMap;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::{AcceptedSet, SubmissionEntry};
use tacit_protocol::cluster::{ClusterFile, CoordinatorEntry, NodeEntry};
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::identity::{Purpose, SecretKey};
use tacit_protocol::job::{Item, Job, JobSpec, PayRule, Payout};
use tacit_protocol::question::{Answer, Categorical, Release};
use tacit_protocol::release::{OutputName, OutputValues, Released, ReleasedOutput, Subject, statement};
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use super::*;

const CLUSTER: &str = "cluster.toml";

fn node_key(index: usize) -> SecretKey {
    SecretKey::from_bytes(&[index as u8 + 1; 32])
}

fn cluster_file() -> String {
    let node = |index: usize| NodeEntry {
        name: format!("node-{index}"),
        operator: format!("operator {index}"),
        address: format!("127.0.0.1:{}", 7000 + index),
        identity: node_key(index).public(),
        sealing: UnsealingKey::generate(Suite::X25519, &mut rand::rng()).public(),
    };
    let file = ClusterFile {
        protocol: PROTOCOL_VERSIONS.max,
        name: "test".into(),
        threshold: 1,
        coordinator: CoordinatorEntry {
            url: "http://127.0.0.1:1".into(),
            identity: node_key(99).public(),
        },
        nodes: (0..3).map(node).collect(),
    };
    toml::to_string(&file).unwrap()
}

fn job() -> Job {
    let spec = JobSpec {
        answers_per_item: 2,
        sensitive: false,
        release: [Release::ClassTotals, Release::Payouts].into(),
        payout: Some(Payout {
            rule: PayRule::Flat,
            currency: "EUR".into(),
            base_per_item: 10,
            bonus_per_item: 0,
            budget: 1_000,
        }),
        ..JobSpec::new("test", Categorical::new(["no", "yes"]), ["1", "2"].map(Item::new))
    };
    Job::new("j".parse().unwrap(), spec).unwrap()
}

/// A certificate as three honest nodes would sign it, of outputs that are made up.
fn certificate(cluster: &Cluster, job: &Job) -> Certificate {
    let headers: Vec<Header> = (0..2u8)
        .map(|c| {
            let key = SecretKey::from_bytes(&[50 + c; 32]);
            let name = format!("worker {c}");
            Submission::create(
                cluster,
                job,
                &name,
                &key,
                &[(0, Answer::Class(1)), (1, Answer::Class(0))],
                &mut rand::rng(),
            )
            .unwrap()
            .header
            .value
        })
        .collect();
    let list: Vec<SubmissionEntry> = headers
        .iter()
        .map(|h| SubmissionEntry {
            submission: h.digest(),
            answers: 2,
        })
        .collect();
    let crowd = AcceptedSet::assemble(job, &list, &[0, 0], |index| headers.get(index)).unwrap();
    // Nothing was malformed: the candidates are the accepted set.
    let subject = Subject::new(cluster, job.digest(), crowd.digest(), &crowd, NodeSet::all(3));
    let released: Vec<Released> = (0..3)
        .map(|node| {
            let components: BTreeMap<u8, Vec<Fp61>> = cluster
                .access()
                .held_by(node)
                .into_iter()
                .map(|c| (c as u8, vec![if c == 0 { Fp61::reduce(2) } else { Fp61::reduce(0) }; 2]))
                .collect();
            let outputs = vec![ReleasedOutput {
                name: OutputName::ClassTotals,
                values: OutputValues::Components(components),
            }];
            let signature = node_key(node).sign(Purpose::Release, &statement(&subject, node as u8, &outputs));
            // No session stands behind it, so it is made as a forger would.
            decode(&encode(&(&subject, node as u8, &outputs, signature)), "a release").unwrap()
        })
        .collect();
    Certificate::assemble(cluster, job, crowd.facts(), released)
        .unwrap()
        .into_certificate()
}

fn published() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster_file();
    let certificate = certificate(&Cluster::parse(cluster.as_bytes()).unwrap(), &job());
    let report = Report::new(&certificate, &Cluster::parse(cluster.as_bytes()).unwrap()).unwrap();
    for (name, bytes) in [
        (CLUSTER, cluster.into_bytes()),
        (CERTIFICATE, certificate.to_json()),
        (RESULT, report.to_json()),
        (PAYOUTS, report.payouts_csv()),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn verify_in(folder: &Path, what: &str) -> Result<Verified, VerifyError> {
    verify(&folder.join(what), &folder.join(CLUSTER))
}

#[test]
fn what_the_nodes_signed_verifies() {
    let folder = published();
    for what in [RESULT, CERTIFICATE] {
        let verified = verify_in(folder.path(), what).unwrap();
        assert_eq!(verified.report.job.id, "j");
        assert_eq!(verified.signers()[2], ("node-2", "operator 2"));
        assert_eq!(verified.report.payouts.unwrap().total, 40);
    }
}

#[test]
fn every_altered_byte_is_refused_and_its_file_named() {
    let folder = published();
    for name in [CLUSTER, CERTIFICATE, RESULT, PAYOUTS] {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).unwrap();
        let step = bytes.len().div_ceil(150);
        let places = (0..bytes.len()).step_by(step).chain([bytes.len() - 1]);
        for place in places {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            std::fs::write(&path, altered).unwrap();
            for what in [RESULT, CERTIFICATE] {
                let message = verify_in(folder.path(), what).unwrap_err().to_string();
                assert!(
                    message.contains(name) || (name == CLUSTER && message.contains("cluster file")),
                    "{name} {place}: {message}"
                );
                assert!(!message.contains('\n'), "{message}");
            }
        }
        for altered in [[bytes.as_slice(), b"\n"].concat(), bytes[..bytes.len() - 1].to_vec(), Vec::new()] {
            std::fs::write(&path, altered).unwrap();
            assert!(verify_in(folder.path(), RESULT).is_err(), "{name}");
        }
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(verify_in(folder.path(), RESULT).is_ok());
}

#[test]
fn a_result_needs_its_other_files() {
    for name in [CERTIFICATE, PAYOUTS] {
        let folder = published();
        std::fs::remove_file(folder.path().join(name)).unwrap();
        let missing = VerifyError::Missing {
            path: folder.path().join(name),
            beside: folder.path().join(RESULT),
        };
        assert_eq!(verify_in(folder.path(), RESULT).unwrap_err(), missing);
    }
    let folder = published();
    std::fs::remove_file(folder.path().join(RESULT)).unwrap();
    std::fs::remove_file(folder.path().join(PAYOUTS)).unwrap();
    assert!(verify_in(folder.path(), CERTIFICATE).is_ok());
}
