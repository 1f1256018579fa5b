//! A thousand silent or half-sent connections, and 64 slow uploads that begin again whenever they are refused: an honest contributor uploads,
//! a node comes back, the job is published, and the coordinator's memory stays bounded.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use tacit_protocol::api::SUBMISSION_TYPE;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{get, get_as};

const SILENT: usize = 500;
const HALF: usize = 500;
const SLOW: usize = 64;
/// How much memory a silent connection may cost, kernel apart: its task, its timer and an empty buffer.
const EACH: u64 = 32 << 10;

/// An upload of which a byte arrives now and then. Begins again when it is refused.
fn slow(address: SocketAddr, number: usize, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        let head = format!(
            "PUT /v1/jobs/doors/submissions/{number:032x} HTTP/1.1\r\nHost: h\r\nContent-Type: {SUBMISSION_TYPE}\r\nContent-Length: 8000000\r\n\r\n"
        );
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut alive = stream.write_all(head.as_bytes()).is_ok();
        while alive && !stop.load(Ordering::Relaxed) {
            alive = stream.write_all(b"x").is_ok() && stream.read(&mut [0; 16]).is_err();
        }
    }
}

#[test]
fn who_sends_nothing_or_slowly_stops_nobody() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("doors", 3, 2);
    let coordinator = cluster.coordinator.as_ref().unwrap();
    let address = coordinator.listens();
    let before = coordinator.memory();
    // The programs are built with debug assertions, so this is more than a release takes.
    let held: Vec<TcpStream> = (0..SILENT + HALF)
        .map(|index| {
            let mut stream = TcpStream::connect(address).unwrap();
            if index >= SILENT {
                stream.write_all(b"GET /v1/jobs/doors HTTP/1.1\r\nHost: h\r\nX-Half: ").unwrap();
            }
            stream
        })
        .collect();
    assert!(get_as(&cluster.token, &address.to_string(), "/v1/jobs/doors").contains("open"));
    let grown = coordinator.memory().saturating_sub(before);
    println!(
        "{} connections that do nothing take {} kB each",
        held.len(),
        grown / held.len() as u64 / 1024
    );
    assert!(grown < EACH * held.len() as u64, "{grown} bytes");

    let stop = AtomicBool::new(false);
    scope(|threads| {
        for number in 0..SLOW {
            let stop = &stop;
            threads.spawn(move || slow(address, number, stop));
        }
        // All of them are there, and some have been refused and have come back.
        sleep(Duration::from_secs(6));
        cluster.answer("doors", "alice", &["yes", "no", "yes"]).ok();
        cluster.kill_node(1);
        cluster.answer("doors", "bob", &["yes", "no", "no"]).ok();
        cluster.start_node(1);
        cluster.ready();
        let admin = cluster.coordinator.as_ref().unwrap().admin().to_owned();
        assert!(get(&admin, "/metrics").contains("tacit_coordinator_queue_refused_total{queue=\"uploads\"} 0"));
        let out = cluster.end("doors");
        let result: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
        assert_eq!(result["job"]["answers"], 6);
        stop.store(true, Ordering::Relaxed);
    });
    let grown = cluster.coordinator.as_ref().unwrap().peak_memory().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes");
    // Who was silent from the beginning has been let go.
    for mut stream in held {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
    }
}
