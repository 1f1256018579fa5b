//! What a command has left on this machine: processes, and files in the folder for temporary files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a test waits for something that must happen.
const LIMIT: Duration = Duration::from_secs(120);

/// A running process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its id.
    pub id: u32,
    /// Its working directory.
    pub folder: PathBuf,
    /// Its command line, with spaces between the words.
    pub line: String,
}

impl Seen {
    /// Sends it a signal, such as `-KILL`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(signal).arg(self.id.to_string()).status().unwrap();
        assert!(sent.success(), "{signal} to {self:?}");
    }

    /// The fields of `/proc/ID/stat` from the third on: state, parent, process group, session, terminal.
    pub fn stat(&self) -> Vec<String> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id)).unwrap();
        let fields = text.rsplit_once(')').unwrap().1;
        fields.split_whitespace().map(str::to_owned).collect()
    }
}

/// The running processes that work in a folder or in one below it, or whose command line has its path.
pub fn processes_of(folder: &Path) -> Vec<Seen> {
    let folder = folder.canonicalize().unwrap();
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let Some(id) = path.file_name().unwrap().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end in between. One that has ended and is not waited for has no command line.
        let (Ok(line), Ok(works_in)) = (fs::read(path.join("cmdline")), fs::read_link(path.join("cwd"))) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ");
        if !line.is_empty() && (works_in.starts_with(&folder) || line.contains(folder.to_str().unwrap())) {
            all.push(Seen {
                id,
                folder: works_in,
                line,
            });
        }
    }
    all.sort();
    all
}

/// The names of what is in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
