//! Every command in the documents does what they say: their `sh` blocks are run one after the other, each as a
//! script that stops at the first error.

use std::path::{Path, PathBuf};
use std::process::Command;

use tacit_tests::cluster::TestCluster;
use tacit_tests::programs::{Said, program};

/// A block of commands, and the heading above it.
struct Block {
    heading: String,
    script: String,
}

fn text(document: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document)).unwrap()
}

/// The `sh` blocks of a document.
fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut heading, mut script): (Vec<Block>, String, Option<String>) = (Vec::new(), String::new(), None);
    for line in text(document).lines() {
        match &mut script {
            Some(_) if line.trim() == "```" => blocks.extend(script.take().map(|script| Block {
                heading: heading.clone(),
                script,
            })),
            Some(script) => *script += &format!("{}\n", line.trim_start()),
            None if line.trim() == "```sh" => script = Some(String::new()),
            None if line.starts_with('#') => line.trim_start_matches(['#', ' ']).clone_into(&mut heading),
            None => {}
        }
    }
    blocks
}

/// Runs a block in a folder, with the programs on the path.
fn run(block: &Block, folder: &Path) -> Said {
    let programs = program("tacit").parent().map(Path::to_owned).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", &block.script])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap()
        .into()
}

/// Where a link in a document leads, if into this repository.
fn links(document: &str) -> Vec<PathBuf> {
    let text = text(document);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let folder = Path::new(document).parent().unwrap();
    inside.map(|target| folder.join(target.split('#').next().unwrap())).collect()
}

#[test]
fn the_first_ten_minutes_of_the_readme() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.write("token", &cluster.token);
    let blocks = blocks("README.md");
    let (try_it, others): (Vec<&Block>, Vec<&Block>) = blocks.iter().partition(|block| block.heading == "Try it");
    let [try_it] = try_it.as_slice() else {
        panic!("two commands, in one block")
    };
    assert_eq!(try_it.script.lines().count(), 2);
    // CI runs the second one, and this is part of it.
    assert!(text(".ci/run").contains("cargo test --workspace --locked"));
    assert!(try_it.script.contains("cargo test --workspace --locked"));

    assert_eq!(others.len(), 4, "buyer, contributor, the buyer again, operator");
    let said: Vec<String> = others.iter().map(|block| run(block, cluster.folder()).ok()).collect();
    assert!(said[0].starts_with("signs\n"), "{}", said[0]);
    // One person's answers are the labels.
    assert!(
        said[2].contains("item,label\nsign-1,stop\nsign-2,yield\nsign-3,stop\n"),
        "{}",
        said[2]
    );
    assert!(said[2].contains("verified"), "{}", said[2]);
    let card = std::fs::read_to_string(cluster.folder().join("node-4.card.toml")).unwrap();
    assert!(card.contains("node-4.example.org:4433"), "{card}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in [
        "README.md",
        "deploy/README.md",
        "docs/security.md",
        "docs/results.md",
        "docs/metrics.md",
        "docs/api.md",
        "fuzz/README.md",
    ] {
        for path in links(document) {
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&path).exists(),
                "{document}: {}",
                path.display()
            );
        }
    }
}

#[test]
fn every_program_has_a_manual_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tacit", "tacit-node", "tacit-coordinator"] {
        let page = folder.path().join(format!("{name}.1"));
        let said: Said = Command::new(program(name)).arg("man").arg(folder.path()).output().unwrap().into();
        said.ok();
        assert!(std::fs::read_to_string(page).unwrap().contains(".SH SYNOPSIS"));
        for shell in ["bash", "zsh", "fish"] {
            let said: Said = Command::new(program(name)).args(["completions", shell]).output().unwrap().into();
            assert!(said.ok().contains(name), "{name} {shell}");
        }
    }
    assert!(folder.path().join("tacit-job-create.1").exists());
    assert!(folder.path().join("tacit-node-check-config.1").exists());
}
