//! What needs no coordinator.

use std::process::Command;

/// The limit on the size of files makes the first write fail, as a full disk does.
#[cfg(unix)]
#[test]
fn a_key_that_cannot_be_written_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |limit: &str| {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" keygen --out my.key");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_tacit")])
            .current_dir(folder.path());
        command.output().unwrap()
    };
    let failed = keygen("0");
    assert_eq!(failed.status.code(), Some(1));
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(error.starts_with("tacit: cannot write my.key: "), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(keygen("unlimited").status.success());
    assert!(folder.path().join("my.key").exists());
}

/// As after `cargo install --path client` alone.
#[test]
fn demo_bench_and_up_without_the_other_programs_say_how_to_install_them() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let tacit = folder.join("tacit");
    std::fs::copy(env!("CARGO_BIN_EXE_tacit"), &tacit).unwrap();
    let (real_root, out) = (root.path().canonicalize().unwrap(), root.path().join("out"));
    let commands = [["demo", "--out"], ["up", "--dir"]].map(|[command, option]| vec![command, option, out.to_str().unwrap()]);
    for arguments in commands.into_iter().chain([vec!["bench", "--items", "10"]]) {
        let output = Command::new(&tacit).args(&arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{error}");
        for crate_folder in ["node", "coordinator"] {
            let line = format!("cargo install --locked --path {crate_folder} --root '{}'", real_root.display());
            assert!(error.contains(&line), "{error}");
        }
        assert!(!out.exists());
    }
}
