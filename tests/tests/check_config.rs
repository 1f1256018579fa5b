//! `check-config` of real programs: it reports each problem in one line with what to do, and disturbs nothing.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tacit_protocol::identity::SecretKey;
use tacit_protocol::versions::PROTOCOL_VERSIONS;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::impostor::greeter::{Greeter, framed, hello, versions_after};
use tacit_tests::processes::Running;
use tacit_tests::programs::{demo, run};

const NODE: &str = "tacit-node";
const COORDINATOR: &str = "tacit-coordinator";

/// The findings of a check. Each must be reported once, and the exit code must match.
fn findings(name: &str, folder: &Path) -> Vec<String> {
    let config = folder.join("config.toml");
    let output = run(name, ["check-config", "--config", config.to_str().unwrap()]);
    let lines: Vec<String> = output.out.lines().map(str::to_owned).collect();
    if output.code == Some(0) {
        assert!(lines.len() == 1 && lines[0].starts_with("ok"), "{lines:?}");
        return Vec::new();
    }
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert!(!lines.is_empty() && !lines.iter().any(|line| line.starts_with("ok")), "{lines:?}");
    let mut once = lines.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), lines.len(), "{lines:?}");
    lines
}

/// A check with exactly one finding.
fn finding(name: &str, folder: &Path, parts: &[&str]) {
    let lines = findings(name, folder);
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in parts {
        assert!(lines[0].contains(part), "`{part}` is not in: {}", lines[0]);
    }
}

fn ok(name: &str, folder: &Path) {
    assert_eq!(findings(name, folder), Vec::<String>::new());
}

/// Every member's program and folder.
fn members(cluster: &TestCluster) -> Vec<(&'static str, PathBuf)> {
    let nodes = (0..cluster.nodes.len()).map(|node| (NODE, cluster.node_folder(node)));
    nodes.chain([(COORDINATOR, cluster.coordinator_folder())]).collect()
}

/// How often connections were made again at all members, and which connections are up.
fn connections(cluster: &TestCluster) -> Vec<String> {
    let running = cluster.nodes.iter().flatten().chain(&cluster.coordinator);
    let metrics = running.map(|process| get(process.admin(), "/metrics"));
    let about = ["peer_reconnects", "node_reconnects", "peer_up", "node_up", "coordinator_up"];
    metrics
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.starts_with('#') && about.iter().any(|name| line.contains(name)))
        .collect()
}

#[test]
fn a_cluster_that_runs_is_checked_and_not_disturbed() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.ready();
    let all_up = |lines: &[String]| lines.iter().filter(|line| line.contains("_up")).all(|line| line.ends_with(" 1"));
    let end = Instant::now() + Duration::from_secs(30);
    while !all_up(&connections(&cluster)) {
        assert!(Instant::now() < end, "{:?}", connections(&cluster));
        std::thread::sleep(Duration::from_millis(50));
    }
    // Every program logs the digest of its cluster file.
    let shown = cluster.tacit(["cluster", "show", "cluster.toml"]).ok();
    for process in cluster.nodes.iter().flatten().chain(&cluster.coordinator) {
        assert_eq!(process.cluster().len(), 64);
        assert!(
            shown.contains(process.cluster()) && process.log().contains(process.cluster()),
            "{shown}"
        );
    }
    let before = connections(&cluster);
    assert_eq!(before.len(), 3 * 2 * 2 + 3 + 3 * 2, "{before:?}");
    for (name, folder) in members(&cluster) {
        ok(name, &folder);
    }
    assert_eq!(connections(&cluster), before);
    let job = cluster.create_job("after", 1, 3);
    cluster.answer(&job, "alice", &["yes"]).ok();

    // Stopped members can be checked too: their ports are free, and the others run.
    drop(cluster.nodes[0].take());
    ok(NODE, &cluster.node_folder(0));
    let missing = ["cannot reach node `node-0`", "UDP", "see that it runs"];
    finding(NODE, &cluster.node_folder(1), &missing);
    finding(COORDINATOR, &cluster.coordinator_folder(), &missing);
    cluster.start_node(0);
    drop(cluster.coordinator.take());
    ok(COORDINATOR, &cluster.coordinator_folder());
    cluster.start_coordinator();
    cluster.finish(&job);
}

#[test]
fn peers_that_differ_are_named() {
    let mut cluster = TestCluster::lay_out(3, 1);
    (0..3).for_each(|node| cluster.start_node(node));
    let others = [(NODE, cluster.node_folder(0)), (COORDINATOR, cluster.coordinator_folder())];
    let all_say = |parts: &[&str]| others.iter().for_each(|(name, folder)| finding(name, folder, parts));

    // A member with another cluster file finds that all others have another one.
    drop(cluster.nodes[2].take());
    let file = cluster.node_folder(2).join("cluster.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}# a comment is a difference\n")).unwrap();
    cluster.start_node(2);
    all_say(&["node `node-2` has another cluster file", "give every member the same file"]);
    let seen = findings(NODE, &cluster.node_folder(2));
    assert!(
        seen.len() == 2 && seen.iter().all(|line| line.contains("another cluster file")),
        "{seen:?}"
    );
    drop(cluster.nodes[2].take());

    // Another key at the node's address.
    cluster.lead_node(2, cluster.nodes[1].as_ref().unwrap().listens());
    all_say(&["node `node-2`", "does not show a key that the cluster file names", "compare"]);

    // Another version.
    let newer = framed(&hello(&cluster, |hello| hello.versions = versions_after(1, 2)));
    let greeter = Greeter::start(&cluster, 2, move || Some(newer.clone()));
    let both = format!(
        "node `node-2` speaks protocol {}, this program {PROTOCOL_VERSIONS}",
        versions_after(1, 2)
    );
    all_say(&[&both, "upgrade this program"]);
    drop(greeter);

    // A clock that is wrong by a minute in either direction; differences of a few seconds are not reported.
    let template = hello(&cluster, |_| ());
    for (seconds, parts) in [
        (60, ["node `node-2` is ", " s ahead of this machine's", "NTP"].as_slice()),
        (-60, &["node `node-2` is ", " s behind this machine's", "NTP"]),
        (1, &[]),
        (-1, &[]),
    ] {
        let template = template.clone();
        let greeter = Greeter::start(&cluster, 2, move || {
            let mut hello = tacit_protocol::hello::Hello::from_bytes(&template).unwrap();
            hello.clock = tacit_tests::impostor::raw::milliseconds().saturating_add_signed(seconds * 1000);
            Some(framed(&hello.to_bytes()))
        });
        if parts.is_empty() {
            others.iter().for_each(|(name, folder)| ok(name, folder));
        } else {
            all_say(parts);
        }
        drop(greeter);
    }

    // Nothing listens there.
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    cluster.lead_node(2, nobody.local_addr().unwrap());
    all_say(&["cannot reach node `node-2`", "see that it runs"]);
}

#[test]
fn files_and_ports_that_cannot_be_used_are_named() {
    let mut cluster = TestCluster::lay_out(3, 1);
    (1..3).for_each(|node| cluster.start_node(node));
    // A stopped node is checked while its peers run; the coordinator finds that one node does not run.
    let away = "cannot reach node `node-0`";
    let only = |name: &str, folder: &Path, parts: &[&str]| {
        let lines: Vec<String> = findings(name, folder).into_iter().filter(|line| !line.contains(away)).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in parts {
            assert!(lines[0].contains(part), "`{part}` is not in: {}", lines[0]);
        }
    };
    for (name, folder) in [(NODE, cluster.node_folder(0)), (COORDINATOR, cluster.coordinator_folder())] {
        let config = folder.join("config.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{text}\nlisten_on = 1\n")).unwrap();
        only(name, &folder, &["config.toml", "listen_on"]);
        let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        for (field, taken) in [("listen", udp.local_addr().unwrap()), ("admin", tcp.local_addr().unwrap())] {
            if name == COORDINATOR && field == "listen" {
                continue;
            }
            let taken = taken.to_string();
            std::fs::write(
                &config,
                text.replace(&format!("{field} = \"127.0.0.1:0\""), &format!("{field} = \"{taken}\"")),
            )
            .unwrap();
            only(name, &folder, &[&taken, "in use", &format!("`{field}`")]);
        }
        std::fs::write(&config, &text).unwrap();

        let key = folder.join("identity.key");
        for mode in [0o640, 0o604] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            only(name, &folder, &["identity.key", &format!("chmod 600 {}", key.display())]);
        }
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let kept = std::fs::read(&key).unwrap();
        std::fs::remove_file(&key).unwrap();
        only(name, &folder, &["identity.key", "cannot read"]);
        std::fs::write(&key, "not a key").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        only(name, &folder, &["identity.key", "32 bytes in hexadecimal"]);
        std::fs::write(&key, kept).unwrap();

        let file = folder.join("cluster.toml");
        let kept = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, kept.replace("protocol = 1", "protocol = 99")).unwrap();
        only(name, &folder, &["cluster.toml", "`protocol` is 99", "upgrade this program"]);
        std::fs::write(&file, kept).unwrap();
        assert!(findings(name, &folder).iter().all(|line| line.contains(away)));
    }
    let sealing = cluster.node_folder(0).join("data/sealing/1784030400.key");
    std::fs::create_dir_all(sealing.parent().unwrap()).unwrap();
    std::fs::write(&sealing, "").unwrap();
    std::fs::set_permissions(&sealing, std::fs::Permissions::from_mode(0o644)).unwrap();
    only(NODE, &cluster.node_folder(0), &["1784030400.key", "chmod 600"]);
}

/// A cluster runs with demo keys, but no check accepts them.
#[test]
fn keys_of_demos_and_tests_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    let answers = folder.path().join("answers.csv");
    std::fs::write(&answers, "item,contributor,answer\ni,a,x\ni,b,x\n").unwrap();
    let arguments = ["--work", work.to_str().unwrap(), "--answers", answers.to_str().unwrap()];
    demo(&folder.path().join("out"), &arguments).ok();
    for (name, member, files) in [
        (NODE, "node-1", &["identity.key", "cluster.toml"][..]),
        (COORDINATOR, "coordinator", &["identity.key", "buyers.toml", "cluster.toml"][..]),
    ] {
        let member = work.join(member);
        let lines = findings(name, &member);
        for file in files {
            let path = member.join(file).display().to_string();
            let found = |line: &String| line.starts_with(&path) && line.contains("`tacit demo`") && line.contains("init");
            assert!(lines.iter().any(found), "{path}: {lines:?}");
        }
    }

    // A cluster file of demo keys without the mark, as operators could copy it from a test.
    let cluster = TestCluster::lay_out(3, 1);
    let guessed = SecretKey::from_bytes(&[9; 32]);
    for (name, folder) in [(NODE, cluster.node_folder(0)), (COORDINATOR, cluster.coordinator_folder())] {
        let own = tacit_tests::impostor::identity(&folder).public().to_string();
        let file = folder.join("cluster.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(&own, &guessed.public().to_string())).unwrap();
        std::fs::write(folder.join("identity.key"), hex::encode([9; 32])).unwrap();
        let lines = findings(name, &folder);
        let found = |line: &String| line.contains("identity.key") && line.contains("anyone can guess");
        assert!(lines.iter().any(found), "{lines:?}");
        // The node itself would start with these keys: only the check refuses them.
        drop(Running::start(name, &folder));
    }
}
