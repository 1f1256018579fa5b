//! `tacit verify` refuses a result if any byte was changed.

use std::path::Path;

use tacit_client::verify::verify;
use tacit_tests::programs::{demo, run};

const FILES: [&str; 4] = ["result.json", "payouts.csv", "certificate.json", "cluster.toml"];

fn small_result(out: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.csv");
    let rows: String = (0..3)
        .flat_map(|c| (0..4).map(move |i| format!("i{i},=c{c},{}\n", ["x", "y"][(c + i) % 2])))
        .collect();
    std::fs::write(&file, format!("item,contributor,answer\n{rows}")).unwrap();
    demo(out, &["--answers", file.to_str().unwrap(), "--release-scores"]).ok();
}

#[test]
fn any_changed_byte_of_any_file_is_refused() {
    let out = tempfile::tempdir().unwrap();
    small_result(out.path());
    let path = |name: &str| out.path().join(name);
    let accepted = || verify(&path("result.json"), &path("cluster.toml")).is_ok();
    assert!(accepted());
    for name in FILES {
        let original = std::fs::read(path(name)).unwrap();
        for position in 0..original.len() {
            let mut altered = original.clone();
            altered[position] = altered[position].wrapping_add(1 + (position % 255) as u8);
            std::fs::write(path(name), &altered).unwrap();
            assert!(!accepted(), "{name}: byte {position} changed");
        }
        for altered in [
            original[..original.len() - 1].to_vec(),
            [original.as_slice(), b"\n"].concat(),
            Vec::new(),
        ] {
            std::fs::write(path(name), &altered).unwrap();
            assert!(!accepted(), "{name}: {} bytes instead of {}", altered.len(), original.len());
        }
        std::fs::write(path(name), &original).unwrap();
        assert!(accepted());
    }
}

#[test]
fn the_command_says_what_is_wrong_and_fails() {
    let out = tempfile::tempdir().unwrap();
    small_result(out.path());
    let path = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    for entry in ["result.json", "certificate.json"] {
        let output = run("tacit", ["verify", &path(entry), "--cluster", &path("cluster.toml")]).ok();
        assert!(output.contains("verified"), "{output}");
    }
    let payouts = std::fs::read_to_string(path("payouts.csv")).unwrap();
    assert!(
        payouts.lines().skip(1).all(|line| line.starts_with("'=c")),
        "cells that a spreadsheet would compute are neutralised: {payouts}"
    );
    std::fs::write(path("payouts.csv"), payouts.replacen("EUR", "USD", 1)).unwrap();
    let error = run("tacit", ["verify", &path("result.json"), "--cluster", &path("cluster.toml")]).error();
    assert!(error.contains("payouts.csv"), "{error}");
}
