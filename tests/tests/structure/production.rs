//! What programs must not contain: openings outside the check of answers, and code that exists for tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};

/// The folders in which `Session::open_check` may be called. It opens shares before they are verified, so its callers must show
/// that what they open reveals nothing: see `docs/security/validity.md`.
const MAY_OPEN_UNVERIFIED: [&str; 2] = ["mpc-core/src/session", "scoring/src/validity"];

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn names(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => names(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The Rust files below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn only_the_check_of_answers_opens_before_verification() {
    let mut callers = Vec::new();
    let mut files = 0;
    for package in super::packages() {
        let sources = repository().join(super::folder(&package)).join("src");
        for file in rust_files(&sources) {
            files += 1;
            if names(std::fs::read_to_string(&file).unwrap().parse().unwrap(), "open_check") {
                callers.push(file.strip_prefix(repository()).unwrap().to_owned());
            }
        }
    }
    assert!(files > 200, "{files}");
    let (allowed, others): (Vec<PathBuf>, Vec<PathBuf>) = callers
        .into_iter()
        .partition(|file| MAY_OPEN_UNVERIFIED.iter().any(|folder| file.starts_with(folder)));
    assert!(others.is_empty(), "{others:?}: open results by `Recorded::open`");
    assert!(allowed.len() > 1, "{allowed:?}");
}

#[test]
fn programs_are_built_without_code_for_tests() {
    // As `cargo build` does: the default members, and no development dependencies.
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--edges",
            "no-dev,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
            "--offline",
            "--locked",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let ours: Vec<&str> = tree.lines().filter(|line| line.starts_with("tacit-")).collect();
    for program in ["tacit-node", "tacit-coordinator", "tacit-client"] {
        assert!(
            ours.iter().any(|line| line.starts_with(program)),
            "{program} is not built by default: {ours:?}"
        );
    }
    for line in ours {
        let features = line.split('|').nth(1).unwrap_or_default();
        assert!(!features.split(',').any(|feature| feature.starts_with("testing")), "{line}");
    }
}
