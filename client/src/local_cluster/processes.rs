//! The cluster's processes. They stop when their standard input ends, so none outlives this program.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::select_all;
use tacit_client::text::one_line;
use tacit_program::UNWRITTEN_ERROR;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::local_cluster::binaries::Binaries;
use crate::local_cluster::folders::ClusterFolders;

/// How long a process may take to become ready.
const READY: Duration = Duration::from_secs(30);
/// How long the processes may take to stop when they are asked to.
const STOP: Duration = Duration::from_secs(5);

/// The port of a process is in use.
#[derive(Debug, Error)]
#[error("{name} cannot listen: {reason}")]
pub(super) struct BusyPort {
    name: String,
    reason: String,
}

/// All processes of a cluster.
#[derive(Default)]
pub(super) struct Processes(Vec<Process>);

/// How a running process can be observed.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The node's name, or `coordinator`.
    pub name: String,
    /// The process id.
    pub pid: u32,
    /// The URL of its admin port.
    pub admin: String,
}

struct Process {
    name: String,
    child: Child,
    /// The standard input: the process stops when it is closed.
    input: Option<ChildStdin>,
    log: PathBuf,
    /// The URL of its admin port, once it is ready.
    admin: String,
}

impl Processes {
    /// Starts the nodes and the coordinator and waits until all are ready. If one fails, or if the future is dropped, some may run: call
    /// [`Self::stop`].
    pub(super) async fn start(&mut self, binaries: &Binaries, folders: &ClusterFolders) -> Result<()> {
        let nodes = folders
            .nodes
            .iter()
            .map(|node| (node.name.as_str(), binaries.node.as_path(), node.folder.as_path()));
        self.start_together(nodes).await?;
        // Start the coordinator after the nodes: it dials them at its start, and waits before it dials again.
        let coordinator = ("coordinator", binaries.coordinator.as_path(), folders.coordinator.as_path());
        self.start_together([coordinator].into_iter()).await
    }

    /// Starts these processes and waits until all of them are ready.
    async fn start_together(&mut self, these: impl Iterator<Item = (&str, &Path, &Path)>) -> Result<()> {
        let first = self.0.len();
        let mut outputs = Vec::new();
        for (name, binary, folder) in these {
            let (process, output) = Process::spawn(name, binary, folder)?;
            self.0.push(process);
            outputs.push(output);
        }
        for (process, mut output) in self.0[first..].iter_mut().zip(outputs) {
            process.ready(&mut output).await?;
            // Drain the output, so that the pipe does not fill.
            tokio::spawn(async move { tokio::io::copy(&mut output, &mut tokio::io::sink()).await });
        }
        Ok(())
    }

    /// The nodes in order, then the coordinator.
    pub(super) fn members(&self) -> Vec<Member> {
        let member = |process: &Process| Member {
            name: process.name.clone(),
            pid: process.child.id().unwrap_or_default(),
            admin: process.admin.clone(),
        };
        self.0.iter().map(member).collect()
    }

    /// Waits until one of the processes ends unexpectedly. Returns which one and why.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let (error, _, _) = select_all(self.0.iter_mut().map(|process| Box::pin(process.ended()))).await;
        error
    }

    /// Asks all processes to stop, and kills those that do not stop in time.
    pub(super) async fn stop(&mut self) {
        self.0.iter_mut().for_each(|process| drop(process.input.take()));
        let deadline = Instant::now() + STOP;
        for mut process in self.0.drain(..) {
            if timeout_at(deadline, process.child.wait()).await.is_err() {
                // An error means that it has just ended.
                let _ = process.child.kill().await;
            }
        }
    }
}

impl Process {
    fn spawn(name: &str, binary: &Path, folder: &Path) -> Result<(Self, BufReader<ChildStdout>)> {
        let log = folder.join("log.txt");
        let errors = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .arg("run")
            .arg("--config")
            .arg(folder.join("config.toml"))
            .arg("--stop-with-stdin");
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "warn");
        }
        // No colours: the log is read to find out why a process ended.
        command
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        // Ctrl-C must reach only this program, which then stops the others in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().with_context(|| format!("{} cannot be run", binary.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("no pipe to a process")?;
        Ok((
            Self {
                name: name.to_owned(),
                child,
                input,
                log,
                admin: String::new(),
            },
            BufReader::new(output),
        ))
    }

    async fn ready(&mut self, output: &mut BufReader<ChildStdout>) -> Result<()> {
        let mut line = String::new();
        match timeout(READY, output.read_line(&mut line)).await {
            Err(_) => anyhow::bail!("{} is not ready after {} seconds{}", self.name, READY.as_secs(), self.last_line()),
            Ok(read) => read.with_context(|| format!("reading from {}", self.name))?,
        };
        if line.starts_with("ready ") {
            let admin = line.split_whitespace().find_map(|word| word.strip_prefix("admin="));
            admin.unwrap_or_default().clone_into(&mut self.admin);
            return Ok(());
        }
        let error = self.ended().await;
        let reason = self.last_line();
        if reason.to_lowercase().contains("in use") {
            return Err(BusyPort {
                name: self.name.clone(),
                reason,
            }
            .into());
        }
        Err(error)
    }

    async fn ended(&mut self) -> anyhow::Error {
        let how = match self.child.wait().await {
            Ok(status) if status.code() == Some(UNWRITTEN_ERROR.into()) => {
                return anyhow::anyhow!(
                    "{} stopped unexpectedly, and its error could not be written to {}: is the disk full? \
                     Free or add space, then try again",
                    self.name,
                    self.log.display()
                );
            }
            Ok(status) => describe(status),
            Err(error) => error.to_string(),
        };
        anyhow::anyhow!("{} stopped unexpectedly ({how}){}", self.name, self.last_line())
    }

    /// The last line of the log, if there is one.
    fn last_line(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().map(one_line).rfind(|line| !line.is_empty());
        last.map(|line| format!(": {line}")).unwrap_or_default()
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("killed by signal {signal}");
    }
    status
        .code()
        .map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"))
}
