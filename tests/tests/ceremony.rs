//! Makes one cluster file from the cards of all members, and compares it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tacit_tests::cluster::TestCluster;
use tacit_tests::programs::{Output, program, run};

fn create(cards: &[&str], out: &Path, threshold: &str) -> Output {
    let out = out.to_str().unwrap();
    let fixed = ["cluster", "create", "--name", "signs", "--threshold", threshold, "--out", out];
    run("tacit", fixed.iter().chain(cards).copied())
}

#[test]
fn what_is_read_aloud_is_what_each_member_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (mut cards, mut printed) = (Vec::new(), Vec::new());
    for name in ["north", "south", "west"] {
        let address = format!("{name}.example.org:4433");
        let dir = path(name);
        let operator = format!("{name} GmbH");
        let init = [
            "init",
            "--dir",
            &dir,
            "--name",
            name,
            "--operator",
            &operator,
            "--address",
            &address,
        ];
        printed.push(run("tacit-node", init));
        cards.push(path(&format!("{name}.card")));
    }
    let dir = path("coordinator");
    printed.push(run(
        "tacit-coordinator",
        ["init", "--dir", &dir, "--url", "https://tacit.example.org"],
    ));
    cards.push(path("coordinator.card"));
    for (card, output) in cards.iter().zip(&printed) {
        std::fs::write(card, &output.out).unwrap();
    }
    let cards: Vec<&str> = cards.iter().map(String::as_str).collect();
    let file = folder.path().join("cluster.toml");
    let shown = create(&cards, &file, "1").ok();
    assert_eq!(run("tacit", ["cluster", "show", file.to_str().unwrap()]).ok(), shown);
    for part in [
        "signs",
        "1 of 3",
        "https://tacit.example.org",
        "south GmbH",
        "west.example.org:4433",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for output in &printed {
        let fingerprint = output.err.lines().find_map(|line| line.strip_prefix("key fingerprint: ")).unwrap();
        assert!(shown.contains(fingerprint), "{fingerprint}: {shown}");
    }

    // The same cards, concatenated on standard input, give the same bytes.
    let again = folder.path().join("again.toml");
    let mut command = Command::new(program("tacit"));
    command.args(["cluster", "create", "--name", "signs", "--threshold", "1", "--out"]);
    let mut child = command
        .arg(&again)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let all: String = printed.iter().map(|output| output.out.as_str()).collect();
    child.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), shown);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), bytes);

    let error = create(&cards, &file, "1").error();
    assert!(error.contains("cluster.toml") && error.contains("never overwritten"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn cards_that_cannot_be_used_are_named() {
    let cluster = TestCluster::lay_out(3, 1);
    let path = |name: &str| cluster.folder().join(name).to_str().unwrap().to_owned();
    let nodes: Vec<String> = (0..3).map(|i| path(&format!("node-{i}.card.toml"))).collect();
    let coordinator = path("coordinator.card.toml");
    let out = cluster.folder().join("new.toml");
    let refused = |cards: &[&str], threshold: &str, parts: &[&str]| {
        let error = create(cards, &out, threshold).error();
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        assert!(!out.exists());
    };
    let all = [coordinator.as_str(), &nodes[0], &nodes[1], &nodes[2]];
    refused(&all, "2", &["threshold"]);
    refused(&all[1..], "1", &["no card of the coordinator"]);
    refused(&[all[0], all[1], all[2], all[1]], "1", &["node-0", "the same identity key"]);
    refused(&[all[0], all[0], all[1], all[2]], "1", &["two cards"]);
    refused(&[all[0], "no-such-file"], "1", &["no-such-file"]);

    // One file with two cards would give one operator two nodes.
    let both = [nodes[1].as_str(), &nodes[2]]
        .map(|card| std::fs::read_to_string(card).unwrap())
        .concat();
    cluster.write("both.toml", &both);
    refused(&[all[0], all[1], &path("both.toml")], "1", &["both.toml: holds 2 members"]);

    let text = std::fs::read_to_string(all[1]).unwrap();
    let token = format!("buyer_token = \"{}\"\n{}", cluster.token, std::fs::read_to_string(all[0]).unwrap());
    let other = |from: &str, to: &str| text.replace(from, to);
    let odd = path("odd.toml");
    for (text, parts) in [
        (token, ["odd.toml", "`buyer_token` is a secret"]),
        (other("operator", "oprator"), ["odd.toml: ", "oprator"]),
        (other("node-0", "node-1"), ["node-1", "the same name"]),
    ] {
        cluster.write("odd.toml", &text);
        refused(&[all[0], &odd, all[2], all[3]], "1", &parts);
    }
    // An operator's name cannot control the terminals of others.
    cluster.write("odd.toml", &other("\"test\"", "\"\\u001b[31m\""));
    let shown = create(&[all[0], &odd, all[2], all[3]], &out, "1").ok();
    assert!(shown.contains("[31m") && !shown.contains('\u{1b}'), "{shown:?}");
    std::fs::remove_file(&out).unwrap();

    let key = cluster.node_folder(0).join("identity.key");
    refused(&[all[0], key.to_str().unwrap()], "1", &["identity.key", "a secret key, not a card"]);
    let config = cluster.node_folder(0).join("config.toml");
    refused(&[all[0], config.to_str().unwrap()], "1", &["config.toml", "not a card"]);
    create(&all, &out, "1").ok();
}
