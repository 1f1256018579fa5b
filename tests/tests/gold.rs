//! Gold answers on a real cluster, with the commands of a buyer and its contributors; and gold for a sensitive job, which nobody takes.

use std::time::Duration;

use rand::rng;
use serde_json::Value;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::control::{Reply, Request};
use tacit_protocol::fixtures::{at_the_floors, buyer_key, gold_key};
use tacit_protocol::identity::{Purpose, SecretKey};
use tacit_protocol::job::{Gold, Job, JobSpec, PayRule, Payout};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;
use tacit_protocol::submission::gold::AUTHOR;
use tacit_tests::api_client::{self, cluster_file, put, submit};
use tacit_tests::cluster::{TestCluster, in_a_month};
use tacit_tests::forgery::{Author, elements};
use tacit_tests::http::Connection;
use tacit_tests::impostor::coordinator::ImpostorCoordinator;

/// The pay vectors V6 of the design: gold to items 1, 3 and 5.
const ANSWERS: [[usize; 6]; 3] = [[0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 1], [0, 1, 1, 2, 1, 2]];
const CLASSES: [&str; 3] = ["no", "yes", "other"];
const GOLD: [(usize, &str); 3] = [(1, "yes"), (3, "no"), (5, "other")];

fn answer_all(cluster: &TestCluster, job: &str) {
    for (c, answers) in ANSWERS.iter().enumerate() {
        cluster.answer(job, &format!("X{c}"), &answers.map(|class| CLASSES[class])).ok();
    }
}

#[test]
fn pay_by_gold_is_exact_and_nobody_sees_the_gold() {
    let cluster = TestCluster::start(3, 1);
    let output = cluster.create_job_with_gold("gold", 6, 4, &GOLD);
    assert!(output.err.contains("gold to 3 of 6 items"), "{}", output.err);
    assert_eq!(output.ok(), "gold\n");
    // The same gold again is no error; other gold is.
    cluster.create_job_with_gold("gold", 6, 4, &GOLD).ok();
    let changed = cluster.create_job_with_gold("gold", 6, 4, &GOLD[1..]).error();
    assert!(changed.contains("the gold answers have changed since they were sent"), "{changed}");
    assert_eq!(cluster.status("gold")["answers"], 0);

    answer_all(&cluster, "gold");
    let out = cluster.finish("gold");
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    let amounts: Vec<u64> = result["payouts"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["amount"].as_u64().unwrap())
        .collect();
    assert_eq!(amounts, [240_000, 180_000, 180_000]);
    let shares: Vec<f64> = result["contributors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["gold"].as_f64().unwrap())
        .collect();
    assert_eq!(shares, [1.0, 2.0 / 3.0, 2.0 / 3.0]);
    assert_eq!(result["job"]["rejected_answers"], 0);
    let row = |p: &Value| {
        format!(
            "{},{},{},EUR,gold\n",
            p["contributor"].as_str().unwrap(),
            p["key"].as_str().unwrap(),
            p["amount"]
        )
    };
    let rows: String = result["payouts"]["items"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        std::fs::read_to_string(out.join("payouts.csv")).unwrap(),
        format!("contributor,key,pay,currency,reference\n{rows}")
    );
    // The certified job is that of the spec with its key.
    let result = out.join("result.json");
    let verify = ["verify", result.to_str().unwrap(), "--spec", "gold.toml"];
    assert!(cluster.tacit(verify).ok().ends_with("verified\n"));
    std::fs::remove_file(cluster.folder().join("gold.toml.gold.key")).unwrap();
    assert!(cluster.tacit(verify).error().contains("gold.toml.gold.key"));
}

#[test]
fn a_job_whose_gold_did_not_come_fails_and_says_so() {
    let cluster = TestCluster::start(3, 1);
    let (key, mut connection) = (SecretKey::generate(&mut rng()), Connection::open(&cluster.api));
    let job = open(&cluster, &mut connection, "none", &key);
    assert_eq!(job.terms().gold, Some(Gold { key: key.public() }));
    cluster.answer("none", "alice", &["yes", "no", "yes"]).ok();
    cluster.close("none");
    let failed = cluster.tacit(["job", "watch", "none"]).error();
    assert!(
        failed.contains("the buyer's gold answers are not complete: part 1 of 1 did not come"),
        "{failed}"
    );
}

#[test]
fn malformed_gold_fails_the_job_by_its_name() {
    let cluster = TestCluster::start(3, 1);
    let (key, mut connection) = (SecretKey::generate(&mut rng()), Connection::open(&cluster.api));
    let job = open(&cluster, &mut connection, "bad", &key);
    let file = cluster_file(&cluster);
    let buyer = Author {
        name: "gold".to_owned(),
        key,
    };
    // The last item has two answers.
    let mut forgery = buyer.share(&file, &job, &[0, 1, 2], &elements(&[0, 0, 0, 1, 0, 0, 0, 1, 1]), &mut rng());
    forgery.envelope = b"tacit/v1 gold envelope";
    forgery.statement.consent = None;
    let envelopes = forgery.envelopes(&mut rng());
    let as_answers = buyer.sign(forgery.statement.clone(), envelopes.clone());
    let refused = put(&mut connection, "bad", &as_answers);
    assert!(refused.status == 422 && refused.body.contains("bad_signature"), "{}", refused.body);
    submit(&mut connection, "bad", &buyer.sign_for(Purpose::Gold, forgery.statement, envelopes));
    cluster.answer("bad", "alice", &["yes", "no", "yes"]).ok();
    cluster.close("bad");
    let failed = cluster.tacit(["job", "watch", "bad"]).error();
    assert!(failed.contains("the buyer's gold answers are malformed"), "{failed}");
    assert_eq!(cluster.status("bad")["attempt"], 1);
}

/// Opens a job of three items with gold answers of this key, and sends no gold.
fn open(cluster: &TestCluster, connection: &mut Connection, id: &str, key: &SecretKey) -> Job {
    cluster.ready();
    let spec = serde_json::json!({
        "name": id,
        "question": { "kind": "categorical", "classes": CLASSES },
        "items": [{ "id": "item-0" }, { "id": "item-1" }, { "id": "item-2" }],
        "answers_per_item": 3,
        "sensitive": false,
        "release": ["scores"],
        "gold": { "key": key.public() },
    });
    let spec = JobSpec::from_json(spec.to_string().as_bytes()).unwrap();
    let job = Job::sign(
        &cluster_file(cluster).digest(),
        id.parse().unwrap(),
        spec,
        &SecretKey::generate(&mut rng()),
    )
    .unwrap();
    create(cluster, connection, &job);
    api_client::job(cluster, id)
}

/// Opens a signed job with the buyer's token.
fn create(cluster: &TestCluster, connection: &mut Connection, job: &Job) {
    let answer = connection.request_as(
        Some(&cluster.token),
        "PUT",
        &format!("/v1/jobs/{}", job.id()),
        "application/json",
        &serde_json::to_vec(&job.to_signed_spec()).unwrap(),
    );
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// A sensitive job whose terms name a key for gold, and what the holder of the key could send to it: a part of gold answers, and the same as
/// answers of its own. Each comes with the reason to refuse it.
fn gold_to_a_sensitive_job(cluster: &Cluster) -> (Job, [(Submission, RejectReason); 2]) {
    let spec = JobSpec {
        gold: Some(Gold { key: gold_key().public() }),
        payout: at_the_floors().payout.map(|payout| Payout {
            rule: PayRule::Gold,
            ..payout
        }),
        closes_at: Some(in_a_month()),
        ..at_the_floors()
    };
    let job = Job::sign(&cluster.digest(), "sensitive".parse().unwrap(), spec, &buyer_key()).unwrap();
    let holder = Author {
        name: AUTHOR.to_owned(),
        key: gold_key(),
    };
    let items: Vec<u32> = (0..job.items().len() as u32).collect();
    let rows = elements(&[1, 0]).repeat(items.len());
    let send = |purpose: Purpose, label: &'static [u8]| {
        let mut forgery = holder.share(cluster, &job, &items, &rows, &mut rng());
        forgery.statement.contributor = AUTHOR.to_owned();
        forgery.statement.credential = None;
        if purpose == Purpose::Gold {
            forgery.statement.consent = None;
        }
        forgery.envelope = label;
        let envelopes = forgery.envelopes(&mut rng());
        holder.sign_for(purpose, forgery.statement, envelopes)
    };
    let as_gold = send(Purpose::Gold, b"tacit/v1 gold envelope");
    let as_answers = send(Purpose::Submission, b"tacit/v1 envelope");
    // The job gives the key no role of its own, so a signature for gold is not the one that answers need.
    let sent = [(as_gold, RejectReason::BadSignature), (as_answers, RejectReason::BadCredential)];
    (job, sent)
}

#[test]
fn the_coordinator_takes_no_gold_for_a_sensitive_job() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    let mut connection = Connection::open(&cluster.api);
    let (job, sent) = gold_to_a_sensitive_job(&cluster_file(&cluster));
    create(&cluster, &mut connection, &job);
    for (submission, reason) in sent {
        let refused = put(&mut connection, "sensitive", &submission);
        assert_eq!(refused.status, 422, "{reason}: {}", refused.body);
        assert!(refused.body.contains(reason.name()), "{reason}: {}", refused.body);
    }
    assert_eq!(cluster.status("sensitive")["submissions"], 0);
}

#[test]
fn a_node_takes_no_gold_for_a_sensitive_job_whatever_the_coordinator_delivers() {
    let impostor = ImpostorCoordinator::start(3, 1, Duration::from_secs(600));
    let (job, sent) = gold_to_a_sensitive_job(&impostor.cluster);
    let spec = serde_json::to_vec(&job.to_signed_spec()).unwrap();
    for node in impostor.all().iter() {
        impostor.open(node, job.id(), &spec);
        for (submission, reason) in &sent {
            let delivery = submission.delivery(node).unwrap();
            let submissions = vec![(delivery.header.value.digest(), encode(&delivery))];
            let job = job.id().clone();
            let reply = impostor.ask(node, Request::Deliver { job, submissions });
            assert_eq!(reply, Reply::Delivered(vec![Some(*reason)]), "node {node}: {reason}");
        }
    }
}
