//! Signals end `tacit demo` and `tacit bench` at any moment: no process runs on, and no key stays in the folder for temporary files.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tacit_tests::left_behind::{names, processes_of, wait_for};
use tacit_tests::programs::program;
use tempfile::TempDir;

/// Enough answers that sharing them takes longer than a signal needs to arrive.
const BENCH: [&str; 5] = ["bench", "--items", "20000", "--answers-per-item", "9"];

/// A running command, and the folder that it uses for temporary files.
struct Running {
    child: Child,
    folder: TempDir,
}

impl Running {
    /// Starts `tacit` through a shell that first runs `before`, and returns once its standard error has a line with `until`.
    fn start(before: &str, words: &[&str], until: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        // A test that runs in the background, or under nohup, ignores signals, and what it starts would do so too.
        let mut child = Command::new("env")
            .args(["--default-signal=HUP,INT,TERM", "sh", "-c", &format!("{before} exec \"$0\" \"$@\"")])
            .arg(program("tacit"))
            .args(words)
            .current_dir(folder.path())
            .env("TMPDIR", &temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // As in a terminal: a group of its own.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            let found = line.contains(until);
            seen.push(line);
            if found {
                break;
            }
        }
        assert!(seen.last().is_some_and(|line| line.contains(until)), "{seen:?}");
        // The command must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, folder }
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn signal(&mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }

    /// Nothing is left of the command.
    fn assert_clean(&self) {
        assert_eq!(processes_of(&self.temporary()), []);
        assert_eq!(names(&self.temporary()), Vec::<String>::new());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo(before: &str, until: &str) -> Running {
    Running::start(before, &["demo", "--out", "out"], until)
}

#[test]
fn every_signal_stops_the_demo_at_every_moment_and_nothing_is_left() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        for until in ["starting 3 nodes", "creating the job", "sharing and submitting"] {
            let mut demo = demo("", until);
            let ended = demo.signal(signal);
            assert_eq!(ended.code(), Some(code), "{signal} at `{until}`: {ended}");
            demo.assert_clean();
        }
    }
}

/// Sharing runs in the process that receives the signal.
#[test]
fn signals_stop_a_benchmark_while_it_shares() {
    for (signal, code) in [("-TERM", 143), ("-HUP", 129)] {
        let mut bench = Running::start("", &BENCH, "sharing");
        let ended = bench.signal(signal);
        assert_eq!(ended.code(), Some(code), "{signal}: {ended}");
        bench.assert_clean();
    }
}

#[test]
fn a_demo_under_nohup_survives_the_end_of_the_terminal() {
    let mut demo = demo("trap '' HUP;", "sharing and submitting");
    let ended = demo.signal("-HUP");
    assert_eq!(ended.code(), Some(0), "{ended}");
    demo.assert_clean();
    assert!(demo.folder.path().join("out/result.json").exists());
}

#[test]
fn after_sigkill_the_other_processes_stop_and_one_folder_stays() {
    let mut demo = demo("", "sharing and submitting");
    let nodes = processes_of(&demo.temporary());
    assert_eq!(nodes.len(), 4, "{nodes:?}");
    let ended = demo.signal("-KILL");
    assert_eq!(ended.code(), None);
    wait_for("the end of the processes", || {
        processes_of(&demo.temporary()).is_empty().then_some(())
    });
    let left = names(&demo.temporary());
    let [folder] = left.as_slice() else { panic!("{left:?}") };
    assert!(folder.starts_with("tacit-cluster-"), "{folder}");
    assert!(demo.temporary().join(folder).join("node-1").exists());
}
