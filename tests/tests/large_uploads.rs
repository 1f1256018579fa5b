//! Uploads of ten megabytes each: they are refused without being held in memory, and all others are served.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::scope;

use tacit_protocol::api::SUBMISSION_TYPE;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::share;
use tacit_protocol::job::Job;
use tacit_protocol::question::Answer;
use tacit_protocol::submission::{MAX_SUBMISSION_BYTES, Submission};
use tacit_tests::api_client::{cluster_file, enrol, job, path, submit};
use tacit_tests::cluster::TestCluster;
use tacit_tests::forgery::{Author, elements};
use tacit_tests::http::{Connection, counter, get, get_as};

const LARGE: usize = 10 << 20;
/// How many uploads run at the same time. Holding all of them would show in the coordinator's memory.
const AT_ONCE: usize = 16;
/// How much the coordinator's memory may grow: far less than all uploads together.
const GROWTH: u64 = 64 << 20;

/// How an upload announces its length.
#[derive(Debug, Clone, Copy)]
enum Length {
    Announced,
    /// In chunks: the length is unknown until the end.
    Unknown,
    /// Less is announced than is sent.
    Understated,
}

/// Sends a whole body while it waits for the response. Returns the status, or `None` if the connection was closed before.
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
            // The upload may be refused before all of it is sent.
            let _ = send().and_then(|()| sender.shutdown(Shutdown::Write));
        });
        // A closed connection is no error either.
        let _ = stream.read_to_end(&mut answer);
    });
    String::from_utf8_lossy(&answer)
        .split(' ')
        .nth(1)
        .map(|status| status.parse().unwrap())
}

/// A signed submission with an envelope of ten megabytes.
fn large(cluster: &Cluster, job: &Job, author: &Author) -> Submission {
    let forgery = author.share(cluster, job, &[0], &elements(&[1, 0]), &mut rand::rng());
    let mut envelopes = forgery.envelopes(&mut rand::rng());
    envelopes[0].resize(LARGE, 7);
    author.sign(forgery.statement, envelopes)
}

#[test]
fn ten_megabytes_are_refused_and_not_held() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("large", 3, 9);
    // Connect to the coordinator directly, so that the traffic is not recorded.
    let coordinator = cluster.coordinator.as_ref().unwrap();
    let address = coordinator.listens().to_string();
    let (file, job) = (cluster_file(&cluster), job(&cluster, "large"));
    let mallory = enrol(&mut Connection::open(&address), &file, "mallory");
    let submission = large(&file, &job, &mallory);
    let (bytes, path) = (encode(&submission), path("large", &submission));
    assert!(bytes.len() > MAX_SUBMISSION_BYTES);
    cluster.answer("large", "alice", &["yes", "no", "yes"]).ok();

    let before = coordinator.peak_memory();
    // One upload after the other: the coordinator may hold a part until it is too long.
    for _ in 0..AT_ONCE {
        let status = upload(&address, &path, &bytes, Length::Unknown);
        assert!(matches!(status, None | Some(413)), "{status:?}");
    }
    let status = upload(&address, &path, &bytes, Length::Understated);
    assert!(matches!(status, None | Some(422)), "{status:?}");
    // All at once: nothing is held of uploads that announce too much.
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
    assert!(get_as(&cluster.token, &address, &path).contains("unknown_submission"));
    cluster.answer("large", "bob", &["yes", "no", "no"]).ok();
    // The same contributor can still send submissions of the right size.
    let Author { name, key } = &mallory;
    let small = share(&file, &job, name, key, &[(0, Answer::Class(1))], &mut rand::rng()).unwrap();
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
