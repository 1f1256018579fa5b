//! A long-running process: started, asked to stop, killed by its own handle.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::programs::program;

/// A running node or coordinator.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
    admin: String,
    listens: SocketAddr,
    cluster: String,
    ready: String,
}

impl Running {
    /// Starts a program on a folder made by its `init` and waits for its `ready` line.
    pub fn start(name: &str, folder: &Path) -> Self {
        Self::try_start(name, folder).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Starts a program with more options of `run`.
    pub fn start_with(name: &str, folder: &Path, options: &[&str]) -> Self {
        Self::try_start_with(name, folder, options).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Starts a program. The error is the last line of its log if it does not become ready.
    pub fn try_start(name: &str, folder: &Path) -> Result<Self, String> {
        Self::try_start_with(name, folder, &[])
    }

    /// Starts a program with more options of `run`. The error is the last line of its log if it does not become ready.
    pub fn try_start_with(name: &str, folder: &Path, options: &[&str]) -> Result<Self, String> {
        let log = folder.join("log.txt");
        let mut child = Command::new(program(name))
            .arg("run")
            .arg("--config")
            .arg(folder.join("config.toml"))
            .arg("--stop-with-stdin")
            .args(options)
            .env("RUST_LOG", "debug")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        if !line.starts_with("ready ") {
            let status = child.wait().unwrap();
            let output = std::fs::read_to_string(&log).unwrap();
            return Err(format!("{status}: {}", output.lines().last().unwrap_or_default()));
        }
        let after = |name: &str| line.split_whitespace().find_map(|word| word.strip_prefix(name).map(str::to_owned));
        let admin = after("admin=http://").unwrap();
        let listens = after("quic=")
            .or_else(|| after("api=http://").or_else(|| after("api=https://")))
            .unwrap()
            .parse()
            .unwrap();
        let cluster = after("cluster=").unwrap();
        Ok(Self {
            child,
            log,
            admin,
            listens,
            cluster,
            ready: line,
        })
    }

    /// host:port of the admin endpoint.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The address of its QUIC endpoint or of its API.
    pub fn listens(&self) -> SocketAddr {
        self.listens
    }

    /// The digest of its cluster file, from its `ready` line.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Its `ready` line.
    pub fn ready_line(&self) -> &str {
        &self.ready
    }

    /// Its peak memory so far in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory_line("VmHWM:")
    }

    /// The memory it uses in bytes.
    pub fn memory(&self) -> u64 {
        self.memory_line("VmRSS:")
    }

    fn memory_line(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop with SIGTERM and waits.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.wait()
    }

    /// Suspends it without any notice to others.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Tells it with SIGHUP that files which it reads again are new.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it, like a crash.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the process does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A failing test must not leave the process behind.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
