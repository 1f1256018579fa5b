//! Real clusters under a real Prometheus with the rules for operators: the dashboard has data, no alert fires without a problem, and each
//! problem raises its own alert and no other page.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tacit_protocol::api::SUBMISSION_TYPE;
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::share;
use tacit_protocol::phase::Phase;
use tacit_protocol::question::Answer;
use tacit_tests::api_client::{cluster_file, enrol, job, path};
use tacit_tests::cluster::TestCluster;
use tacit_tests::forgery::Author;
use tacit_tests::http::{Connection, counter, get_as, request};
use tacit_tests::impostor::lanes::{Alteration, Deviation, Recipients};
use tacit_tests::impostor::node::ImpostorNode;
use tacit_tests::prometheus::{Prometheus, repository};

/// The path of a submission that does not exist.
const UPLOAD: &str = "/v1/jobs/signs/submissions/00000000000000000000000000000000";

/// Alerts, each with the node it is about.
fn alerts(alerts: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    alerts.iter().map(|(name, node)| ((*name).to_owned(), (*node).to_owned())).collect()
}

/// A cluster of three nodes with an open job, and a Prometheus that watches it.
fn watched() -> Option<(TestCluster, Prometheus)> {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("signs", 3, 9);
    let prometheus = Prometheus::watch(&cluster)?;
    Some((cluster, prometheus))
}

fn three_answers(cluster: &TestCluster, job: &str) {
    cluster.answer(job, "alice", &["yes", "no", "yes"]).ok();
    cluster.answer(job, "bob", &["yes", "no", "no"]).ok();
    cluster.answer(job, "carol", &["yes", "yes", "no"]).ok();
}

/// Every expression of the dashboard, with all nodes selected.
fn dashboard_expressions() -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("deploy/grafana/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    targets
        .map(|target| {
            let expression = target["expr"].as_str().unwrap();
            let asked = expression.replace("$__rate_interval", "1m").replace("$node", ".*");
            assert!(!asked.contains('$'), "a variable that this test does not know: {expression}");
            asked
        })
        .collect()
}

#[test]
fn while_all_is_well_the_dashboard_has_data_and_nothing_fires() {
    let Some((cluster, prometheus)) = watched() else { return };
    three_answers(&cluster, "signs");
    cluster.finish("signs");
    let expressions = dashboard_expressions();
    assert!(expressions.len() > 20, "{expressions:?}");
    for expression in &expressions {
        prometheus.wait_for(expression);
    }
    // Longer than the alerts for immediate problems need to fire.
    prometheus.wait_for("min(count_over_time(up[10m])) >= 30");
    // The number of series stays well below the limit.
    let config = std::fs::read_to_string(repository().join("deploy/prometheus/prometheus.yml")).unwrap();
    let limit = config.lines().find_map(|line| line.trim().strip_prefix("sample_limit: ")).unwrap();
    assert_eq!(
        prometheus.query(&format!("scrape_samples_scraped * 5 > {limit}")),
        Vec::<Value>::new()
    );
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    assert_eq!((prometheus.fired("page"), prometheus.fired("ticket")), (alerts(&[]), alerts(&[])));
    // What waits for longer does not wait either; how fast and how full this machine's disk is is another matter.
    let pending = prometheus.query("ALERTS{alertstate=\"pending\", alertname!~\"TacitDisk.*|TacitStoreSlow\"}");
    assert_eq!(pending, Vec::<Value>::new());
}

#[test]
fn a_node_that_is_killed_is_down_and_nothing_more() {
    let Some((mut cluster, prometheus)) = watched() else { return };
    cluster.kill_node(2);
    let alert = prometheus.wait_for_alert("TacitNodeDown", &[("node", "node-2"), ("severity", "page")]);
    assert!(alert["annotations"]["summary"].as_str().unwrap().contains("node-2"), "{alert}");
    // The others miss it for longer than the alert needs to fire.
    prometheus.wait_for("count_over_time(tacit:node_unreachable:count{node=\"node-2\"}[10m]) >= 15");
    assert_eq!(prometheus.fired("page"), alerts(&[("TacitNodeDown", "node-2")]));
}

#[test]
fn a_node_that_is_cut_off_is_missed_though_its_process_answers() {
    let Some((cluster, prometheus)) = watched() else { return };
    cluster.silence_node(2);
    let alert = prometheus.wait_for_alert("TacitNodeUnreachable", &[("node", "node-2"), ("severity", "page")]);
    assert!(alert["annotations"]["summary"].as_str().unwrap().contains("node-2"), "{alert}");
    // It misses the coordinator too, for longer than that alert would need to fire.
    prometheus.wait_for("count_over_time((tacit_node_coordinator_up{node=\"node-2\"} == 0)[10m:1s]) >= 35");
    assert_eq!(prometheus.query("up == 0"), Vec::<Value>::new());
    assert_eq!(prometheus.fired("page"), alerts(&[("TacitNodeUnreachable", "node-2")]));
}

#[test]
fn many_bad_submissions_make_a_ticket() {
    let Some((cluster, prometheus)) = watched() else { return };
    for _ in 0..40 {
        assert_eq!(request(&cluster.api, "PUT", UPLOAD, SUBMISSION_TYPE, b"no submission").status, 422);
    }
    prometheus.wait_for_alert("TacitBadSubmissions", &[("job", "tacit-coordinator"), ("severity", "ticket")]);
    assert_eq!(prometheus.fired("page"), alerts(&[]));
}

#[test]
fn a_node_that_lies_gets_somebody_up() {
    let lie = |phase| Deviation::AltersMessages(phase, 0, Alteration::FlippedBit, Recipients::All);
    let mut cluster = TestCluster::lay_out(3, 1);
    TestCluster::configure(&cluster.coordinator_folder(), "max_attempts", 1);
    cluster.start_coordinator();
    (0..2).for_each(|node| cluster.start_node(node));
    let lies = [("signs", Phase::Verify), ("lights", Phase::AcceptedSet)].map(|(job, phase)| (job.to_owned(), lie(phase)));
    let liar = ImpostorNode::start(&cluster, &lies);
    cluster.ready();
    for job in ["signs", "lights"] {
        cluster.create_job(job, 3, 9);
        three_answers(&cluster, job);
    }
    // The other operator's node is not seen here.
    let Some(prometheus) = Prometheus::watch(&cluster) else { return };
    prometheus.wait_for("min(tacit_node_peer_up) == 1 and min(tacit_coordinator_node_up) == 1");
    // Alerts that the coordinator could have caused page nobody.
    cluster.close("lights");
    cluster.wait_for("lights", |status| status["state"] == "failed");
    prometheus.wait_for_alert("TacitMembersDisagree", &[("node", "node-0"), ("severity", "ticket")]);
    assert_eq!(prometheus.fired("page"), alerts(&[]));
    cluster.close("signs");
    cluster.wait_for("signs", |status| status["state"] == "failed");
    prometheus.wait_for_alert("TacitVerificationFailed", &[("phase", "verify"), ("severity", "page")]);
    prometheus.wait_for_alert("TacitJobFailed", &[("severity", "ticket")]);
    assert_eq!(
        prometheus.fired("page"),
        alerts(&[("TacitVerificationFailed", "node-0"), ("TacitVerificationFailed", "node-1")])
    );
    drop(liar);
}

#[test]
fn a_full_queue_that_refuses_makes_a_ticket() {
    let Some((cluster, prometheus)) = watched() else { return };
    let address = cluster.coordinator.as_ref().unwrap().listens();
    // Uploads whose last byte never arrives. Their headers are of contributors, or they would take no place, and of many: each contributor
    // has a few places only.
    let file = cluster_file(&cluster);
    let mut connection = Connection::open(&address.to_string());
    let mut upload = |contributor: usize| {
        let Author { name, key } = enrol(&mut connection, &file, &format!("slow-{contributor}"));
        let answers = [(0, Answer::Class(1))];
        let submission = share(&file, &job(&cluster, "signs"), &name, &key, &answers, &mut rand::rng()).unwrap();
        (encode(&submission), path("signs", &submission))
    };
    let begin = |(bytes, path): &(Vec<u8>, String)| {
        let mut stream = TcpStream::connect(address).unwrap();
        let length = bytes.len();
        let head = format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {SUBMISSION_TYPE}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &bytes[..length - 1]].concat()).unwrap();
        stream
    };
    let uploads = |metric: &str| counter(cluster.coordinator.as_ref().unwrap().admin(), metric, "uploads");
    let capacity = uploads("tacit_coordinator_queue_capacity") as usize;
    let of_many: Vec<_> = (0..capacity.div_ceil(4)).map(&mut upload).collect();
    let held: Vec<TcpStream> = (0..capacity).map(|place| begin(&of_many[place / 4])).collect();
    let end = Instant::now() + Duration::from_secs(30);
    while uploads("tacit_coordinator_queue_depth") < held.len() as u64 {
        assert!(Instant::now() < end, "the queue does not fill");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Enough of them to page somebody if they were failures.
    for _ in 0..40 {
        let mut answer = [0; 12];
        begin(&of_many[0]).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 503");
    }
    prometheus.wait_for_alert("TacitQueueRefusing", &[("queue", "uploads"), ("severity", "ticket")]);
    // Twice as long as such a page waits.
    prometheus.wait_for("count_over_time(ALERTS{alertname=\"TacitQueueRefusing\", alertstate=\"firing\"}[10m]) >= 25");
    assert_eq!(prometheus.fired("page"), alerts(&[]));
    drop(held);
    assert!(get_as(&cluster.token, &cluster.api, "/v1/jobs/signs").contains("open"));
}
