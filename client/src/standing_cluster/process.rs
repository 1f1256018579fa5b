//! Starts, finds and stops the programs of a cluster, which run in sessions of their own.
//!
//! No process id is stored, so none can be out of date. A program of the cluster is recognised by what the kernel says about it: its
//! working directory is the program's folder in the directory of the cluster, compared by device and inode, and its command line is the one
//! that `tacit up` starts it with. That also holds after the directory was moved, after a reboot, and for a program that was started by a
//! `tacit up` that was killed. Signals go through a process descriptor (`pidfd_open(2)`), which never means another process: it is opened
//! first, and the process is recognised afterwards.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tacit_client::text::one_line;
use tokio::time::{sleep, timeout};

use super::program::Program;

/// How long a program may take to stop when it is asked to.
const STOP: Duration = Duration::from_secs(15);
/// How often is looked whether a process has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// The program of util-linux that starts another one in a session of its own, so that a signal of the terminal does not reach it.
pub(super) const SETSID: &str = "setsid";

/// A process that runs.
pub(super) struct Process {
    /// The process id, to show.
    pub id: u32,
    descriptor: OwnedFd,
    /// When it was started, in clock ticks since the system's start: another process with the same id has another time.
    started_at: u64,
}

/// How a process has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// When it was asked to.
    Asked,
    /// It did not stop in time and was killed.
    Killed,
}

impl Process {
    /// The running process of a program, if there is one.
    pub(super) fn find(program: &Program) -> Result<Option<Self>> {
        for entry in std::fs::read_dir("/proc").context("cannot list the processes: /proc is not mounted")? {
            let Ok(entry) = entry else { continue };
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            if !is_program(&entry.path(), program) {
                continue;
            }
            let process = Pid::from_raw(id).map(Self::open);
            // The process may have ended before it was opened, and its id may be that of another one now.
            match process {
                Some(Ok(process)) if is_program(&entry.path(), program) => return Ok(Some(process)),
                Some(Err(error)) if error.downcast_ref() != Some(&Errno::SRCH) => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }

    fn open(id: Pid) -> Result<Self> {
        let descriptor = pidfd_open(id, PidfdFlags::empty())?;
        let id = id.as_raw_nonzero().get().unsigned_abs();
        let stat = Stat::read(id).ok_or(Errno::SRCH)?;
        Ok(Self {
            id,
            descriptor,
            started_at: stat.started_at,
        })
    }

    /// Waits until the process has ended, whoever started it and whether or not anybody asks how it ended.
    pub(super) async fn ended(&self) {
        while !self.has_ended() {
            sleep(PAUSE).await;
        }
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&self) -> bool {
        Stat::read(self.id).is_none_or(|stat| stat.started_at != self.started_at || stat.has_ended)
    }

    /// Asks the process to stop, kills it if it does not, and waits for its end.
    pub(super) async fn stop(&self) -> Result<Stopped> {
        self.send(Signal::TERM)?;
        if timeout(STOP, self.ended()).await.is_ok() {
            return Ok(Stopped::Asked);
        }
        self.send(Signal::KILL)?;
        match timeout(STOP, self.ended()).await {
            Ok(()) => Ok(Stopped::Killed),
            Err(_) => bail!("process {} does not end although it was killed: the system keeps it", self.id),
        }
    }

    fn send(&self, signal: Signal) -> Result<()> {
        match pidfd_send_signal(&self.descriptor, signal) {
            // It has ended already.
            Err(Errno::SRCH) => Ok(()),
            sent => sent.with_context(|| format!("process {} cannot be stopped: run this as the user who started it", self.id)),
        }
    }
}

/// What `/proc/ID/stat` says about a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// It has ended, and its parent has not asked how yet.
    has_ended: bool,
    started_at: u64,
}

impl Stat {
    /// `None` if there is no such process.
    fn read(id: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// The second field is the name of the program in parentheses, which may contain anything. The third is the state, the 22nd the start.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        Some(Self {
            has_ended: matches!(fields.next()?, "Z" | "X"),
            started_at: fields.nth(18)?.parse().ok()?,
        })
    }
}

/// Whether a folder of `/proc` is that of a process of this program.
fn is_program(process: &Path, program: &Program) -> bool {
    // A process of somebody else cannot be looked at, and is none of this cluster.
    let same_folder = || {
        let (theirs, ours) = (
            std::fs::metadata(process.join("cwd")).ok()?,
            std::fs::metadata(&program.folder).ok()?,
        );
        Some((theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()))
    };
    same_folder() == Some(true) && std::fs::read(process.join("cmdline")).is_ok_and(|line| program.has_command_line(&line))
}

/// A process that this command has started.
pub(super) struct Started {
    pub process: Process,
    child: Child,
    log: PathBuf,
    /// Where in the log this run begins.
    log_start: u64,
}

impl Started {
    /// Starts a program in a session of its own. Its output goes to the end of its log.
    pub(super) fn start(program: &Program) -> Result<Self> {
        let log = program.log();
        let failed = || format!("cannot write {}", log.display());
        let output = OpenOptions::new().create(true).append(true).open(&log).with_context(failed)?;
        let log_start = output.metadata().with_context(failed)?.len();
        let mut child = Command::new(SETSID)
            .arg(&program.binary)
            .args(&program.arguments)
            .current_dir(&program.folder)
            // No colours in a file.
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(output.try_clone().with_context(failed)?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{SETSID} cannot be run: it is in the package util-linux"))?;
        // The child is not waited for before it is opened, so its id is not given to another process.
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let opened = id.context("a process without an id").and_then(Process::open);
        let process = opened.inspect_err(|_| {
            // An error means that it has just ended.
            let _ = child.kill();
            let _ = child.wait();
        })?;
        Ok(Self {
            process,
            child,
            log,
            log_start,
        })
    }

    /// What this run has written to the log.
    pub(super) fn output(&self) -> String {
        let read = || {
            let mut file = File::open(&self.log)?;
            file.seek(SeekFrom::Start(self.log_start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            std::io::Result::Ok(bytes)
        };
        String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
    }

    /// Why the process has ended, with the last line of its log.
    pub(super) fn why_ended(&mut self, name: &str) -> anyhow::Error {
        let status = self
            .child
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        let output = self.output();
        let last = output.lines().map(one_line).rfind(|line| !line.is_empty());
        anyhow::anyhow!(
            "{name} has ended ({status}){}; its log is {}",
            last.map(|line| format!(": {line}")).unwrap_or_default(),
            self.log.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_start_are_read_whatever_the_name_of_the_program_is() {
        let line = "7 (a) Z (b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9\n";
        let expected = |has_ended| {
            Some(Stat {
                has_ended,
                started_at: 4711,
            })
        };
        assert_eq!(Stat::parse(line), expected(false));
        assert_eq!(Stat::parse(&line.replace(") S ", ") Z ")), expected(true));
        assert_eq!(Stat::parse("7 (a"), None);
        let own = Stat::read(std::process::id()).unwrap();
        assert!(!own.has_ended && own.started_at > 0);
    }
}
