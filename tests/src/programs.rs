//! The three programs, built once in the profile of the tests.

use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::OnceLock;

/// The path of a program of the workspace, which is built if it is not up to date.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

/// Builds the programs in the profile of the tests: Cargo does not build binaries of other packages for a test.
fn build() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--locked",
        "--quiet",
        "-p",
        "tacit-client",
        "-p",
        "tacit-node",
        "-p",
        "tacit-coordinator",
        "--bins",
    ]);
    cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .arg("--target-dir")
        .arg(folder.parent().unwrap());
    if folder.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success(), "the programs do not build");
    folder
}

/// The output of a finished command.
#[derive(Debug)]
pub struct Output {
    /// The exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// The standard output of a command that must have succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// The error line of a command that must have failed, and not for want of a usable command line. It is the last line of standard error,
    /// after lines of progress.
    pub fn error(self) -> String {
        assert!(matches!(self.code, Some(1 | 4..=18)), "{:?}\n{}\n{}", self.code, self.out, self.err);
        self.last_line()
    }

    /// The same of a command that must have failed with this exit code.
    pub fn error_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.last_line()
    }

    fn last_line(self) -> String {
        assert!(!self.err.contains("panicked"), "{}", self.err);
        let last = self.err.trim_end().lines().last().unwrap_or_default();
        assert!(last.starts_with("tacit"), "{}", self.err);
        last.to_owned()
    }
}

impl From<process::Output> for Output {
    fn from(output: process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("programs print text");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// Runs a program to its end.
pub fn run<A: AsRef<std::ffi::OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Output {
    Command::new(program(name))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
        .into()
}

/// Runs `tacit demo` with these arguments and its output in `out`.
pub fn demo(out: &Path, arguments: &[&str]) -> Output {
    let out = out.to_str().unwrap();
    run("tacit", ["demo", "--out", out].iter().chain(arguments).copied())
}
