//! A machine of its own for a test: systemd as its first process, on this machine's files with what it writes in memory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::programs::Output;

/// A booted machine, gone when dropped.
#[derive(Debug)]
pub struct BootedHost {
    /// Holds the machine's namespaces; with it, everything in them ends.
    unshare: Child,
    /// The machine's first process.
    init: u32,
    folder: TempDir,
}

impl BootedHost {
    /// `None` where this user or this kernel does not allow it, or there is no systemd.
    pub fn boot() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let files = folder.path().join("files");
        std::fs::create_dir(&files).unwrap();
        let mut unshare = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/booted_host/boot"))
            .arg(&files)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end && unshare.try_wait().unwrap().is_none() {
            // Asked anew: `boot` has children of its own before that one.
            if let Some(init) = only_child(unshare.id())
                // Before that it still sees this machine's files, and another systemd perhaps.
                && std::fs::read_to_string(format!("/proc/{init}/comm")).is_ok_and(|name| name == "systemd\n")
                && inside(init, "systemctl is-system-running").code == Some(0)
            {
                // As on any machine: what a service's own mounts hold appears outside.
                inside(init, "mount --make-rshared /").ok();
                return Some(Self { unshare, init, folder });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let output = std::fs::read_to_string(folder.path().join("log")).unwrap();
        end_of(&mut unshare);
        let why = output.lines().last().unwrap_or("it does not come up").to_owned();
        assert!(
            std::env::var_os("TACIT_REQUIRE_SYSTEMD").is_none(),
            "TACIT_REQUIRE_SYSTEMD is set, but no machine can be booted here: {why}"
        );
        // Straight to the terminal: the test harness swallows what `eprintln!` says in a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: a test on a booted systemd: {why}");
        None
    }

    /// Runs commands as root, in the checkout.
    pub fn run(&self, commands: &str) -> Output {
        inside(self.init, commands)
    }

    /// Runs commands until they succeed.
    pub fn until(&self, commands: &str) -> String {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let output = self.run(commands);
            if output.code == Some(0) {
                return output.ok();
            }
            assert!(Instant::now() < end, "{commands}: {output:?}\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What its services said.
    pub fn journal(&self) -> String {
        self.run("journalctl --sync && journalctl --no-pager --output cat").ok()
    }

    /// A folder that it sees at the same path, read-only to it in effect: what it writes there stays its own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for BootedHost {
    fn drop(&mut self) {
        end_of(&mut self.unshare);
    }
}

fn inside(init: u32, commands: &str) -> Output {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Command::new("nsenter")
        .args([
            "--target",
            &init.to_string(),
            "--all",
            "--root",
            "env",
            "--ignore-environment",
            "--chdir=/",
        ])
        .args(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"])
        .args(["timeout", "300", "bash", "-euo", "pipefail", "-c"])
        .arg(format!("cd '{}'\n{commands}", checkout.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into()
}

fn only_child(process: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    children.trim().parse().ok()
}

fn end_of(unshare: &mut Child) {
    let group = own_group(unshare.id());
    let _ = unshare.kill();
    let _ = unshare.wait();
    // The kernel lets a group go once its last process is reaped.
    let end = Instant::now() + Duration::from_secs(10);
    while let Some(group) = &group
        && group.exists()
        && Instant::now() < end
    {
        let _ = Command::new("find")
            .arg(group)
            .args(["-depth", "-type", "d", "-exec", "rmdir", "{}", "+"])
            .output();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The control group that `boot` made: named after its process.
fn own_group(process: u32) -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let mount = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|fields| fields[2] == "cgroup2")?;
    Some(Path::new(mount[1]).join(format!("tacit-test-{process}")))
}
