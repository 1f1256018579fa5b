//! Bad input gives one error line that names the file, field or peer, and exit code 1. A second run with good input works.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tacit_tests::cluster::TestCluster;
use tacit_tests::processes::Running;
use tacit_tests::programs::{demo, run};

fn demo_error(bytes: &[u8], more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.csv");
    std::fs::write(&file, bytes).unwrap();
    let out = folder.path().join("out");
    let error = demo(&out, &[&["--answers", file.to_str().unwrap()], more].concat()).error();
    assert!(!out.join("result.json").exists());
    // Then the same command with good input works.
    std::fs::write(&file, "item,contributor,answer\ni,a,x\ni,b,x\n").unwrap();
    demo(&out, &["--answers", file.to_str().unwrap()]).ok();
    error
}

fn assert_names(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn answer_files() {
    assert_names(
        &demo_error(b"item,contributor,label\ni,c,a\n", &[]),
        &["answers.csv", "line 1", "answer"],
    );
    assert_names(&demo_error(b"", &[]), &["answers.csv", "empty"]);
    assert_names(&demo_error(b"item,contributor,answer\n", &[]), &["answers.csv"]);
    assert_names(
        &demo_error(b"item,contributor,answer\ni,c,a\ni,d,\xff\n", &[]),
        &["answers.csv", "line 3", "UTF-8"],
    );
    assert_names(
        &demo_error(b"item,contributor,answer\ni,c,a\ni,d,b\n", &["--classes", "a,c"]),
        &["answers.csv", "line 3", "`b`"],
    );
    assert_names(&demo_error(b"item,contributor,answer\ni,c\n", &[]), &["answers.csv", "line 2"]);
    let missing = demo(Path::new("unused"), &["--answers", "no-such-file.csv"]).error();
    assert_names(&missing, &["no-such-file.csv"]);
    assert_names(
        &demo_error(b"item,contributor,answer\ni,c,a\n", &["--nodes", "4", "--threshold", "2"]),
        &["threshold"],
    );
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = demo(&file.join("out"), &[]).error();
    assert_names(&error, &["file"]);
}

/// The error of a node when it is started on its folder.
fn node_error(cluster: &TestCluster, node: usize) -> String {
    let config = cluster.node_folder(node).join("config.toml");
    run("tacit-node", ["run", "--config", config.to_str().unwrap(), "--stop-with-stdin"]).error()
}

#[test]
fn two_nodes_with_one_key() {
    let cluster = TestCluster::lay_out(3, 1);
    let file = cluster.node_folder(0).join("cluster.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let identities: Vec<&str> = text.lines().filter(|line| line.starts_with("identity")).collect();
    std::fs::write(&file, text.replace(identities[3], identities[1])).unwrap();
    assert_names(&node_error(&cluster, 0), &["cluster.toml", "node-0", "node-2", "identity"]);
    std::fs::write(&file, &text).unwrap();
    drop(Running::start("tacit-node", &cluster.node_folder(0)));
}

#[test]
fn missing_foreign_and_readable_keys() {
    let cluster = TestCluster::lay_out(3, 1);
    let folder = cluster.node_folder(0);
    let key = folder.join("identity.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert_names(&node_error(&cluster, 0), &["identity.key"]);
    std::fs::write(&key, &kept).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_names(&node_error(&cluster, 0), &["identity.key", "chmod 600"]);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::copy(cluster.coordinator_folder().join("identity.key"), &key).unwrap();
    assert_names(&node_error(&cluster, 0), &["identity.key", "cluster.toml"]);
    let check = run(
        "tacit-node",
        ["check-config", "--config", folder.join("config.toml").to_str().unwrap()],
    );
    assert_eq!(check.code, Some(1));
    assert_names(&check.out, &["identity.key", "cluster.toml"]);
}

/// The port is in use by another program. (A second process on the same folder would also fail for other reasons.)
#[test]
fn busy_ports() {
    let cluster = TestCluster::lay_out(3, 1);
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    for (name, folder, taken) in [
        ("tacit-node", cluster.node_folder(0), udp.local_addr().unwrap()),
        ("tacit-coordinator", cluster.coordinator_folder(), tcp.local_addr().unwrap()),
    ] {
        let config = folder.join("config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let taken = taken.to_string();
        std::fs::write(&config, text.replace("listen = \"127.0.0.1:0\"", &format!("listen = \"{taken}\""))).unwrap();
        let arguments = ["run", "--config", config.to_str().unwrap(), "--stop-with-stdin"];
        assert_names(&run(name, arguments).error(), &[&taken, "in use"]);
        std::fs::write(&config, text).unwrap();
        drop(Running::start(name, &folder));
    }
}

#[test]
fn unknown_fields_and_missing_configs() {
    let cluster = TestCluster::lay_out(3, 1);
    let config = cluster.node_folder(0).join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\nlisten_on = \"x\"\n")).unwrap();
    assert_names(&node_error(&cluster, 0), &["config.toml", "listen_on"]);
    std::fs::remove_file(&config).unwrap();
    assert_names(&node_error(&cluster, 0), &["config.toml"]);
}

#[test]
fn a_node_with_another_cluster_file_is_named() {
    let mut cluster = TestCluster::lay_out(3, 1);
    let file = cluster.node_folder(2).join("cluster.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "# a comment is a difference\n").unwrap();
    for node in 0..3 {
        cluster.start_node(node);
    }
    cluster.start_coordinator();
    cluster.write("items.csv", "id\na\n");
    cluster.write(
        "job.toml",
        "name = \"j\"\nquestion = { kind = \"categorical\", classes = [\"x\"] }\nitems = \"items.csv\"\nanswers_per_item = 1\nsensitive = false\nrelease = [\"agreement\"]\n",
    );
    let error = cluster.tacit(["job", "create", "job.toml"]).error();
    assert_names(&error, &["node-2", "cluster file"]);
    let log = cluster.nodes[0].as_ref().unwrap().log();
    assert_names(&log, &["node-2", "cluster file"]);
    // With the right file, the same cluster works.
    std::fs::copy(cluster.file(), &file).unwrap();
    drop(cluster.nodes[2].take());
    cluster.start_node(2);
    cluster.ready();
    let job = cluster.create_job("after", 1, 3);
    cluster.answer(&job, "alice", &["yes"]).ok();
    cluster.finish(&job);
}

#[test]
fn nothing_is_overwritten() {
    let cluster = TestCluster::lay_out(3, 1);
    let folder = cluster.node_folder(0);
    let before = std::fs::read(folder.join("identity.key")).unwrap();
    let dir = folder.to_str().unwrap();
    let error = run(
        "tacit-node",
        ["init", "--dir", dir, "--name", "n", "--operator", "o", "--address", "localhost:1"],
    )
    .error();
    assert_names(&error, &["config.toml", "exists"]);
    assert_eq!(std::fs::read(folder.join("identity.key")).unwrap(), before);
    cluster.tacit(["keygen", "--out", "one.key"]).ok();
    assert_names(&cluster.tacit(["keygen", "--out", "one.key"]).error(), &["one.key"]);
}
