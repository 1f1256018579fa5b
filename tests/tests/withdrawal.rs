//! A contributor takes its answers back while one node is away: they are in no result, every node signs that it has erased them, the one that was
//! away as soon as it is back; and nobody else can take them back, or bring them again.

use serde_json::Value;
use tacit_protocol::api::{WithdrawalRequest, WithdrawalStatus};
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::share;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::question::Answer;
use tacit_protocol::submission::Submission;
use tacit_protocol::withdrawal::{Erasure, Withdrawal};
use tacit_tests::api_client::{cluster_file, enrol, job, path, put, submit};
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{Answer as Response, Connection, request};
use tacit_tests::stored::node_store;

/// The node that is away.
const AWAY: usize = 2;

fn withdraw(cluster: &TestCluster, job: &str, submission: &Submission, statement: &Withdrawal, key: &SecretKey) -> Response {
    let body = serde_json::to_vec(&WithdrawalRequest {
        signature: statement.sign(key),
    });
    request(&cluster.api, "DELETE", &path(job, submission), "application/json", &body.unwrap())
}

fn result(out: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap()
}

#[test]
fn answers_are_taken_back_while_a_node_is_away() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.create_job("back", 3, 9);
    for (name, answers) in [
        ("alice", ["yes", "yes", "yes"]),
        ("bob", ["no", "no", "yes"]),
        ("carol", ["no", "no", "no"]),
    ] {
        cluster.answer("back", name, &answers).ok();
    }
    cluster.wait_for("back", |status| status["delivered"] == 3);
    cluster.kill_node(AWAY);
    let error = cluster
        .tacit(["withdraw", "back", "--key", "alice.key", "--wait-seconds", "3"])
        .error();
    assert!(error.contains("node-2") && error.contains("run this again"), "{error}");
    assert_eq!(cluster.status("back")["state"], "open");

    // The one that was away has her components until it is back.
    let rows = |node: usize| -> i64 {
        let store = node_store(&cluster.node_folder(node));
        let number: i64 = store.query_row("SELECT number FROM jobs", [], |row| row.get(0)).unwrap();
        let count = format!("SELECT COUNT(*) FROM components_{number}");
        store.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(rows(AWAY), 3);
    cluster.start_node(AWAY);
    let said = cluster.tacit(["withdraw", "back", "--key", "alice.key"]).ok();
    assert!(said.contains(" 3 "), "{said}");
    let receipt = cluster.tacit(["receipt", "back", "--key", "alice.key"]);
    // Nobody is accused, and nothing is sent again.
    assert_eq!(receipt.err, "");
    assert!(receipt.ok().contains("1 of 1 submissions were withdrawn"));

    let result = result(&cluster.finish("back"));
    assert_eq!(
        (&result["job"]["answers"], &result["job"]["rejected_answers"]),
        (&6.into(), &0.into())
    );
    assert_eq!(
        (&result["class_totals"]["no"], &result["class_totals"]["yes"]),
        (&5.into(), &1.into())
    );
    let receipt = cluster.tacit(["receipt", "back", "--key", "alice.key"]);
    assert_eq!(receipt.err, "");
    assert!(receipt.ok().contains("there is nothing to certify about it"));
    // Again it is the same, and what others have sent is fixed.
    cluster.tacit(["withdraw", "back", "--key", "alice.key"]).ok();
    let error = cluster.tacit(["withdraw", "back", "--key", "bob.key"]).error();
    assert!(error.contains("fixed") && error.contains("409"), "{error}");
}

#[test]
fn nobody_else_takes_answers_back_and_nobody_brings_them_again() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("mine", 3, 9);
    cluster.create_job("other", 3, 9);
    let (file, mut connection) = (cluster_file(&cluster), Connection::open(&cluster.api));
    let [alice, mallory] = ["alice", "mallory"].map(|name| (enrol(&mut connection, &file, name), name));
    let share = |to: &str, (author, name): &(tacit_tests::forgery::Author, &str)| {
        let answers = [(0, Answer::Class(1)), (1, Answer::Class(0))];
        share(&file, &job(&cluster, to), name, &author.key, &answers, &mut rand::rng()).unwrap()
    };
    let [hers, elsewhere, his] = [share("mine", &alice), share("other", &alice), share("mine", &mallory)];
    submit(&mut connection, "mine", &hers);
    submit(&mut connection, "other", &elsewhere);
    submit(&mut connection, "mine", &his);
    let statement = |of: &Submission| Withdrawal::of(&of.header.value);
    for (attack, statement, key) in [
        ("somebody else's key", statement(&hers), &mallory.0.key),
        ("her withdrawal from another job", statement(&elsewhere), &alice.0.key),
        ("his own withdrawal", statement(&his), &mallory.0.key),
    ] {
        let answer = withdraw(&cluster, "mine", &hers, &statement, key);
        assert_eq!(answer.status, 400, "{attack}: {}", answer.body);
    }
    let erased = |of: &Submission| -> WithdrawalStatus {
        let answer = withdraw(&cluster, "mine", of, &statement(of), &alice.0.key);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let status = loop {
        let status = erased(&hers);
        if status.waiting_on.is_empty() {
            break status;
        }
        assert!(std::time::Instant::now() < end, "{status:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let signers: Vec<_> = status
        .erasures
        .iter()
        .map(|receipt| Erasure::signer(receipt, &file, &hers.header.value))
        .collect();
    assert_eq!(signers, [Some(0), Some(1), Some(2)]);
    // The same bytes again.
    let again = put(&mut connection, "mine", &hers);
    assert_eq!(again.status, 409, "{}", again.body);
    assert!(!encode(&hers).is_empty() && again.body.contains("withdrawn"));
    let out = cluster.finish("mine");
    assert_eq!(result(&out)["job"]["answers"], 2);
}

#[test]
fn whoever_has_taken_answers_back_can_answer_again() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("again", 2, 9);
    cluster.answer("again", "alice", &["yes", "yes"]).ok();
    cluster.tacit(["withdraw", "again", "--key", "alice.key"]).ok();
    let said = cluster.answer("again", "alice", &["no", "yes"]).ok();
    assert!(said.contains("2 new answers of alice sent;"), "{said}");
    let result = result(&cluster.finish("again"));
    assert_eq!(
        (&result["class_totals"]["no"], &result["class_totals"]["yes"]),
        (&1.into(), &1.into())
    );
    let receipt = cluster.tacit(["receipt", "again", "--key", "alice.key"]);
    assert_eq!(receipt.err, "");
    let said = receipt.ok();
    assert!(
        said.contains("1 of 2 submissions were withdrawn") && said.contains("certified: 2 of your 2 answers count"),
        "{said}"
    );
}
