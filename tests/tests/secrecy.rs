//! No file, log, metric or network traffic contains an answer in the clear.

use std::path::Path;

use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;

/// A contributor's answers to 64 items, a pattern that does not occur by chance.
fn canary() -> Vec<usize> {
    (0..64u64)
        .map(|i| (0x9e37_79b9_7f4a_7c15_u64.rotate_left(7) >> i & 1) as usize)
        .collect()
}

/// Every encoding of the canary that a program could leave behind.
fn spellings(classes: &[usize]) -> Vec<(&'static str, Vec<u8>)> {
    let names = ["no", "yes"];
    let text =
        |separator: &str, word: fn(usize) -> String| classes.iter().map(|c| word(*c)).collect::<Vec<_>>().join(separator).into_bytes();
    let one_hot = || classes.iter().flat_map(|c| (0..3).map(move |k| u64::from(*c == k)));
    let mut spellings = vec![
        ("class indices as bytes", classes.iter().map(|c| *c as u8).collect()),
        (
            "class indices as words",
            classes.iter().flat_map(|c| (*c as u32).to_le_bytes()).collect(),
        ),
        (
            "class indices as long words",
            classes.iter().flat_map(|c| (*c as u64).to_le_bytes()).collect(),
        ),
        ("one-hot rows of field elements", one_hot().flat_map(u64::to_le_bytes).collect()),
        ("one-hot rows of bytes", one_hot().map(|bit| bit as u8).collect()),
        ("digits", text("", |c| c.to_string())),
        ("digits with commas", text(",", |c| c.to_string())),
        ("digits with commas and spaces", text(", ", |c| c.to_string())),
        ("names with commas", text(",", |c| ["no", "yes"][c].to_owned())),
        ("names on lines", text("\n", |c| ["no", "yes"][c].to_owned())),
        ("names in JSON", text("\",\"", |c| ["no", "yes"][c].to_owned())),
    ];
    // Single rows, as in the contributor's file.
    for (i, c) in classes.iter().enumerate().take(8) {
        spellings.push(("a row of the answers file", format!("item-{i},alice,{}", names[*c]).into_bytes()));
        spellings.push(("a row of the file of gold", format!("item-{i},{}\n", names[*c]).into_bytes()));
    }
    spellings
}

/// All files below a folder except those of contributors.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn no_answer_is_ever_in_clear() {
    let cluster = TestCluster::start(3, 1);
    let classes = canary();
    let names = ["no", "yes"];
    // The buyer's gold has the same pattern, so that the search covers it too.
    let golden: Vec<(usize, &str)> = classes.iter().map(|c| names[*c]).enumerate().collect();
    let job = cluster.create_job_with_gold("canary", 64, 5, &golden).ok().trim().to_owned();
    let alice: Vec<&str> = classes.iter().map(|c| names[*c]).collect();
    let others: Vec<&str> = classes.iter().enumerate().map(|(i, c)| names[(c + i / 5) % 2]).collect();
    cluster.answer(&job, "alice", &alice).ok();
    cluster.answer(&job, "bob", &others).ok();
    cluster.answer(&job, "carol", &others).ok();
    let out = cluster.finish(&job);

    let mut found = Vec::new();
    (0..3).for_each(|node| files(&cluster.node_folder(node), &mut found));
    files(&cluster.coordinator_folder(), &mut found);
    files(&cluster.folder().join("alice.key.canary.d"), &mut found);
    files(&cluster.folder().join("canary.toml.gold.key.canary.d"), &mut found);
    files(&out, &mut found);
    let logs = found
        .iter()
        .filter(|(name, bytes)| name.ends_with("log.txt") && bytes.len() > 100)
        .count();
    assert_eq!(logs, 4, "every process logs at the level debug in this test");
    assert!(found.iter().any(|(name, bytes)| name.contains("node.sqlite") && bytes.len() > 1000));
    for process in cluster.nodes.iter().flatten().chain(&cluster.coordinator) {
        let metrics = get(process.admin(), "/metrics");
        assert!(metrics.contains("tacit_"), "{metrics}");
        found.push(("metrics".to_owned(), metrics.into_bytes()));
    }
    let traffic = cluster.traffic();
    assert!(traffic.len() > 100_000, "the relays saw {} bytes", traffic.len());
    found.push(("the wire".to_owned(), traffic));

    // The search works: it finds the rows in the contributor's own file.
    let own = std::fs::read(cluster.folder().join("alice.csv")).unwrap();
    assert!(spellings(&classes).iter().any(|(_, spelling)| contains(&own, spelling)));
    for (name, bytes) in &found {
        for (spelling, needle) in spellings(&classes) {
            assert!(!contains(bytes, &needle), "{name} holds answers in clear, as {spelling}");
        }
    }
}

#[test]
fn keys_and_tokens_are_not_logged() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("keys", 4, 3);
    for contributor in ["alice", "bob", "carol"] {
        cluster.answer(&job, contributor, &["yes", "no", "yes", "yes"]).ok();
    }
    cluster.finish(&job);
    let mut secrets = Vec::new();
    for folder in (0..3).map(|node| cluster.node_folder(node)).chain([cluster.coordinator_folder()]) {
        let sealing = std::fs::read_dir(folder.join("data/sealing")).into_iter().flatten();
        let keys = sealing.map(|entry| entry.unwrap().path()).chain([folder.join("identity.key")]);
        for key in keys {
            let text = std::fs::read_to_string(key).unwrap_or_default();
            secrets.extend(text.split(['"', '\n', ' ']).filter(|word| word.len() >= 64).map(str::to_owned));
        }
    }
    assert!(secrets.len() >= 7);
    secrets.push(cluster.token.clone());
    for process in cluster.nodes.iter().flatten().chain(&cluster.coordinator) {
        let log = process.log();
        assert!(secrets.iter().all(|secret| !log.contains(secret)));
    }
}
