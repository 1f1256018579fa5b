//! `docs/metrics.md` is a contract: the programs serve exactly these metrics from the start, with correct values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tacit_link::Link;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_tests::cluster::TestCluster;
use tacit_tests::exposition::Exposition;
use tacit_tests::impostor::identity;

/// The names, types and labels that the document promises of one program.
fn contract(program: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [name, kind, labels, ..] = cells[..] else { return None };
        let labels = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        Some((name.trim_matches('`').to_owned(), (kind.to_owned(), labels)))
    };
    let rows = text.lines().filter_map(row).filter(|(name, _)| name.starts_with(program)).collect();
    assert!(
        text.matches(&format!("| `{program}")).count() > 15,
        "the document is not read as it is written"
    );
    rows
}

fn node(cluster: &TestCluster, node: usize) -> Exposition {
    Exposition::of(cluster.nodes[node].as_ref().unwrap().admin())
}

fn coordinator(cluster: &TestCluster) -> Exposition {
    Exposition::of(cluster.coordinator.as_ref().unwrap().admin())
}

fn set<'a>(values: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    values.into_iter().collect()
}

/// Polls until a condition holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_documented_is_served_from_the_start_and_nothing_else() {
    let cluster = TestCluster::start(3, 1);
    let nodes = (0..3).map(|i| ("tacit_node_", node(&cluster, i)));
    for (program, served) in nodes.chain([("tacit_coordinator_", coordinator(&cluster))]) {
        let found: BTreeMap<_, _> = served
            .families()
            .map(|(name, family)| (name.clone(), (family.kind.clone(), family.labels())))
            .collect();
        assert_eq!(found, contract(program));
        for (_, family) in served.families().filter(|(_, family)| family.kind == "counter") {
            assert!(family.series.iter().all(|series| series.value == 0.0), "{family:?}");
        }
        let reasons = || std::iter::once("accepted").chain(RejectReason::ALL.map(RejectReason::name));
        let values = |name: &str, label: &str| served.family(&format!("{program}{name}")).values(label);
        assert_eq!(values("store_seconds", "operation"), set(["read", "write"]));
        if program == "tacit_node_" {
            for name in [
                "session_phases_total",
                "rounds_total",
                "session_bytes_total",
                "phase_seconds",
                "verification_failures_total",
            ] {
                assert_eq!(values(name, "phase"), set(Phase::ALL.map(Phase::name)), "{name}");
            }
            assert_eq!(values("peer_up", "peer").len(), 2);
            assert_eq!(values("submissions_total", "outcome"), set(reasons()));
            assert_eq!(values("queue_depth", "queue"), set(["requests", "sessions"]));
            assert_eq!(values("key_created_timestamp_seconds", "key"), set(["identity", "sealing"]));
            let refusals = ["unknown_key", "version", "cluster", "overload", "protocol"];
            assert_eq!(values("connections_refused_total", "reason"), set(refusals));
            assert_eq!(values("page_requests_total", "status"), set(["2xx", "3xx", "4xx", "5xx"]));
        } else {
            assert_eq!(values("node_up", "node"), set(["node-0", "node-1", "node-2"]));
            assert_eq!(values("answers_total", "outcome"), set(reasons()));
            assert_eq!(values("http_requests_total", "status"), set(["2xx", "3xx", "4xx", "5xx"]));
            let (counted, timed) = (values("http_requests_total", "route"), values("http_request_seconds", "route"));
            assert_eq!(counted.difference(&timed).collect::<Vec<_>>(), [&"/v1/jobs/{id}/events"]);
            assert!(
                timed.is_superset(&set(["/v1/jobs/{id}/submissions/{sid}", "/openapi.json", "other"])),
                "{timed:?}"
            );
        }
    }
}

#[test]
fn a_real_job_moves_what_it_must_and_is_named_nowhere() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.ready();
    let job = cluster.create_job("metered", 4, 3);
    let names = ["alice", "bob", "carol"];
    for name in names {
        cluster.answer(&job, name, &["no", "yes", "no", "yes"]).ok();
    }
    cluster.finish(&job);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let recent = |since: f64| (now - 600.0..=now + 60.0).contains(&since);
    for i in 0..3 {
        let served = node(&cluster, i);
        let value = |name: &str, labels: &[(&str, &str)]| served.value(&format!("tacit_node_{name}"), labels);
        assert_eq!(value("sessions_total", &[("result", "released")]), 1.0);
        assert_eq!(value("sessions_total", &[("result", "failed")]), 0.0);
        assert_eq!(value("sessions_running", &[]), 0.0);
        assert_eq!(value("submissions_total", &[("outcome", "accepted")]), 3.0);
        assert_eq!(
            (value("jobs", &[("state", "open")]), value("jobs", &[("state", "released")])),
            (0.0, 1.0)
        );
        assert_eq!(value("oldest_job_timestamp_seconds", &[]), 0.0);
        // Scores need labels, so the job enters two phases twice; each phase counts once.
        for phase in Phase::ALL {
            let of = ("phase", phase.name());
            assert_eq!(value("session_phases_total", &[of, ("result", "completed")]), 1.0, "{phase}");
            assert_eq!(value("session_phases_total", &[of, ("result", "failed")]), 0.0, "{phase}");
            assert_eq!(value("phase_seconds_count", &[of]), 1.0, "{phase}");
            assert!(value("phase_seconds_sum", &[of]) > 0.0, "{phase}");
            assert!(value("rounds_total", &[of]) > 0.0, "{phase}");
            for direction in ["sent", "received"] {
                let bytes = value("session_bytes_total", &[of, ("direction", direction)]);
                assert!(bytes > 0.0, "{phase}");
            }
            assert_eq!(value("verification_failures_total", &[of]), 0.0, "{phase}");
        }
        let products = value("products_total", &[]);
        assert!(products > 0.0);
        assert_eq!(value("products_verified_total", &[]), products);
        for peer in (0..3).filter(|peer| *peer != i).map(|peer| format!("node-{peer}")) {
            assert_eq!(value("peer_up", &[("peer", &peer)]), 1.0);
            let round_trip = value("peer_round_trip_seconds", &[("peer", &peer)]);
            assert!((1e-6..10.0).contains(&round_trip), "{round_trip}");
        }
        assert_eq!(value("coordinator_up", &[]), 1.0);
        assert_eq!(value("queue_capacity", &[("queue", "sessions")]), 4.0);
        assert!(value("store_seconds_count", &[("operation", "write")]) > 3.0);
        assert!(value("store_bytes", &[]) > 4096.0 && value("store_free_bytes", &[]) > 0.0);
        for key in ["identity", "sealing"] {
            assert!(recent(value("key_created_timestamp_seconds", &[("key", key)])));
        }
    }

    let served = coordinator(&cluster);
    let value = |name: &str, labels: &[(&str, &str)]| served.value(&format!("tacit_coordinator_{name}"), labels);
    assert_eq!(value("submissions_total", &[("outcome", "accepted")]), 3.0);
    assert_eq!(value("answers_total", &[("outcome", "accepted")]), 12.0);
    for state in ["open", "closing", "computing", "verified", "published", "cancelled", "failed"] {
        assert_eq!(
            value("jobs", &[("state", state)]),
            f64::from(u8::from(state == "published")),
            "{state}"
        );
    }
    assert_eq!(value("computations_total", &[("result", "published")]), 1.0);
    assert_eq!(value("computations_total", &[("result", "failed")]), 0.0);
    assert_eq!(value("computation_seconds_count", &[]), 1.0);
    assert!(value("computation_seconds_sum", &[]) > 0.0);
    let uploads = ("route", "/v1/jobs/{id}/submissions/{sid}");
    assert!(value("http_requests_total", &[uploads, ("status", "2xx")]) >= 3.0);
    assert!(value("http_request_seconds_sum", &[uploads]) > 0.0);
    assert_eq!(value("queue_capacity", &[("queue", "uploads")]), 256.0);
    assert_eq!(value("queue_depth", &[("queue", "uploads")]), 0.0);
    assert!(value("store_bytes", &[]) > 4096.0 && value("store_free_bytes", &[]) > 0.0);
    assert!(recent(value("key_created_timestamp_seconds", &[("key", "identity")])));
    for i in 0..3 {
        let of = [("node", format!("node-{i}"))];
        let of = of.each_ref().map(|(label, value)| (*label, value.as_str()));
        assert_eq!((value("node_up", &of), value("deliveries_waiting", &of)), (1.0, 0.0));
        assert!(value("node_round_trip_seconds", &of) > 0.0);
    }

    for served in (0..3).map(|i| node(&cluster, i)).chain([served]) {
        for series in served.families().flat_map(|(_, family)| &family.series) {
            for named in names.into_iter().chain(["metered", "item-"]) {
                assert!(series.labels.values().all(|value| !value.contains(named)), "{series:?}");
            }
        }
    }

    // A stopped node is down for all others. When it returns, they count a reconnection.
    assert!(cluster.nodes[2].take().unwrap().terminate().success());
    let seen = |cluster: &TestCluster, what: &str| {
        let peers = [0, 1].map(|i| node(cluster, i).value(&format!("tacit_node_peer_{what}"), &[("peer", "node-2")]));
        let [first, second] = peers;
        [
            first,
            second,
            coordinator(cluster).value(&format!("tacit_coordinator_node_{what}"), &[("node", "node-2")]),
        ]
    };
    until("the stopped node is down", || seen(&cluster, "up") == [0.0; 3]);
    assert_eq!(seen(&cluster, "round_trip_seconds"), [0.0; 3]);
    assert_eq!(node(&cluster, 0).value("tacit_node_peer_up", &[("peer", "node-1")]), 1.0);
    cluster.start_node(2);
    until("the node is back", || seen(&cluster, "up") == [1.0; 3]);
    assert_eq!(seen(&cluster, "reconnects_total"), [1.0; 3]);
}

#[test]
fn refused_connections_are_counted_by_reason() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    let text = std::fs::read(cluster.file()).unwrap();
    let member = identity(&cluster.coordinator_folder());
    let other = [text.as_slice(), b"# not the same bytes\n"].concat();
    let refused = |reason: &str| node(&cluster, 0).value("tacit_node_connections_refused_total", &[("reason", reason)]);
    let connect = |key: &SecretKey, file: &[u8]| {
        let file = Arc::new(Cluster::parse(file).unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let link = Link::bind("127.0.0.1:0".parse().unwrap(), key, file).unwrap();
            assert!(link.connect(0).await.is_err());
            link.close().await;
        });
    };
    for (key, file, reason) in [(SecretKey::from_bytes(&[5; 32]), &text, "unknown_key"), (member, &other, "cluster")] {
        assert_eq!(refused(reason), 0.0);
        connect(&key, file);
        until(reason, || refused(reason) == 1.0);
    }
    assert_eq!(["version", "overload", "protocol"].map(refused), [0.0; 3]);
}
