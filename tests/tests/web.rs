//! `tacit web`: the page comes from the program, with the cluster file beside it, and nobody takes all of it.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::programs::{program, run};

/// A server of the page; it stops when this is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(program("tacit"))
            .args(["web", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("ready http://").unwrap();
        let address = url.strip_suffix('/').unwrap().to_owned();
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_page_is_served_with_the_cluster_file_of_whoever_serves_it() {
    let cluster = TestCluster::lay_out(3, 1);
    let file = cluster.file();
    let server = Server::start(&["--cluster", file.to_str().unwrap()]);
    assert!(get(&server.address, "/").contains("<title>Tacit</title>"));
    assert_eq!(get(&server.address, "/cluster.toml"), std::fs::read_to_string(&file).unwrap());
    let manifest = get(&server.address, "/MANIFEST");
    for path in manifest.lines().filter(|line| !line.starts_with('#')).map(|line| &line[66..]) {
        assert!(
            path == "index.html" || path == "sw.js" || path == "THIRD-PARTY.txt" || path.starts_with("assets/"),
            "{path}"
        );
    }
    // A signal ends it in order.
    let pid = server.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut server = server;
    assert!(server.process.wait().unwrap().success());
}

/// As many connections as `tacit web` takes; see `page/src/limits.rs`.
const CONNECTIONS: usize = 256;

#[test]
fn who_sends_nothing_or_half_a_request_is_let_go_and_others_are_refused_meanwhile() {
    let server = Server::start(&[]);
    let held: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|index| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            if index % 2 == 0 {
                stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nX-Half: ").unwrap();
            }
            stream
        })
        .collect();
    let mut refused = TcpStream::connect(&server.address).unwrap();
    assert_eq!(refused.read(&mut [0; 16]).unwrap_or(0), 0);
    for mut stream in held {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(ended.map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_| true));
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
    }
    assert!(get(&server.address, "/").contains("<title>Tacit</title>"));
}

#[test]
fn a_cluster_file_that_cannot_be_used_is_found_before_anybody_opens_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.toml");
    std::fs::write(&file, "name = \"half").unwrap();
    let error = run("tacit", ["web", "--listen", "127.0.0.1:0", "--cluster", file.to_str().unwrap()]).error();
    assert!(error.contains("cluster.toml"), "{error}");
}
