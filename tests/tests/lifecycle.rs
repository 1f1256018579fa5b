//! Jobs from their opening to a verified result, with restarts and lost members in between.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;
use tacit_mpc_core::digest::Digest;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::stored::{node_store, record_release};

const YES: &str = "yes";
const NO: &str = "no";

fn result(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap()
}

fn three_answers(cluster: &TestCluster, job: &str) {
    cluster.answer(job, "alice", &[YES, NO, YES]).ok();
    cluster.answer(job, "bob", &[YES, NO, NO]).ok();
    cluster.answer(job, "carol", &[YES, YES, NO]).ok();
}

/// Their observed agreement: all agree on item 0, and one pair of three on items 1 and 2.
fn assert_scored(out: &Path) {
    let result = result(out);
    let observed = result["agreement"]["observed"].as_f64().unwrap();
    assert!((observed - 5.0 / 9.0).abs() < 1e-12, "{result}");
    assert_eq!(result["job"]["answers"], 9);
}

#[test]
fn a_job_is_scored_and_verifies() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("signs", 3, 5);
    three_answers(&cluster, &job);
    // Sending the same again changes nothing.
    cluster.answer(&job, "alice", &[YES, NO, YES]).ok();
    assert_eq!(cluster.create_job("signs", 3, 5), job);
    let out = cluster.finish(&job);
    assert_scored(&out);
    let result = result(&out);
    assert_eq!(result["job"]["rejected_answers"], 0);
    assert_eq!(result["labels"], Value::Array(Vec::new()));
    let path = out.join("result.json");
    let verify = [
        "verify",
        path.to_str().unwrap(),
        "--cluster",
        "cluster.toml",
        "--spec",
        "signs.toml",
    ];
    let output = cluster.tacit(verify).ok();
    assert!(output.contains("verified") && output.contains("5 answers to an item"), "{output}");
    // The nodes certify the terms that they got; the buyer compares these with its spec.
    let spec = std::fs::read_to_string(cluster.folder().join("signs.toml")).unwrap();
    cluster.write("signs.toml", &spec.replace("answers_per_item = 5", "answers_per_item = 4"));
    let error = cluster.tacit(verify).error();
    assert!(error.contains("signs.toml") && error.contains("other terms"), "{error}");
    cluster.write("signs.toml", &spec);
    let error = cluster.answer(&job, "dave", &[YES]).error();
    // The items are erased soon after the job has ended.
    assert!(
        error.contains("no longer accepts submissions") || error.contains("items are erased"),
        "{error}"
    );
}

#[test]
fn an_empty_job_has_a_result_without_numbers() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("empty", 2, 3);
    let result = result(&cluster.finish(&job));
    assert_eq!(result["job"]["answers"], 0);
    for measure in ["observed", "observed_pooled", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"] {
        assert!(result["agreement"][measure].is_null());
        assert!(result["agreement"][format!("{measure}_reason")].is_string());
    }
    assert_eq!(result["payouts"]["total"], 0);
}

/// The jobs ask for more answers than they get, so that they do not close by themselves before the others are ready.
#[test]
fn several_jobs_run_at_once() {
    let mut cluster = TestCluster::start(3, 1);
    let jobs: Vec<String> = (0..4).map(|i| cluster.create_job(&format!("job-{i}"), 3, 9)).collect();
    jobs.iter().for_each(|job| three_answers(&cluster, job));
    // Without one of three nodes no job can end: all are running when the node returns.
    cluster.kill_node(0);
    jobs.iter().for_each(|job| cluster.close(job));
    for job in &jobs {
        let state = cluster.status(job)["state"].clone();
        assert!(state == "closing" || state == "computing", "{job}: {state}");
    }
    cluster.start_node(0);
    for job in &jobs {
        assert_scored(&cluster.end(job));
    }
}

#[test]
fn everything_survives_a_restart() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("restart", 3, 3);
    cluster.answer(&job, "alice", &[YES, NO, YES]).ok();
    // Kill the processes, like a crash.
    cluster.coordinator.take().unwrap().kill();
    cluster.nodes[1].take().unwrap().kill();
    cluster.start_coordinator();
    cluster.start_node(1);
    cluster.answer(&job, "bob", &[YES, NO, NO]).ok();
    cluster.answer(&job, "carol", &[YES, YES, NO]).ok();
    let out = cluster.finish(&job);
    assert_scored(&out);
    // A published result is still there after another restart.
    cluster.coordinator.take().unwrap().kill();
    cluster.start_coordinator();
    let again = cluster.folder().join("again");
    cluster.tacit(["job", "result", &job, "--out", again.to_str().unwrap()]).ok();
    for name in ["result.json", "payouts.csv", "certificate.json"] {
        assert_eq!(std::fs::read(again.join(name)).unwrap(), std::fs::read(out.join(name)).unwrap());
    }
}

#[test]
fn four_nodes_go_on_without_one() {
    let mut cluster = TestCluster::start(4, 1);
    let job = cluster.create_job("loss", 3, 9);
    three_answers(&cluster, &job);
    assert_eq!(cluster.status(&job)["state"], "open");
    cluster.kill_node(2);
    let out = cluster.finish(&job);
    assert_scored(&out);
    let certificate: Value = serde_json::from_slice(&std::fs::read(out.join("certificate.json")).unwrap()).unwrap();
    assert_eq!(certificate["subject"]["participants"], serde_json::json!([0, 1, 3]));
}

#[test]
fn a_node_that_crashes_right_after_the_close_delays_the_result_only() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("crash", 3, 9);
    three_answers(&cluster, &job);
    cluster.close(&job);
    cluster.kill_node(1);
    cluster.start_node(1);
    assert_scored(&cluster.end(&job));
}

/// A suspended node delays the computation, so that it is killed in the middle of it.
#[test]
fn a_node_that_crashes_while_computing_delays_the_result_only() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("midst", 3, 9);
    three_answers(&cluster, &job);
    cluster.wait_for(&job, |status| status["delivered"] == 3);
    cluster.nodes[1].as_ref().unwrap().freeze();
    cluster.close(&job);
    cluster.wait_for(&job, |status| status["state"] == "computing" && status["attempt"] == 1);
    cluster.kill_node(1);
    cluster.start_node(1);
    assert_scored(&cluster.end(&job));
    assert!(
        cluster.status(&job)["attempt"].as_u64().unwrap() > 1,
        "the first attempt cannot have ended well"
    );
}

#[test]
fn a_job_that_is_refused_or_fails_does_not_disturb_another() {
    let mut cluster = TestCluster::start(3, 1);
    let (good, bad) = (cluster.create_job("good", 3, 9), cluster.create_job("bad", 3, 9));
    for job in [&good, &bad] {
        three_answers(&cluster, job);
        cluster.wait_for(job, |status| status["delivered"] == 3);
    }
    // Node 1 has released outputs of another accepted set, and has a job that the coordinator does not know.
    cluster.kill_node(1);
    record_release(&cluster.node_folder(1), &bad, Some(&Digest::from_bytes([0; 32])));
    let store = node_store(&cluster.node_folder(1));
    let known = "INSERT INTO jobs (id, digest, record, opened_at, items, spec_bytes)
         SELECT 'taken', digest, record, opened_at, items, spec_bytes FROM jobs WHERE id = 'good'";
    assert_eq!(store.execute(known, []).unwrap(), 1);
    drop(store);
    cluster.start_node(1);
    cluster.ready();

    let spec = std::fs::read_to_string(cluster.folder().join("good.toml")).unwrap();
    cluster.write("taken.toml", &spec);
    let refused = cluster.tacit(["job", "create", "taken.toml", "--id", "taken"]).error();
    assert!(refused.contains("node-1") && refused.contains("taken"), "{refused}");
    cluster.close(&bad);
    let failed = cluster.tacit(["job", "watch", &bad]).error_with(8);
    assert!(failed.contains("bad is failed") && failed.contains("node-1"), "{failed}");
    assert_eq!(cluster.status(&good)["state"], "open");
    assert_scored(&cluster.finish(&good));
    assert_eq!(cluster.status(&bad)["state"], "failed");
    assert!(cluster.tacit(["job", "result", &bad]).error_with(8).contains("bad is failed"));
}

#[test]
fn answers_beyond_what_the_job_asks_for_do_not_count() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("full", 2, 2);
    cluster.answer(&job, "alice", &[YES]).ok();
    cluster.answer(&job, "bob", &[YES]).ok();
    let early = cluster.answer(&job, "carol", &[NO]).ok();
    assert!(!early.contains("certified"), "{early}");
    let result = result(&cluster.finish(&job));
    assert_eq!(result["job"]["answers"], 2);
    assert_eq!(result["job"]["rejected_answers"], 1);
    assert_eq!(result["class_totals"]["yes"], 2);
    // `tacit receipt` shows the outcome of the answers. `tacit answer` cannot any more, as the items are erased, and says so.
    let receipt = |key: &str| cluster.tacit(["receipt", &job, "--key", key]).ok();
    let counted = receipt("alice.key");
    assert!(
        counted.contains("certified: 1 of your 1 answers count") && !counted.contains("rejected as"),
        "{counted}"
    );
    let full = receipt("carol.key");
    assert!(full.contains("1 rejected as item_full") && full.contains("item-0"), "{full}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let erased = loop {
        let again = cluster.answer(&job, "alice", &[YES]);
        if again.code != Some(0) || std::time::Instant::now() > end {
            break again.error();
        }
        assert!(again.ok().contains("nothing new to send, 1 answers of alice sent before"));
    };
    assert!(erased.contains("items are erased") && erased.contains("tacit receipt"), "{erased}");
}

#[test]
fn a_cancelled_job_is_never_scored() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("gone", 3, 9);
    three_answers(&cluster, &job);
    assert_eq!(cluster.status(&job)["state"], "open");
    cluster.tacit(["job", "cancel", &job]).ok();
    let status = cluster.tacit(["job", "status", &job]).ok();
    assert!(status.contains("cancelled"), "{status}");
    for command in ["close", "result", "watch"] {
        let error = cluster.tacit(["job", command, &job]).error_with(9);
        assert!(error.contains("gone is cancelled"), "{command}: {error}");
    }
}

#[test]
fn processes_stop_when_told_and_answer_health_checks() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("health", 1, 3);
    for process in cluster.nodes.iter().flatten().chain(&cluster.coordinator) {
        assert_eq!(get(process.admin(), "/livez").trim(), "ok");
    }
    cluster.ready();
    assert!(cluster.tacit(["job", "list"]).ok().contains(&job));
    for process in cluster.nodes.drain(..).flatten().chain(cluster.coordinator.take()) {
        assert!(process.terminate().success());
    }
}

#[test]
fn a_node_stops_although_a_client_does_not_finish_its_request() {
    let mut cluster = TestCluster::start(3, 1);
    let node = cluster.nodes[0].take().unwrap();
    let log = cluster.node_folder(0).join("log.txt");
    let mut client = TcpStream::connect(node.admin()).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nhost:").unwrap();
    // Connections are accepted in order, so the node has accepted the first one when it answers on another one.
    assert_eq!(get(node.admin(), "/livez").trim(), "ok");
    assert!(node.terminate().success());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("some requests or tasks did not end in time"), "{log}");
}
