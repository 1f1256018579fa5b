//! Submissions of ten megabytes, all of them sent: refused without being held, and everyone else is served.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::scope;

use tacit_protocol::api::SUBMISSION_TYPE;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::job::Job;
use tacit_protocol::question::Answer;
use tacit_protocol::submission::{MAX_SUBMISSION_BYTES, Submission};
use tacit_tests::cluster::TestCluster;
use tacit_tests::desk::{cluster_file, enrol, job, path, submit};
use tacit_tests::forgery::{Author, elements};
use tacit_tests::http::{Connection, counter, get};

const LARGE: usize = 10 << 20;
/// Uploads at the same time, more than the coordinator could hold without being noticed.
const AT_ONCE: usize = 16;
/// What the coordinator may grow by: far less than one after the other would leave behind, or all at once hold.
const GROWTH: u64 = 64 << 20;

/// How an upload says how long it is.
#[derive(Debug, Clone, Copy)]
enum Length {
    Announced,
    /// In chunks, so that nobody knows before the end.
    Unknown,
    /// Announced as less than what comes.
    Understated,
}

/// Sends a whole body while it listens for the answer; the status, or none if the connection was closed before.
fn upload(address: &str, path: &str, body: &[u8], length: Length) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    let framing = match length {
        Length::Announced => format!("Content-Length: {}", body.len()),
        Length::Understated => "Content-Length: 100".to_owned(),
        Length::Unknown => "Transfer-Encoding: chunked".to_owned(),
    };
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: {SUBMISSION_TYPE}\r\n{framing}\r\n\r\n");
    let mut answer = Vec::new();
    scope(|threads| {
        let mut sender = stream.try_clone().unwrap();
        threads.spawn(move || {
            let mut send = || {
                sender.write_all(head.as_bytes())?;
                for chunk in body.chunks(1 << 16) {
                    if matches!(length, Length::Unknown) {
                        sender.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                    }
                    sender.write_all(chunk)?;
                    if matches!(length, Length::Unknown) {
                        sender.write_all(b"\r\n")?;
                    }
                }
                if matches!(length, Length::Unknown) {
                    sender.write_all(b"0\r\n\r\n")?;
                }
                std::io::Result::Ok(())
            };
            // It may be refused before all of it has come.
            let _ = send().and_then(|()| sender.shutdown(Shutdown::Write));
        });
        // Nor is it an error to be cut off.
        let _ = stream.read_to_end(&mut answer);
    });
    String::from_utf8_lossy(&answer)
        .split(' ')
        .nth(1)
        .map(|status| status.parse().unwrap())
}

/// A signed submission of ten megabytes: one envelope is as large as that.
fn large(cluster: &Cluster, job: &Job, author: &Author) -> Submission {
    let forgery = author.share(cluster, job, &[0], &elements(&[1, 0]));
    let mut envelopes = forgery.envelopes();
    envelopes[0].resize(LARGE, 7);
    author.sign(forgery.statement, envelopes)
}

#[test]
fn ten_megabytes_are_refused_and_not_held() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("large", 3, 9);
    // Straight to the coordinator: what passes is not recorded.
    let coordinator = cluster.coordinator.as_ref().unwrap();
    let address = coordinator.listens().to_string();
    let (file, job) = (cluster_file(&cluster), job(&cluster, "large"));
    let mallory = enrol(&mut Connection::open(&address), &file, "mallory");
    let submission = large(&file, &job, &mallory);
    let (bytes, path) = (encode(&submission), path("large", &submission));
    assert!(bytes.len() > MAX_SUBMISSION_BYTES);
    cluster.answer("large", "alice", &["yes", "no", "yes"]).ok();

    let before = coordinator.peak_memory();
    // One after the other: a part of it may be held until it is too much.
    for _ in 0..AT_ONCE {
        let status = upload(&address, &path, &bytes, Length::Unknown);
        assert!(matches!(status, None | Some(413)), "{status:?}");
    }
    let status = upload(&address, &path, &bytes, Length::Understated);
    assert!(matches!(status, None | Some(422)), "{status:?}");
    // All at once: nothing of what is announced as too much is held.
    let statuses: Vec<Option<u16>> = scope(|threads| {
        let sent: Vec<_> = (0..AT_ONCE)
            .map(|_| threads.spawn(|| upload(&address, &path, &bytes, Length::Announced)))
            .collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, None | Some(413))), "{statuses:?}");
    let grown = coordinator.peak_memory() - before;
    assert!(grown < GROWTH, "the coordinator has grown by {grown} bytes");

    assert_eq!(get(coordinator.admin(), "/readyz").trim(), "ok");
    assert!(get(&address, &path).contains("unknown_submission"));
    cluster.answer("large", "bob", &["yes", "no", "no"]).ok();
    // The same contributor may still send what is not too large.
    let Author { name, key } = &mallory;
    let small = Submission::create(&file, &job, name, key, &[(0, Answer::Class(1))], &mut rand::rng()).unwrap();
    submit(&mut Connection::open(&address), "large", &small);
    assert_eq!(cluster.status("large")["submissions"], 3);
    assert_eq!(counter(coordinator.admin(), "tacit_coordinator_submissions_total", "accepted"), 3);
    let result = std::fs::read(cluster.finish("large").join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_slice(&result).unwrap();
    assert_eq!(
        (&result["job"]["answers"], &result["job"]["rejected_answers"]),
        (&7.into(), &0.into())
    );
}
