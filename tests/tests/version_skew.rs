//! Members with other protocol versions: both ends log both ranges of versions and who has to upgrade, and go on working.

use std::time::{Duration, Instant};

use tacit_protocol::hello::Hello;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::impostor::greeter::{Greeter, Saying, framed, hello, versions_after};
use tacit_tests::impostor::raw::RawConnection;
use tacit_tests::impostor::{cluster_of, identity};

/// Longer than any deadline of the programs.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The error code with which a connection is closed because of its hello.
const REFUSED: u32 = 1;

fn older() -> Versions {
    let last = PROTOCOL_VERSIONS.min - 1;
    Versions { min: last, max: last }
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !there() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Nodes 0 and 1 and the coordinator dial node 2, which sends this hello: both kinds of programs log the line and go on.
fn dialled(cluster: &TestCluster, says: impl Fn() -> Saying + Send + Sync + 'static, line: &str) -> Greeter {
    let greeter = Greeter::start(cluster, 2, says);
    let dialers = [cluster.nodes[0].as_ref().unwrap(), cluster.coordinator.as_ref().unwrap()];
    for dialer in dialers {
        let logged = || dialer.log().contains(line);
        let end = Instant::now() + TEST_TIMEOUT;
        while !logged() {
            assert!(Instant::now() < end, "`{line}` is not in the log: {}", dialer.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(get(dialer.admin(), "/livez"), "ok\n");
    }
    greeter
}

#[test]
fn whoever_dials_a_member_of_another_release_says_so() {
    let mut cluster = TestCluster::lay_out(3, 1);
    cluster.start_node(0);
    cluster.start_node(1);
    cluster.start_coordinator();
    let saying = |alter: fn(&mut Hello)| framed(&hello(&cluster, alter));

    let newer = saying(|hello| hello.versions = versions_after(1, 3));
    let line = format!(
        "node `node-2` speaks protocol {}, this program {PROTOCOL_VERSIONS}: upgrade this program",
        versions_after(1, 3)
    );
    let greeter = dialled(&cluster, move || Some(newer.clone()), &line);
    // The other end has heard our versions before the connection was closed.
    let told = |(bytes, ended): &(Vec<u8>, quinn::ConnectionError)| {
        let closed = matches!(ended, quinn::ConnectionError::ApplicationClosed(close) if close.error_code == REFUSED.into());
        closed && Hello::from_bytes(bytes).is_ok_and(|hello| hello.versions == PROTOCOL_VERSIONS)
    };
    wait_for("node 2 is not told", || greeter.heard().iter().any(told));
    drop(greeter);

    let old = saying(|hello| hello.versions = older());
    let line = format!(
        "node `node-2` speaks protocol {}, this program {PROTOCOL_VERSIONS}: upgrade node `node-2`",
        older()
    );
    drop(dialled(&cluster, move || Some(old[..20].to_vec()), "broke the protocol"));
    let old = saying(|hello| hello.versions = older());
    drop(dialled(&cluster, move || Some(old.clone()), &line));

    for garbage in [framed(b"HTTP/1.1 400 Bad Request"), framed(&[0; 300]), vec![0xff; 64]] {
        let lines = |cluster: &TestCluster| cluster.nodes[0].as_ref().unwrap().log().matches("broke the protocol").count();
        let before = lines(&cluster);
        let greeter = Greeter::start(&cluster, 2, move || Some(garbage.clone()));
        wait_for("garbage is refused", || lines(&cluster) > before);
        drop(greeter);
    }
    drop(dialled(&cluster, || Some(Vec::new()), "without a hello"));
    // No hello: nobody waits forever.
    let silent = dialled(&cluster, || None, "no answer in time");
    wait_for("a silent member keeps its connection", || !silent.heard().is_empty());
    drop(silent);

    // A newer version that still speaks ours is accepted, whatever it adds to its hello.
    let overlapping = hello(&cluster, |hello| {
        hello.versions = Versions {
            max: PROTOCOL_VERSIONS.max + 1,
            ..PROTOCOL_VERSIONS
        }
    });
    let greeter = Greeter::start(&cluster, 2, move || {
        Some(framed(&[overlapping.as_slice(), b"added later"].concat()))
    });
    let connected = || get(cluster.nodes[0].as_ref().unwrap().admin(), "/metrics").contains("tacit_node_peer_up{peer=\"node-2\"} 1");
    wait_for("no connection", connected);
    let line = format!("connected peer=node-2 protocol={}", PROTOCOL_VERSIONS.max);
    wait_for("no version is logged", || cluster.nodes[0].as_ref().unwrap().log().contains(&line));
    drop(greeter);
}

#[test]
fn whoever_is_dialled_by_a_member_of_another_release_says_so() {
    let mut cluster = TestCluster::lay_out(3, 1);
    cluster.start_node(1);
    let node = cluster.nodes[1].as_ref().unwrap();
    let key = identity(&cluster.node_folder(0));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The node's hello, and how the connection ended, after these bytes on its first stream.
    let answer = |bytes: &[u8]| {
        runtime.block_on(async {
            let raw = RawConnection::connect_silently(node.listens(), &key).await;
            let output = raw.say(bytes).await;
            let ended = tokio::time::timeout(TEST_TIMEOUT, raw.closed())
                .await
                .expect("the connection is closed");
            (output, ended)
        })
    };
    let ours = |output: &[u8]| Hello::from_bytes(&output[4..]).unwrap().versions == PROTOCOL_VERSIONS;
    for (versions, who) in [(versions_after(1, 2), "upgrade this program"), (older(), "upgrade node `node-0`")] {
        let (output, ended) = answer(&framed(&hello(&cluster, |hello| hello.versions = versions)));
        assert!(ours(&output));
        assert!(ended.contains("the hello is refused"), "{ended}");
        let line = format!("node `node-0` speaks protocol {versions}, this program {PROTOCOL_VERSIONS}: {who}");
        wait_for("it logs no version", || node.log().contains(&line));
    }
    let whole = framed(&hello(&cluster, |_| ()));
    for bytes in [&whole[..30], &framed(b"nonsense, but a frame"), &framed(&[1; 257]), &[0xff; 9], &[]] {
        let (output, ended) = answer(bytes);
        assert!(ours(&output));
        assert!(ended.contains("the hello is refused"), "{ended}");
    }
    // No hello: it waits for its own deadline and no longer.
    let silent = runtime.block_on(async {
        let raw = RawConnection::connect_silently(node.listens(), &key).await;
        tokio::time::timeout(TEST_TIMEOUT, raw.closed()).await
    });
    assert!(silent.is_ok(), "a silent peer keeps its connection");
    // After all of that, the node still accepts a member.
    let raw = runtime.block_on(RawConnection::connect(node.listens(), &key, &cluster_of(&cluster)));
    let connected = || get(node.admin(), "/metrics").contains("tacit_node_peer_up{peer=\"node-0\"} 1");
    wait_for("no connection", connected);
    assert!(raw.is_open());
}
