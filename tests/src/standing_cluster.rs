//! A cluster of `tacit up`, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::left_behind::{Seen, processes_of};
use crate::programs::{Output, program};

/// A folder in which commands are typed, as a person does it. What still runs of it is killed at the end.
#[derive(Debug)]
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// A new, empty folder.
    pub fn make() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file in the directory that `tacit up` makes.
    pub fn cluster(&self, name: &str) -> PathBuf {
        self.folder().join("tacit-cluster").join(name)
    }

    /// A command in the folder, with the programs on the path and what `tacit` remembers below the folder.
    pub fn command(&self, name: &str) -> Command {
        let programs = program("tacit").parent().map(Path::to_owned).unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(name);
        command
            .current_dir(self.folder())
            .env("PATH", path)
            .env("TACIT_STATE", self.folder().join("state"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs `tacit` with these words.
    pub fn tacit(&self, words: &[&str]) -> Output {
        self.command("tacit").args(words).output().unwrap().into()
    }

    /// Starts `tacit` with these words, and does not wait for it. No signal is ignored, as it would be if the test runs in the background.
    pub fn begin(&self, words: &[&str]) -> Child {
        let mut command = self.command("env");
        command
            .args(["--default-signal=HUP,INT,TERM", "tacit"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Types a script, which stops at its first error.
    pub fn bash(&self, script: &str) -> Output {
        self.command("bash")
            .args(["-euo", "pipefail", "-c", script])
            .output()
            .unwrap()
            .into()
    }

    /// The processes of the folder.
    pub fn processes(&self) -> Vec<Seen> {
        processes_of(self.folder())
    }

    /// The process that works in a folder of the cluster, such as `node-1`.
    pub fn process(&self, name: &str) -> Option<Seen> {
        let folder = self.cluster(name).canonicalize().ok()?;
        self.processes().into_iter().find(|process| process.folder == folder)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        for process in self.processes() {
            // It may have ended by itself.
            let _ = Command::new("kill").arg("-KILL").arg(process.id.to_string()).status();
        }
    }
}
