//! What programs must not contain: openings outside the check of answers, code that exists for tests, and arithmetic that overflows in silence.

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};

/// The openings that precede verification, each with the folders in which it may be called. No type can tell that what a caller
/// opens reveals nothing: `docs/security/validity.md` and `docs/security/labels.md` argue it for these folders.
const OPENINGS_BEFORE_VERIFICATION: [(&str, [&str; 2]); 2] = [
    ("open_check", ["mpc-core/src/session", "scoring/src/validity"]),
    ("to_bits", ["mpc-core/src", "scoring/src/statistic/labels"]),
];

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
fn openings_before_verification_have_one_caller_each() {
    let sources: Vec<(PathBuf, TokenStream)> = super::packages()
        .iter()
        .flat_map(|package| rust_files(&repository().join(super::folder(package)).join("src")))
        .map(|file| {
            (
                file.strip_prefix(repository()).unwrap().to_owned(),
                std::fs::read_to_string(&file).unwrap(),
            )
        })
        .map(|(file, source)| (file, source.parse().unwrap()))
        .collect();
    assert!(sources.len() > 200, "{}", sources.len());
    for (opening, folders) in OPENINGS_BEFORE_VERIFICATION {
        let callers = sources
            .iter()
            .filter(|(_, tokens)| names(tokens.clone(), opening))
            .map(|(file, _)| file);
        let (allowed, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
            callers.partition(|file| folders.iter().any(|folder| file.starts_with(folder)));
        assert!(others.is_empty(), "{others:?} call {opening}: open results by `Recorded::open`");
        assert!(allowed.len() > 1, "{opening}: {allowed:?}");
    }
}

/// The packages in which releases do not check arithmetic: dependencies, and the engine.
const UNCHECKED_IN_RELEASES: [&str; 2] = ["*", "tacit-mpc-core"];

/// The settings of a profile that switch the check of arithmetic off, beside `overflow-checks` itself.
fn is_unchecked(profile: &toml::Value) -> bool {
    ["overflow-checks", "debug-assertions"]
        .iter()
        .any(|setting| profile.get(setting).and_then(toml::Value::as_bool) == Some(false))
}

#[test]
fn releases_check_arithmetic_except_in_the_engine() {
    let text = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let profiles = manifest["profile"].as_table().unwrap();
    let release = &profiles["release"];
    assert_eq!(release.get("overflow-checks"), Some(&toml::Value::Boolean(true)));
    let packages = release["package"].as_table().unwrap();
    let unchecked = packages.iter().filter(|(_, settings)| is_unchecked(settings));
    let unchecked: Vec<&str> = unchecked.map(|(name, _)| name.as_str()).collect();
    // `*` stands for dependencies only, never for a crate of this repository.
    assert_eq!(unchecked, UNCHECKED_IN_RELEASES);
    let lines: Vec<&str> = text.lines().collect();
    let engine = lines.iter().position(|line| *line == "[profile.release.package.tacit-mpc-core]");
    let reason = lines[engine.unwrap() - 1];
    assert!(reason.starts_with("# The engine "), "say why the engine is not checked: {reason}");
    // Tests are built in `dev`, which checks unless it says that it does not.
    for (name, profile) in profiles.iter().filter(|(name, _)| *name != "release") {
        let packages = profile.get("package").and_then(toml::Value::as_table);
        let mut all = packages.into_iter().flat_map(|packages| packages.values()).chain([profile]);
        assert!(!all.any(is_unchecked), "profile {name}");
        assert_ne!(
            profile.get("inherits"),
            Some(&toml::Value::String("release".to_owned())),
            "profile {name}: look at it here, too"
        );
    }
    // Cargo's own config file would override the manifest.
    let config = std::fs::read_to_string(repository().join(".cargo/config.toml")).unwrap();
    assert_eq!(config.parse::<toml::Table>().unwrap().get("profile"), None);
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
