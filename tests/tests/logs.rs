//! Logs: one line for each important event, as text or JSON, and the same records at an OTLP collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tacit_tests::cluster::TestCluster;
use tacit_tests::processes::Running;

/// A log record received over OTLP.
#[derive(Debug)]
struct Record {
    service: String,
    body: String,
    attributes: Vec<(String, String)>,
}

/// Receives OTLP log records over HTTP. Returns its address and the channel of the records.
fn collector() -> (String, Receiver<Record>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/logs", listener.local_addr().unwrap());
    let (sender, records) = channel();
    spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            spawn(move || take(&stream.unwrap(), &sender));
        }
    });
    (address, records)
}

/// Reads the requests of one connection.
fn take(stream: &TcpStream, records: &Sender<Record>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let before = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            if let Some((name, value)) = head[before..].split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        assert!(head.starts_with("POST /v1/logs "), "{head}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        for one in decoded(&body) {
            // An error means that the test has ended.
            let _ = records.send(one);
        }
        (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn decoded(body: &[u8]) -> Vec<Record> {
    let text = |value: Option<&Value>| match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = |list: &[KeyValue]| -> Vec<(String, String)> {
        let value = |pair: &KeyValue| text(pair.value.as_ref().and_then(|value| value.value.as_ref()));
        list.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
    };
    let mut records = Vec::new();
    for of_resource in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
        let resource = pairs(&of_resource.resource.unwrap().attributes);
        let service = &resource.iter().find(|(key, _)| key == "service.name").unwrap().1;
        for record in of_resource.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            records.push(Record {
                service: service.clone(),
                body: text(record.body.as_ref().and_then(|body| body.value.as_ref())),
                attributes: pairs(&record.attributes),
            });
        }
    }
    records
}

#[test]
fn a_job_can_be_followed_by_job_and_session_in_lines_and_at_a_collector() {
    let mut cluster = TestCluster::lay_out(3, 1);
    let (address, records) = collector();
    cluster.start_coordinator();
    cluster.start_node(0);
    cluster.start_node_with(1, &["--log-format", "json"]);
    cluster.start_node_with(2, &["--otlp-logs", &address]);
    cluster.create_job("followed", 3, 2);
    cluster.answer("followed", "alice", &["yes", "no", "yes"]).ok();
    cluster.answer("followed", "bob", &["yes", "no", "no"]).ok();
    cluster.finish("followed");

    let lines = cluster.nodes[1].as_ref().unwrap().log();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let released: Vec<_> = lines.iter().filter(|line| line["message"] == "outputs released").collect();
    let [released] = released.as_slice() else { panic!("{released:?}") };
    assert_eq!((&released["job"], &released["level"]), (&"followed".into(), &"INFO".into()));
    let session = released["session"].as_str().unwrap();
    assert_eq!(session.len(), 64, "{session}");

    let in_words = cluster.nodes[0].as_ref().unwrap().log();
    assert!(
        in_words
            .lines()
            .any(|line| line.contains("outputs released") && line.contains(session)),
        "{in_words}"
    );
    let coordinator = cluster.coordinator.as_ref().unwrap().log();
    assert!(
        coordinator.lines().any(|line| line.contains("verified") && line.contains(session)),
        "{coordinator}"
    );

    // The node sends the remaining records when it stops.
    assert!(cluster.nodes[2].take().unwrap().terminate().success());
    // A request groups its records by their source, not by time.
    let (end, mut seen) = (Instant::now() + Duration::from_secs(30), Vec::<Record>::new());
    let among = |seen: &[Record], body: &str| seen.iter().any(|record| record.body == body);
    while !["stopping", "outputs released"].iter().all(|body| among(&seen, body)) {
        let left = end.saturating_duration_since(Instant::now());
        seen.push(records.recv_timeout(left).unwrap_or_else(|_| panic!("{seen:?}")));
    }
    assert!(seen.iter().all(|record| record.service == "tacit-node"));
    let released = seen.iter().find(|record| record.body == "outputs released").unwrap();
    for pair in [("job", "followed"), ("session", session)] {
        let pair = (pair.0.to_owned(), pair.1.to_owned());
        assert!(released.attributes.contains(&pair), "{released:?}");
    }
}

#[test]
fn a_collector_that_cannot_be_used_is_named_and_one_that_is_away_harms_nobody() {
    let cluster = TestCluster::lay_out(3, 1);
    let folder = cluster.node_folder(0);
    for (address, says) in [
        ("collector", "not an address"),
        ("ftp://localhost/logs", "begins with http:// or https://"),
    ] {
        let error = Running::try_start_with("tacit-node", &folder, &["--otlp-logs", address]).unwrap_err();
        assert!(
            error.contains(&format!("--otlp-logs {address}: ")) && error.contains(says),
            "{error}"
        );
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{nobody}/v1/logs");
    let node = Running::start_with("tacit-node", &folder, &["--otlp-logs", &address]);
    assert!(node.terminate().success());
    let output = std::fs::read_to_string(folder.join("log.txt")).unwrap();
    let lost = |line: &str| line.contains("ERROR opentelemetry") || line.contains("WARN opentelemetry");
    assert!(output.lines().any(lost), "{output}");
}
