//! A coordinator that serves HTTPS itself: clients trust its certificate only, a new one is taken while it runs, and handshakes that never end
//! stop nobody.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::Value;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;

/// How many connections begin a handshake, or do not even that, and never end it.
const SILENT: usize = 200;

/// A file of the certificates of tests.
fn certificate(file: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls")).join(file)
}

/// Puts a certificate and its key where the coordinator's config file names them.
fn install(cluster: &TestCluster, name: &str) {
    let folder = cluster.coordinator_folder();
    let key = folder.join("api.key");
    std::fs::copy(certificate(&format!("{name}.crt")), folder.join("api.crt")).unwrap();
    std::fs::copy(certificate(&format!("{name}.key")), &key).unwrap();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A cluster whose coordinator serves HTTPS with the certificate `one`. `init` has written what is needed as comments.
fn cluster_over_tls() -> TestCluster {
    let mut cluster = TestCluster::lay_out(3, 1);
    let members = (0..3).map(|node| cluster.node_folder(node)).chain([cluster.coordinator_folder()]);
    for file in members.map(|folder| folder.join("cluster.toml")).chain([cluster.file()]) {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"http://", "\"https://")).unwrap();
    }
    let config = cluster.coordinator_folder().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let uncommented = |line: &str| {
        let prepared = ["# [tls]", "# certificate = ", "# key = "]
            .iter()
            .any(|start| line.starts_with(start));
        line[if prepared { 2 } else { 0 }..].to_owned() + "\n"
    };
    let text: String = text.lines().map(uncommented).collect();
    assert!(text.contains("\n[tls]"), "{text}");
    std::fs::write(&config, text).unwrap();
    install(&cluster, "one");
    cluster.start_coordinator();
    (0..3).for_each(|node| cluster.start_node(node));
    cluster.ready();
    cluster.trust(&certificate("one.crt"));
    cluster
}

/// Tells the coordinator to read its certificate again, and waits until its log says this.
fn hang_up(cluster: &TestCluster, says: &str) {
    let coordinator = cluster.coordinator.as_ref().unwrap();
    coordinator.hang_up();
    let end = Instant::now() + Duration::from_secs(20);
    while !coordinator.log().contains(says) {
        assert!(Instant::now() < end, "{says}: {}", coordinator.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Checks that a client does not trust the certificate.
fn distrusted(cluster: &TestCluster) {
    let error = cluster.tacit(["job", "list"]).error();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn the_programs_speak_https_and_a_new_certificate_is_taken_without_a_restart() {
    let mut cluster = cluster_over_tls();
    let coordinator = cluster.coordinator.as_ref().unwrap();
    let ready = coordinator.ready_line().to_owned();
    assert!(
        ready.starts_with(&format!("ready api=https://{} ", coordinator.listens())),
        "{ready}"
    );
    assert!(std::fs::read_to_string(cluster.file()).unwrap().contains("\"https://127.0.0.1:"));
    cluster.create_job("tls", 3, 2);
    cluster.answer("tls", "alice", &["yes", "no", "yes"]).ok();
    cluster.trust(&certificate("other.crt"));
    distrusted(&cluster);

    // New files alone change nothing: they may be there one after the other.
    install(&cluster, "other");
    distrusted(&cluster);
    hang_up(&cluster, "new connections get the certificate as it is now");
    assert!(cluster.tacit(["job", "list"]).ok().contains("tls"));
    cluster.trust(&certificate("one.crt"));
    distrusted(&cluster);

    // Files that do not fit leave the coordinator with what it has.
    std::fs::copy(certificate("one.crt"), cluster.coordinator_folder().join("api.crt")).unwrap();
    hang_up(&cluster, "the certificate cannot be read again");
    cluster.trust(&certificate("other.crt"));
    cluster.answer("tls", "bob", &["yes", "no", "no"]).ok();
    // Full, so it closes by itself.
    let out = cluster.end("tls");
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["job"]["answers"], 6);
}

/// The first message of a handshake, as a client sends it.
fn client_hello() -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

/// How many handshakes have failed.
fn failed_handshakes(admin: &str) -> u64 {
    let line = "tacit_coordinator_http_connections_refused_total{port=\"api\",reason=\"handshake\"} ";
    let metrics = get(admin, "/metrics");
    let value = metrics.lines().find_map(|one| one.strip_prefix(line));
    value.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

#[test]
fn handshakes_that_never_end_stop_nobody_and_are_ended() {
    let cluster = cluster_over_tls();
    let coordinator = cluster.coordinator.as_ref().unwrap();
    let hello = client_hello();
    let began = Instant::now();
    let held: Vec<TcpStream> = (0..SILENT)
        .map(|index| {
            let mut stream = TcpStream::connect(coordinator.listens()).unwrap();
            // Nothing, half of the first message, or all of it and no answer to what the server says.
            stream.write_all(&hello[..hello.len() * (index % 3) / 2]).unwrap();
            stream
        })
        .collect();
    cluster.create_job("silence", 3, 2);
    cluster.answer("silence", "alice", &["yes", "no", "yes"]).ok();
    cluster.answer("silence", "bob", &["yes", "no", "no"]).ok();
    let served = began.elapsed();
    let out = cluster.end("silence");
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["job"]["answers"], 6);
    // One handshake after the other would take 10 seconds for each.
    assert!(served < Duration::from_secs(60), "{served:?}");
    for mut stream in held {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let ended = stream.read_to_end(&mut Vec::new());
        let waits = |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!ended.as_ref().is_err_and(waits), "the connection is still there: {ended:?}");
    }
    let end = Instant::now() + Duration::from_secs(10);
    while failed_handshakes(coordinator.admin()) < SILENT as u64 {
        assert!(Instant::now() < end, "{}", failed_handshakes(coordinator.admin()));
        std::thread::sleep(Duration::from_millis(50));
    }
}
