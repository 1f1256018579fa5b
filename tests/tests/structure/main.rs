//! The structure of the sources: which crate may depend on which, and that files of different folders do not import each other in a circle.

mod graph;
mod production;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use graph::Crate;
use serde_json::{Value, json};

/// The folder of each crate, and those it may depend on. Dependencies of tests are free.
const MAY_DEPEND_ON: [(&str, &[&str]); 12] = [
    ("mpc-core", &[]),
    ("protocol", &["mpc-core"]),
    ("scoring", &["mpc-core", "protocol"]),
    ("link", &["mpc-core", "protocol"]),
    ("program", &[]),
    ("metrics", &["mpc-core", "protocol", "program"]),
    ("http-server", &["program"]),
    ("page", &["http-server"]),
    (
        "node",
        &[
            "mpc-core",
            "protocol",
            "scoring",
            "link",
            "metrics",
            "program",
            "http-server",
            "page",
        ],
    ),
    (
        "coordinator",
        &["mpc-core", "protocol", "scoring", "link", "metrics", "program", "http-server"],
    ),
    ("client", &["mpc-core", "protocol", "scoring", "program", "http-server", "page"]),
    (
        "tests",
        &["mpc-core", "protocol", "scoring", "link", "metrics", "program", "client"],
    ),
];

/// The workspace's packages.
fn packages() -> Vec<Value> {
    let said = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let metadata: Value = serde_json::from_slice(&said.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A package's folder, relative to the repository.
fn folder(package: &Value) -> &str {
    let manifest = text(&package["manifest_path"]).strip_suffix("/Cargo.toml").unwrap();
    manifest.rsplit('/').next().unwrap()
}

/// What packages depend on against `MAY_DEPEND_ON`, in words.
fn forbidden(packages: &[Value]) -> Vec<String> {
    let allowed = BTreeMap::from(MAY_DEPEND_ON);
    let mut found = Vec::new();
    for package in packages {
        let own = folder(package);
        let Some(allowed) = allowed.get(own) else {
            found.push(format!("say in MAY_DEPEND_ON what the crate {own} may depend on"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let Some(path) = dependency["path"].as_str().filter(|_| dependency["kind"] != "dev") else {
                continue;
            };
            let other = path.rsplit('/').next().unwrap();
            if !allowed.contains(&other) {
                found.push(format!(
                    "{own} must not depend on {other}, only on {allowed:?}: move what it needs down"
                ));
            }
        }
    }
    found
}

#[test]
fn crates_depend_on_those_below_only() {
    let packages = packages();
    assert!(packages.len() > 5, "{}", packages.len());
    assert_eq!(forbidden(&packages), [""; 0]);
}

#[test]
fn dependencies_on_a_crate_above_are_found() {
    let dependency = |folder: &str, kind: Value| json!({ "path": format!("/r/{folder}"), "kind": kind });
    let package =
        |folder: &str, dependencies: Value| json!({ "manifest_path": format!("/r/{folder}/Cargo.toml"), "dependencies": dependencies });
    let packages = [
        package(
            "mpc-core",
            json!([dependency("scoring", json!("dev")), { "path": null, "kind": null }]),
        ),
        package("protocol", json!([dependency("mpc-core", Value::Null)])),
        package(
            "scoring",
            json!([dependency("protocol", Value::Null), dependency("node", json!("build"))]),
        ),
        package("link", json!([dependency("scoring", Value::Null)])),
        package("unheard-of", json!([])),
    ];
    let found = forbidden(&packages);
    let about = [
        "scoring must not depend on node",
        "link must not depend on scoring",
        "the crate unheard-of",
    ];
    assert_eq!(found.len(), about.len(), "{found:?}");
    for (found, about) in found.iter().zip(about) {
        assert!(found.contains(about), "{found}");
    }
}

/// What the cycles of a crate are, in words; empty if there are none.
fn cycles(root: &Path) -> String {
    let tree = Crate::read(root);
    let arrows = tree.arrows();
    let base = root.parent().unwrap();
    let short = |file: &PathBuf| file.strip_prefix(base).unwrap_or(file).display().to_string();
    let mut said = String::new();
    for cycle in tree.cycles(&arrows) {
        let files: Vec<String> = cycle.iter().map(short).collect();
        if STILL_TIED.contains(&files.join(", ").as_str()) {
            continue;
        }
        writeln!(
            said,
            "{}: these {} files import each other: {}",
            base.display(),
            files.len(),
            files.join(", ")
        )
        .unwrap();
        writeln!(said, "  imports among them that lead to another folder:").unwrap();
        for ((from, to), names) in &arrows {
            if cycle.contains(from) && cycle.contains(to) && tree.folder(from) != tree.folder(to) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                writeln!(said, "    {} -> {}: {}", short(from), short(to), names.join(", ")).unwrap();
            }
        }
    }
    said
}

/// Cycles that are to be untied: the counters of the page in `node`, and in `protocol` the reader of cluster files, and the record of consent, which
/// belongs into the folder of submissions. No other one is let through.
const STILL_TIED: [&str; 3] = [
    "config.rs, metrics/mod.rs, web.rs",
    "cluster/reading.rs, cluster.rs, sealing_epoch.rs",
    "consent.rs, submission/create.rs, submission/delivery.rs, submission/envelope.rs, submission/gold.rs, submission/header.rs, \
     submission/opened.rs",
];

#[test]
fn files_of_different_folders_are_in_no_import_cycle() {
    let mut said = String::new();
    let mut roots = BTreeSet::new();
    for package in packages() {
        for target in package["targets"].as_array().unwrap() {
            let kind = text(&target["kind"][0]);
            if ["lib", "bin"].contains(&kind) {
                roots.insert(PathBuf::from(text(&target["src_path"])));
            }
        }
    }
    assert!(roots.len() > 5, "{roots:?}");
    for root in roots {
        said += &cycles(&root);
    }
    assert!(said.is_empty(), "\n{said}Move the names into the lower of the two files.");
}

/// A crate of these files, and what is said of its cycles.
fn said_of(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    cycles(&folder.path().join("lib.rs"))
}

/// Two folders of which the first imports the second; `back` is a file of the second one.
fn two_folders(back: &str) -> String {
    said_of(&[
        ("lib.rs", "pub mod high; pub mod low; pub use high::High;"),
        (
            "high/mod.rs",
            "pub mod part; pub use part::{Part, Other as Renamed}; pub struct High(crate::low::Low);",
        ),
        (
            "high/part.rs",
            "use super::High; pub struct Part; pub struct Other; pub fn work(_: High) {}",
        ),
        ("low/mod.rs", "mod detail; pub use self::detail::*;"),
        ("low/detail.rs", back),
    ])
}

#[test]
fn a_cycle_between_folders_is_found_however_it_is_written() {
    let ways = [
        "use crate::high::High; pub struct Low;",
        "use crate::{high::{part, High}}; pub struct Low;",
        "use crate::{self as root, high::{self, part::{Part as P}}}; pub struct Low;",
        "use super::super::high::High; pub struct Low;",
        "pub struct Low(Box<crate::High>);",
        "pub struct Low; fn f() { use crate::high; high::part::work(todo!()) }",
        "pub struct Low; fn f() { assert!(matches!(x, crate::high::part::Part)) }",
        "pub struct Low; mod inner { pub fn f(_: &'static super::super::super::high::High) {} }",
        "pub struct Low; #[cfg(any(test, feature = \"testing\"))] pub fn f(_: crate::high::High) {}",
        "pub use crate::high::High as Reused; pub struct Low(Reused);",
        "#[cfg(test)] mod tests; pub struct Low; use crate::high::*;",
    ];
    for back in ways {
        let said = two_folders(back);
        assert!(said.contains("low/detail.rs -> high/"), "{back}\n{said}");
        assert!(said.contains("high/mod.rs -> low/detail.rs: Low"), "{back}\n{said}");
    }
}

#[test]
fn the_names_that_tie_a_cycle_are_those_of_the_files_that_define_them() {
    let said = two_folders("use crate::high::{Part, Renamed, part::work}; pub struct Low;");
    assert!(said.contains("low/detail.rs -> high/part.rs: Part, Renamed, work"), "{said}");
    assert!(!said.contains("detail.rs -> high/mod.rs"), "{said}");
    let said = two_folders("use crate::High; pub struct Low;");
    assert!(
        said.contains("low/detail.rs -> high/mod.rs: High"),
        "through the crate's root: {said}"
    );
}

#[test]
fn what_is_no_cycle_is_not_reported() {
    let harmless = [
        "pub struct Low;",
        "pub struct Low; // crate::high::High",
        "pub struct Low; /// See [`crate::high::High`].\nfn f() { g(\"crate::high::High\") }",
        "pub struct Low; #[cfg(test)] mod tests { use crate::high::High; }",
        "pub struct Low; #[cfg(test)] use crate::high::{High, Part};",
        "pub struct Low; fn f() { #[cfg(test)] crate::high::part::work(todo!()); }",
        "pub struct Low; #[cfg(test)] fn f() -> Result<u8, u8> { crate::high::part::work(todo!()) }",
        "pub struct Low; #[test] fn f() { crate::high::part::work(todo!()) }",
        "pub struct Low; pub use crate::high::Part;",
        "use high::High; pub struct Low;",
    ];
    for back in harmless {
        assert_eq!(two_folders(back), "", "{back}");
    }
}

#[test]
fn files_of_one_folder_may_import_each_other() {
    let said = said_of(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::a::A; pub struct B;"),
        ("c.rs", "mod part; pub struct C(part::Part);"),
        ("c/part.rs", "use super::C; pub struct Part;"),
    ]);
    assert_eq!(
        said, "",
        "a.rs and b.rs are of the crate's folder, c.rs and c/part.rs of the folder c"
    );
    let said = said_of(&[
        ("lib.rs", "mod a; #[path = \"c/odd.rs\"] mod c;"),
        ("a.rs", "use crate::c::C; pub struct A;"),
        ("c/odd.rs", "use crate::a::A; pub struct C;"),
    ]);
    assert!(said.contains("a.rs -> c/odd.rs: C"), "{said}");
}
