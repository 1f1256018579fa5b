//! A host for a test: systemd runs as the first process of new namespaces, on this machine's files; what it writes stays in memory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::programs::Output;

/// A booted host; it ends when this is dropped.
#[derive(Debug)]
pub struct BootedHost {
    /// The process that holds the namespaces; when it ends, everything in them ends.
    unshare: Child,
    /// The first process of the host.
    init: u32,
    folder: TempDir,
}

impl BootedHost {
    /// Boots a host. `None` if the user or the kernel does not allow it, or if there is no systemd.
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
            // Ask again each time: `boot` has other children before systemd.
            if let Some(init) = only_child(unshare.id())
                // Until then it still sees this machine's files, and perhaps another systemd.
                && std::fs::read_to_string(format!("/proc/{init}/comm")).is_ok_and(|name| name == "systemd\n")
                && inside(init, "systemctl is-system-running").code == Some(0)
            {
                // As on any machine: mounts are shared, so those of a service are visible outside.
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
        // Write to the terminal directly: the test harness hides the output of `eprintln!` in tests that pass.
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

    /// The journal of all services.
    pub fn journal(&self) -> String {
        self.run("journalctl --sync && journalctl --no-pager --output cat").ok()
    }

    /// A folder that the host sees at the same path. What the host writes there stays in its own memory.
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
    // A group can be removed once its last process is reaped.
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

/// The control group that `boot` made, named after its process.
fn own_group(process: u32) -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let mount = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|fields| fields[2] == "cgroup2")?;
    Some(Path::new(mount[1]).join(format!("tacit-test-{process}")))
}
