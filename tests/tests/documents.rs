//! The documents: their links lead somewhere, the commands in them exist, and something runs each block of commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use tacit_tests::documents::{blocks, text};
use tacit_tests::programs::{Output, program};

/// The target of a link in a document, if it is in this repository.
fn links(document: &str) -> Vec<PathBuf> {
    let text = text(document);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let folder = Path::new(document).parent().unwrap();
    inside.map(|target| folder.join(target.split('#').next().unwrap())).collect()
}

/// All documents.
fn documents() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listed = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let documents = names.filter(|name| name.ends_with(".md"));
        documents.map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    [".", "deploy", "docs", "docs/security", "fuzz"]
        .into_iter()
        .flat_map(listed)
        .collect()
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents() {
        for path in links(&document) {
            let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&path);
            assert!(target.exists(), "{document}: {}", path.display());
        }
    }
}

/// The pages of `docs/security`.
fn security_pages() -> Vec<String> {
    let pages: Vec<String> = documents()
        .into_iter()
        .filter(|document| document.starts_with("docs/security/"))
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// Wide lines are hard to read beside the code, and hard to review.
#[test]
fn lines_of_security_pages_are_shorter_than_160_columns() {
    for page in security_pages() {
        for (line, number) in text(&page).lines().zip(1..) {
            let columns = line.chars().count();
            assert!(columns < 160, "{page}:{number} has {columns} columns: break the line");
        }
    }
}

/// A security page names code and tests by their full path from the root, in backticks.
#[test]
fn files_that_security_pages_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_path = |mention: &&str| mention.split_once('/').is_some_and(|(folder, _)| root.join(folder).is_dir());
    for page in security_pages() {
        let text = text(&page);
        let mentioned = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let missing: Vec<&str> = mentioned.filter(is_path).filter(|path| !root.join(path).exists()).collect();
        assert!(missing.is_empty(), "{page} names files that do not exist: {missing:?}");
    }
}

/// Commands are run by this test, by one that is named here, or by CI.
#[test]
fn every_block_of_commands_is_run_by_something() {
    let ci = text(".ci/run");
    for document in documents() {
        let document = document.trim_start_matches("./");
        let blocks = blocks(document);
        match document {
            // tests/first_ten_minutes.rs runs these blocks.
            "README.md" => assert_eq!(blocks.len(), 6),
            // tests/deployment.rs runs these blocks by number.
            "deploy/README.md" => assert_eq!(blocks.len(), 7),
            // tests/http_walk_through.rs runs these blocks.
            "docs/http.md" => assert_eq!(blocks.len(), 10),
            "docs/operations.md" => {
                for line in blocks.iter().flat_map(|block| block.script.lines()) {
                    let Some(("promtool", arguments)) = line.split_once(' ') else {
                        panic!("{document}: nothing runs `{line}`")
                    };
                    // tests/alerts.rs runs the same command on the same files.
                    assert!(
                        arguments.starts_with("check config deploy/") || arguments.starts_with("test rules deploy/"),
                        "{line}"
                    );
                }
            }
            "fuzz/README.md" => assert!(ci.contains("fuzz/run 10"), "{ci}"),
            _ => assert!(blocks.is_empty(), "{document} has commands that nothing runs"),
        }
    }
}

/// The text between backticks, and the lines of all blocks.
fn mentions(document: &str) -> Vec<String> {
    let text = text(document);
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned);
    let lines = text.lines().map(|line| line.trim().to_owned());
    spans.chain(lines).collect()
}

#[test]
fn commands_that_are_only_mentioned_exist_with_their_options() {
    let mut found = 0;
    for document in documents() {
        for mention in mentions(&document) {
            let mut words = mention.split(' ');
            let Some(name @ ("tacit" | "tacit-node" | "tacit-coordinator")) = words.next() else {
                continue;
            };
            let is_command = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
            let words: Vec<&str> = words.collect();
            // A job's id may look like a command; the first two words are enough.
            let commands: Vec<&str> = words.iter().copied().take_while(is_command).take(2).collect();
            let help = |commands: &[&str]| -> Output {
                let output = Command::new(program(name)).args(commands).arg("--help").output();
                output.unwrap().into()
            };
            let Some(first) = commands.first() else { continue };
            if help(&[]).ok().lines().all(|line| line.split_whitespace().next() != Some(first)) {
                // The name begins a sentence, or stands in a table of metrics.
                assert!(!mention.contains("--"), "{document}: `{mention}`");
                continue;
            }
            let output = match help(&commands) {
                output if output.code == Some(0) => output,
                _ => help(&commands[..1]),
            };
            let help = output.ok();
            let options = words.iter().filter(|word| word.starts_with("--"));
            for option in options.map(|word| word.trim_end_matches([',', '.', ';', ')'])) {
                // As a whole word: `--pool` is not an option because `--pool-size` is one.
                let mut known = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                assert!(known.any(|word| word == option), "{document}: `{mention}` has no {option}");
            }
            found += 1;
        }
    }
    assert!(found > 30, "{found}");
}

#[test]
fn every_program_has_a_manual_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tacit", "tacit-node", "tacit-coordinator"] {
        let page = folder.path().join(format!("{name}.1"));
        let output: Output = Command::new(program(name)).arg("man").arg(folder.path()).output().unwrap().into();
        output.ok();
        assert!(std::fs::read_to_string(page).unwrap().contains(".SH SYNOPSIS"));
        for shell in ["bash", "zsh", "fish"] {
            let output: Output = Command::new(program(name)).args(["completions", shell]).output().unwrap().into();
            assert!(output.ok().contains(name), "{name} {shell}");
        }
    }
    assert!(folder.path().join("tacit-job-create.1").exists());
    assert!(folder.path().join("tacit-node-check-config.1").exists());
}
