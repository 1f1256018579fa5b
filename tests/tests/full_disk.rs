//! A full disk gives one clear error, and a second run works. Most tests need a small file system of their own and run only where mounting
//! one is allowed; elsewhere they are skipped, or fail if `TACIT_REQUIRE_FULL_DISK` is set.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tacit_tests::programs::{Output, demo, program, run};

/// A file system of `size` bytes, unmounted when this is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts a file system; `None` if that is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        assert!(
            std::env::var_os("TACIT_REQUIRE_FULL_DISK").is_none(),
            "TACIT_REQUIRE_FULL_DISK is set, but no small file system can be mounted here"
        );
        // Write to the terminal directly: the test harness hides the output of `eprintln!` in tests that pass.
        let skipped = b"SKIPPED: a test of full disks: mounting a small file system is not allowed here\n";
        let _ = std::io::stderr().write_all(skipped);
        None
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        let grown = Command::new("mount").args(["-o", &options]).arg(self.path()).status();
        assert!(grown.unwrap().success());
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing_in_the_way() {
    let out = tempfile::tempdir().unwrap();
    // The disk becomes full in different places: some leave room in the log for the error, others do not.
    for size in ["400k", "700k", "850k", "900k", "1100k"] {
        let Some(disk) = SmallDisk::mount(size) else { return };
        let work = disk.path().join("work");
        let error = demo(out.path(), &["--work", work.to_str().unwrap(), "--timeout", "120"]).error();
        assert!(error.contains("full") || error.contains("No space"), "{size}: {error}");
        assert!(!out.path().join("result.json").exists());
    }
    // With enough space, the same output folder works.
    demo(out.path(), &[]).ok();
    assert!(out.path().join("result.json").exists());
}

#[test]
fn a_full_output_folder_is_named() {
    let Some(disk) = SmallDisk::mount("8k") else { return };
    let error = demo(&disk.path().join("out"), &[]).error();
    assert!(error.contains("out"), "{error}");
    let left: Vec<_> = std::fs::read_dir(disk.path().join("out"))
        .map(|d| d.map(|e| e.unwrap().file_name()).collect())
        .unwrap_or_default();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().ends_with(".json")),
        "half-written: {left:?}"
    );
}

/// The three commands that make keys in `dir`.
fn commands(dir: &Path) -> [(&'static str, Vec<String>); 3] {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let node = "--name n --operator o --address localhost:1 --admin 127.0.0.1:0";
    let coordinator = "--listen 127.0.0.1:1 --admin 127.0.0.1:0";
    [
        ("tacit", vec!["keygen".to_owned(), "--out".to_owned(), path("my.key")]),
        ("tacit-node", [words("init --dir"), vec![path("node")], words(node)].concat()),
        (
            "tacit-coordinator",
            [words("init --dir"), vec![path("coordinator")], words(coordinator)].concat(),
        ),
    ]
}

#[test]
fn keys_are_made_on_the_second_run_after_the_disk_was_full() {
    // Space for none, one or two of the small files that each command makes.
    for pages in 0..3 {
        for at in 0..3 {
            let Some(disk) = SmallDisk::mount("16k") else { return };
            let filler = disk.path().join("filler");
            std::fs::write(&filler, vec![0; 4096 * (4 - pages)]).unwrap();
            let (name, arguments) = commands(disk.path())[at].clone();
            let output = run(name, &arguments);
            if output.code == Some(0) {
                assert!(pages > 0, "{name} needs no room");
                continue;
            }
            let error = output.error();
            assert!(error.contains(disk.path().to_str().unwrap()), "{error}");
            assert!(error.contains("No space") || error.contains("full"), "{error}");
            disk.grow("1m");
            run(name, &arguments).ok();
        }
    }
}

/// The same without a file system of its own: a limit on the size of files lets the first write fail.
#[test]
fn keys_are_made_on_the_second_run_after_nothing_could_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in commands(folder.path()) {
        let limited: Output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(program(name))
            .args(&arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
            .into();
        let error = limited.error();
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
        run(name, &arguments).ok();
    }
}
