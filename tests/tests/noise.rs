//! Real nodes with real stores: a sensitive job has one noise, whoever computes it again, after restarts, and where a node has lost what
//! it had recorded.

use std::time::Duration;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::control::{Computed, Refusal};
use tacit_protocol::phase::Phase;
use tacit_protocol::release::OutputName;
use tacit_tests::api_client::submit;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{Connection, get_as};
use tacit_tests::impostor::coordinator::ImpostorCoordinator;
use tacit_tests::impostor::work::{Work, output};
use tacit_tests::stored::{forget_notices, record_release, release_record, restore_release_record};

/// The time-out of a round. Nodes that were started again may first have to find out that old connections are dead.
const ROUND: Duration = Duration::from_secs(4);

fn set(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

/// What the nodes released about all answers.
fn numbers(impostor: &ImpostorCoordinator, computed: &[Computed]) -> Vec<Vec<Fp61>> {
    let names = [OutputName::ClassTotals, OutputName::Agreement];
    names.iter().map(|name| output(&impostor.cluster, computed, *name)).collect()
}

/// Stops a node, takes from its store what it recorded of a job, as an old backup would, and starts it again.
fn lose_record(impostor: &mut ImpostorCoordinator, node: usize, job: &str) {
    impostor.nodes.kill_node(node);
    record_release(&impostor.nodes.node_folder(node), job, None);
    impostor.nodes.start_node(node);
}

#[test]
fn a_sensitive_job_has_one_noise_for_ever() {
    let mut impostor = ImpostorCoordinator::start(4, 1, ROUND);
    let work = Work::sensitive(&impostor.cluster, "once");
    impostor.prepare_work(&work);
    let everyone: Vec<usize> = (0..10).collect();
    let first = impostor.completes(&work, 1, set(&[0, 1, 2]), &work.list());
    let noisy = numbers(&impostor, &first);
    assert_ne!(noisy[0], work.totals(&everyone), "totals without noise");
    // All items have ten answers: one sum of pairs stands for all, and shares follow from totals.
    assert_eq!((noisy[0].len(), noisy[1].len()), (4, 1));
    // Node 3 has no part in it so far.
    let second = impostor.completes(&work, 2, set(&[1, 2, 3]), &work.list());
    assert_eq!(numbers(&impostor, &second), noisy);

    // Every node starts again; node 2 has lost what it recorded, and gets it back from its peers.
    for node in [0, 1, 3] {
        impostor.nodes.kill_node(node);
        impostor.nodes.start_node(node);
    }
    lose_record(&mut impostor, 2, "once");
    impostor.nodes.ready();
    impostor.connect();
    let third = impostor.completes(&work, 3, set(&[0, 2, 3]), &work.list());
    assert_eq!(numbers(&impostor, &third), noisy);
    impostor.unharmed("after");
}

#[test]
fn nodes_with_different_records_release_nothing_and_name_each_other() {
    let mut impostor = ImpostorCoordinator::start(4, 1, ROUND);
    let work = Work::sensitive(&impostor.cluster, "twice");
    impostor.prepare_work(&work);
    impostor.completes(&work, 1, set(&[0, 1, 2]), &work.list());
    // As if two of the three had been restored from old backups. While a node is there that remembers, there is no second noise.
    for node in [1, 2] {
        lose_record(&mut impostor, node, "twice");
    }
    impostor.nodes.ready();
    impostor.connect();
    impostor.refuses_second_result(&work, 20, set(&[1, 2, 3]), &work.list());
    // As if all but node 0 had been, which is away then: honest nodes make a second record.
    for node in [1, 2, 3] {
        impostor.nodes.kill_node(node);
        record_release(&impostor.nodes.node_folder(node), "twice", None);
        forget_notices(&impostor.nodes.node_folder(node));
        impostor.nodes.start_node(node);
    }
    impostor.nodes.ready();
    impostor.connect();
    impostor.nodes.kill_node(0);
    impostor.completes(&work, 40, set(&[1, 2, 3]), &work.list());
    impostor.nodes.start_node(0);
    impostor.nodes.ready();
    impostor.connect();
    for refusal in refusals(&impostor, &work, set(&[0, 1, 3])) {
        let Refusal::Session {
            phase: Some(Phase::Release),
            suspects,
            transient: false,
            message,
        } = &refusal
        else {
            panic!("{refusal:?}")
        };
        assert_eq!(*suspects, set(&[0, 1, 3]));
        assert!(message.contains("the keys of the noise") && message.contains("node-0"), "{message}");
    }
    impostor.unharmed("after");
}

/// Three nodes, so that every computation needs the one whose record differs from those of the others.
#[test]
fn a_buyer_reads_that_nothing_opens_while_records_differ() {
    let mut impostor = ImpostorCoordinator::start(3, 1, ROUND);
    let work = Work::sensitive(&impostor.cluster, "torn");
    impostor.prepare_work(&work);
    impostor.completes(&work, 1, impostor.all(), &work.list());
    // All three lose what they have recorded, and record other noise. Of node 0 there is a backup.
    impostor.nodes.kill_node(0);
    let folder = impostor.nodes.node_folder(0);
    let backup = release_record(&folder, "torn");
    impostor.nodes.start_node(0);
    for node in 0..3 {
        impostor.nodes.kill_node(node);
        record_release(&impostor.nodes.node_folder(node), "torn", None);
        forget_notices(&impostor.nodes.node_folder(node));
        impostor.nodes.start_node(node);
    }
    impostor.nodes.ready();
    impostor.connect();
    impostor.completes(&work, 2, impostor.all(), &work.list());
    impostor.nodes.kill_node(0);
    restore_release_record(&folder, "torn", &backup);
    impostor.nodes.start_node(0);

    // The same job and the same answers, with a real coordinator.
    let mut cluster = impostor.into_nodes();
    cluster.start_coordinator();
    cluster.ready();
    let mut connection = Connection::open(&cluster.api);
    let opened = connection.request_as(Some(&cluster.token), "PUT", "/v1/jobs/torn", "application/json", &work.spec);
    assert_eq!(opened.status, 201, "{}", opened.body);
    for submission in &work.submissions {
        submit(&mut connection, "torn", submission);
    }
    // It may be full, and have closed by itself.
    let _ = cluster.tacit(["job", "close", "torn", "--yes"]);
    cluster.wait_for("torn", |status| status["state"] == "failed");
    let status = cluster.status("torn");
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("the keys of the noise"), "{reason}");
    assert!((0..3).all(|node| reason.contains(&format!("`node-{node}`"))), "{reason}");
    let shown = cluster.tacit(["job", "status", "torn"]).ok();
    assert!(shown.contains("failed") && shown.contains("the keys of the noise"), "{shown}");
    for output in ["result", "certificate", "payouts"] {
        let answer = get_as(&cluster.token, &cluster.api, &format!("/v1/jobs/torn/{output}"));
        assert!(answer.contains("urn:tacit:problem:"), "{output}: {answer}");
    }
}

/// Why each of these nodes releases nothing; tried again after transient failures.
fn refusals(impostor: &ImpostorCoordinator, work: &Work, participants: NodeSet) -> Vec<Refusal> {
    for attempt in 60..70 {
        let ended = impostor.compute(work, attempt, participants, &work.list());
        let refusals: Vec<Refusal> = ended.into_iter().map(|one| one.expect_err("a node released outputs")).collect();
        if !refusals
            .iter()
            .any(|refusal| matches!(refusal, Refusal::Session { transient: true, .. }))
        {
            return refusals;
        }
    }
    panic!("nodes do not reach each other")
}

#[test]
fn a_buyer_reads_how_much_noise_a_result_has_and_verifies_it() {
    let cluster = TestCluster::start(3, 1);
    let items: String = (0..20).map(|i| format!("item-{i}\n")).collect();
    cluster.write("items.csv", &format!("id\n{items}"));
    let people: Vec<String> = (0..10).map(|i| format!("person {i}")).collect();
    let (pool, codes) = cluster.invite("crowd", &people);
    let spec = "name = \"noisy\"\nquestion = { kind = \"categorical\", classes = [\"no\", \"yes\"] }\nitems = \"items.csv\"\n\
                answers_per_item = 10\nrelease = [\"agreement\"]\n";
    cluster.write("noisy.toml", &format!("{spec}issuers = {pool}\n"));
    let job = cluster
        .tacit(["job", "create", "noisy.toml", "--id", "noisy"])
        .ok()
        .trim()
        .to_owned();
    // Everybody agrees: without noise this alone would tell every answer.
    for (contributor, code) in codes.iter().enumerate() {
        cluster.answer_invited(&job, &format!("c{contributor}"), code, &["yes"; 20]).ok();
    }
    // Full, so it closes by itself.
    let out = cluster.end(&job);
    let path = out.join("result.json");
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let totals = ["no", "yes"].map(|class| result["class_totals"][class].as_u64().unwrap());
    assert_eq!(totals.iter().sum::<u64>(), 200);
    assert!(
        (result["noise"]["class_totals"].as_f64().unwrap() - 48f64.sqrt()).abs() < 1e-9,
        "{result}"
    );
    let text = cluster.tacit(["job", "result", &job]).ok();
    assert!(text.contains("noise: 6.9 answers in each class total"), "{text}");
    let verified = cluster
        .tacit([
            "verify",
            path.to_str().unwrap(),
            "--cluster",
            "cluster.toml",
            "--spec",
            "noisy.toml",
        ])
        .ok();
    assert!(verified.contains("verified"), "{verified}");
}
