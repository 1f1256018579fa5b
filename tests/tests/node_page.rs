//! A node whose config says so serves the page: with the same headers and digests as everybody else, with limits of its own, and while it
//! goes on computing with its peers.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tacit_tests::cluster::TestCluster;
use tacit_tests::exposition::Exposition;
use tacit_tests::http::{get, request};
use tacit_tests::processes::Running;
use tacit_tests::programs::run;

/// How many connections the page of the test takes.
const CONNECTIONS: usize = 8;

/// Adds a table `[web]` to a node's config file.
fn configure(cluster: &TestCluster, node: usize, web: &str) {
    let path = cluster.node_folder(node).join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let before = text.split("\n[web]").next().unwrap();
    std::fs::write(&path, format!("{before}\n[web]\n{web}\n")).unwrap();
}

fn node(cluster: &TestCluster, node: usize) -> &Running {
    cluster.nodes[node].as_ref().unwrap()
}

/// host:port of the page of a node, from its `ready` line.
fn page(cluster: &TestCluster, which: usize, scheme: &str) -> String {
    let ready = node(cluster, which).ready_line();
    let url = ready.split_whitespace().find_map(|word| word.strip_prefix("page="));
    let url = url.unwrap_or_else(|| panic!("{ready}"));
    let address = url.strip_prefix(&format!("{scheme}://")).unwrap_or_else(|| panic!("{url}"));
    address.trim_end_matches('/').to_owned()
}

fn metric(cluster: &TestCluster, name: &str, labels: &[(&str, &str)]) -> f64 {
    Exposition::of(node(cluster, 0).admin()).value(&format!("tacit_node_page_{name}"), labels)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_node_serves_its_own_copy_of_the_page_and_its_cluster_file() {
    let mut cluster = TestCluster::lay_out(3, 1);
    configure(&cluster, 0, "listen = \"127.0.0.1:0\"");
    cluster.start_node(0);
    let page = page(&cluster, 0, "http");
    let answer = request(&page, "GET", "/", "", &[]);
    assert!(answer.body.contains("<title>Tacit</title>"), "{answer:?}");
    for header in [
        "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-embedder-policy: require-corp",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(answer.head.contains(header), "{header}: {}", answer.head);
    }
    // Nothing says HTTPS where there is none.
    assert!(!answer.head.contains("strict-transport-security"), "{}", answer.head);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist/MANIFEST");
    assert_eq!(get(&page, "/MANIFEST"), std::fs::read_to_string(manifest).unwrap());
    assert_eq!(get(&page, "/cluster.toml"), std::fs::read_to_string(cluster.file()).unwrap());
    assert_eq!(request(&page, "GET", "/metrics", "", &[]).status, 404);
    assert_eq!(metric(&cluster, "requests_total", &[("status", "2xx")]), 3.0);
    assert_eq!(metric(&cluster, "requests_total", &[("status", "4xx")]), 1.0);
}

#[test]
fn who_takes_all_connections_of_the_page_stops_no_computation_and_is_let_go() {
    let mut cluster = TestCluster::lay_out(3, 1);
    configure(&cluster, 0, &format!("listen = \"127.0.0.1:0\"\nconnections = {CONNECTIONS}"));
    cluster.start_coordinator();
    (0..3).for_each(|node| cluster.start_node(node));
    cluster.ready();
    let page = page(&cluster, 0, "http");
    let held: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|index| {
            let mut stream = TcpStream::connect(&page).unwrap();
            if index % 2 == 0 {
                stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nX-Half: ").unwrap();
            }
            stream
        })
        .collect();
    until("all places are taken", || {
        metric(&cluster, "connections", &[]) == CONNECTIONS as f64
    });
    let mut refused = TcpStream::connect(&page).unwrap();
    assert_eq!(refused.read(&mut [0; 16]).unwrap_or(0), 0);
    assert_eq!(
        metric(&cluster, "connections_refused_total", &[("reason", "all_places_taken")]),
        1.0
    );

    // Of three nodes all are needed, so the peers and the coordinator are answered meanwhile.
    cluster.create_job("busy", 3, 2);
    for name in ["alice", "bob"] {
        cluster.answer("busy", name, &["yes", "no", "yes"]).ok();
    }
    let result = cluster.end("busy").join("result.json");
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
    assert_eq!(result["job"]["answers"], 6);

    for mut stream in held {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_| true));
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
    }
    until("a place is free", || metric(&cluster, "connections", &[]) == 0.0);
    assert!(get(&page, "/").contains("<title>Tacit</title>"));
}

/// A certificate of the tests, or its key.
fn test_file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls")).join(name)
}

/// Puts a certificate where the node's config file names it.
fn install(folder: &Path, name: &str) {
    let key = folder.join("page.key");
    std::fs::copy(test_file(&format!("{name}.crt")), folder.join("page.crt")).unwrap();
    std::fs::copy(test_file(&format!("{name}.key")), &key).unwrap();
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The answer over TLS to a client that trusts one certificate of the tests; the error if it is not trusted.
fn get_trusting(address: &str, name: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(test_file(&format!("{name}.crt"))).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), server).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address).unwrap());
    stream.write_all(b"GET /MANIFEST HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_node_serves_the_page_over_tls_and_takes_a_new_certificate_without_a_restart() {
    let mut cluster = TestCluster::lay_out(3, 1);
    let folder = cluster.node_folder(0);
    install(&folder, "one");
    let web = "listen = \"127.0.0.1:0\"\n[web.tls]\ncertificate = \"page.crt\"\nkey = \"page.key\"";
    configure(&cluster, 0, web);
    cluster.start_node(0);
    let page = page(&cluster, 0, "https");
    let answer = get_trusting(&page, "one").unwrap();
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    assert!(answer.contains("  index.html\n"), "{answer}");
    get_trusting(&page, "other").unwrap_err();

    install(&folder, "other");
    node(&cluster, 0).hang_up();
    until("the new certificate is taken", || {
        node(&cluster, 0).log().contains("new connections get the certificate as it is now")
    });
    get_trusting(&page, "other").unwrap();
    get_trusting(&page, "one").unwrap_err();
}

#[test]
fn a_page_that_cannot_be_served_ends_the_node_at_its_start_with_what_to_do() {
    let cluster = TestCluster::lay_out(3, 1);
    let folder = cluster.node_folder(0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let files = "[web.tls]\ncertificate = \"page.crt\"\nkey = \"page.key\"";
    for (web, parts) in [
        (
            "listen = \"0.0.0.0:0\"".to_owned(),
            ["config.toml", "`web.listen`", "`web.proxies`"],
        ),
        (
            format!("listen = \"{port}\""),
            ["cannot listen on TCP", "address in use", "`web.listen`"],
        ),
        (
            format!("listen = \"127.0.0.1:0\"\n{files}"),
            ["page.crt", "`web.tls.certificate`", "cannot read"],
        ),
        (
            "listen = \"127.0.0.1:0\"\nport = 1".to_owned(),
            ["config.toml", "unknown field", "port"],
        ),
    ] {
        configure(&cluster, 0, &web);
        let error = Running::try_start("tacit-node", &folder).unwrap_err();
        let config = folder.join("config.toml");
        let checked = run("tacit-node", ["check-config", "--config", config.to_str().unwrap()]);
        assert_ne!(checked.code, Some(0), "{web}");
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
            assert!(checked.out.contains(part), "{part}: {}", checked.out);
        }
    }
}
