//! A node whose release has another form than it must is found alone, and left out where enough others remain.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::JobState;
use tacit_protocol::release::OutputValues;

use super::Bench;
use crate::testing::{AlterRelease, spec};

const WAYS: [(&str, AlterRelease); 4] = [
    ("another accepted set", |subject, _| {
        subject.accepted = Digest::of("test", &[b"another set"]);
    }),
    ("an output is missing", |_, outputs| drop(outputs.pop())),
    ("a component is missing", |_, outputs| {
        if let OutputValues::Components(components) = &mut outputs[0].values {
            components.pop_first();
        }
    }),
    ("an output is opened that must not be", |_, outputs| {
        outputs[0].values = OutputValues::Opened(Vec::new());
    }),
];

#[tokio::test]
async fn a_node_that_releases_in_a_wrong_form_is_left_out() {
    for (way, alter) in WAYS {
        let bench = Bench::new(4, 1).await;
        // More computations fail than the job has attempts, if it is not known whose fault they are.
        bench.cluster.nodes[0].release_altered(alter);
        let job = bench.open("signs", spec(2)).await;
        for byte in [1, 2] {
            bench.answers(&job, byte, &[0, 1]).await;
        }
        bench.close(&job).await;
        let status = bench.wait_for(&job, JobState::Published).await;
        assert_eq!(status.attempt, 2, "{way}");
        let (_, body) = bench.get("/v1/jobs/signs/certificate").await;
        let certificate = tacit_protocol::certificate::Certificate::from_json(&body).unwrap();
        let participants: Vec<usize> = certificate.subject.participants.iter().collect();
        assert_eq!(participants, [1, 2, 3], "{way}");
    }
}

#[tokio::test]
async fn nodes_that_agree_on_another_subject_are_not_accused() {
    let bench = Bench::new(4, 1).await;
    for node in &bench.cluster.nodes {
        node.release_altered(WAYS[0].1);
    }
    let job = bench.open("signs", spec(2)).await;
    bench.close(&job).await;
    let status = bench.wait_for(&job, JobState::Failed).await;
    let reason = status.reason.unwrap();
    assert!(reason.contains("all nodes signed for the same accepted set"), "{reason}");
}
