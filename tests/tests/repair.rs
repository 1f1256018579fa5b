//! A node that has lost its part of submissions, with a real coordinator: its peers give it what it lacks, and every answer counts.

use std::path::Path;

use serde_json::Value;
use tacit_tests::cluster::TestCluster;
use tacit_tests::impostor::coordinator::counted;
use tacit_tests::stored::{node_store, number};

const ANSWERS: [(&str, [&str; 3]); 3] = [
    ("alice", ["yes", "no", "yes"]),
    ("bob", ["yes", "no", "no"]),
    ("carol", ["yes", "yes", "no"]),
];

/// How many submissions a node has repaired.
fn repaired(cluster: &TestCluster, node: usize) -> u64 {
    let admin = cluster.nodes[node].as_ref().unwrap().admin().to_owned();
    counted(&admin, "tacit_node_repairs_total{outcome=\"repaired\"} ")
}

fn assert_all_count(out: &Path) {
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap() };
    let (result, certificate) = (read("result.json"), read("certificate.json"));
    assert_eq!(
        (&result["job"]["answers"], &result["job"]["rejected_answers"]),
        (&9.into(), &0.into())
    );
    assert_eq!(certificate["facts"]["refused"], serde_json::json!([]));
    assert_eq!(result["job"].get("refused"), None);
}

#[test]
fn rows_that_were_damaged_or_lost_come_back_from_the_other_nodes() {
    let mut cluster = TestCluster::start(3, 1);
    let damages = [
        // The components of one submission, of all, and all that the node had stored.
        (
            "one",
            "UPDATE components_JOB SET sealed = zeroblob(length(sealed)) WHERE number = (SELECT MAX(number) FROM components_JOB)",
            1,
        ),
        ("all", "UPDATE components_JOB SET sealed = zeroblob(length(sealed))", 3),
        ("lost", "DELETE FROM components_JOB; DELETE FROM submissions_JOB", 3),
    ];
    for (job, damage, lost) in damages {
        cluster.create_job(job, 3, 9);
        for (name, answers) in ANSWERS {
            cluster.answer(job, name, &answers).ok();
        }
        cluster.wait_for(job, |status| status["delivered"] == 3);
        cluster.kill_node(1);
        let store = node_store(&cluster.node_folder(1));
        let number = number(&store, job).to_string();
        store.execute_batch(&damage.replace("JOB", &number)).unwrap();
        drop(store);
        cluster.start_node(1);
        cluster.ready();
        assert_all_count(&cluster.finish(job));
        assert_eq!(repaired(&cluster, 1), lost, "{job}");
    }
    for node in [0, 2] {
        assert_eq!(repaired(&cluster, node), 0, "node {node} lacked nothing");
    }
}
