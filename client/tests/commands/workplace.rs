//! A folder in which `tacit` runs, and the stand-in for a coordinator beside it.

use std::path::Path;
use std::process::{Command, Output};

use crate::coordinator::{Coordinator, TOKEN};

const SPEC: &str = r#"
name = "signs"
question = { kind = "categorical", classes = ["stop", "yield"] }
items = "items.csv"
answers_per_item = 3
sensitive = false
release = ["agreement"]
"#;

pub(crate) struct Workplace {
    folder: tempfile::TempDir,
    pub coordinator: Coordinator,
}

impl Workplace {
    /// With the key of a buyer, its token, and a spec of 1502 items.
    pub(crate) fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            coordinator: Coordinator::start(),
        };
        place.write("cluster.toml", &place.coordinator.cluster_text);
        place.write("token", &format!("{TOKEN}\n"));
        place.ok("keygen --out buyer.key");
        place.write_spec("spec.toml", "signs");
        place.write(
            "items.csv",
            &format!("id\n{}", (0..1502).map(|i| format!("i{i}\n")).collect::<String>()),
        );
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Writes a spec whose terms differ from others by the job's name.
    pub(crate) fn write_spec(&self, file: &str, name: &str) {
        self.write(file, &SPEC.replace("signs", name));
    }

    /// The command as a person with a cluster file and a buyer's key in the environment runs it.
    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tacit"));
        command
            .current_dir(self.path())
            .env_remove("TACIT_TOKEN")
            .env_remove("TACIT_COORDINATOR")
            .env_remove("TACIT_CLUSTER")
            .env("TACIT_BUYER_KEY", "buyer.key")
            .env("TACIT_STATE", "state");
        // Whoever names the coordinator goes without the cluster file.
        if !args.contains("--coordinator") {
            command.env("TACIT_CLUSTER", "cluster.toml");
        }
        command.args(args.split_whitespace());
        command
    }

    pub(crate) fn tacit(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn ok(&self, args: &str) -> String {
        let output = self.tacit(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that succeeds says on standard error.
    pub(crate) fn warns(&self, args: &str) -> String {
        let output = self.tacit(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args}: {error}");
        error
    }

    /// The one line of a command that fails, and not for want of a usable command line.
    pub(crate) fn fails(&self, args: &str) -> String {
        let output = self.tacit(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            matches!(output.status.code(), Some(1 | 4..=18)),
            "{args}: {:?}: {error}",
            output.status
        );
        // What a job publishes is said before the first answer is sent.
        assert!(output.stdout.is_empty() || args.starts_with("answer "));
        let lines: Vec<&str> = error.lines().filter(|line| !line.contains("left out")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("tacit: "), "{error}");
        lines[0].to_owned()
    }

    /// The option that names the coordinator, for whoever has no cluster file.
    pub(crate) fn without_cluster(&self) -> String {
        let url = self.coordinator.cluster_text.lines().find(|line| line.starts_with("url")).unwrap();
        format!("--coordinator {}", url.split('"').nth(1).unwrap())
    }

    /// The public half of a key file.
    pub(crate) fn public_key(&self, file: &str) -> String {
        tacit_client::keys::load(&self.path().join(file)).unwrap().public().to_string()
    }

    pub(crate) fn job(&self) {
        assert_eq!(self.ok("job create spec.toml --id j --token-file token"), "j\n");
    }

    pub(crate) fn answers(&self) {
        // 1501 answers, as one is missing: four submissions.
        let rows: String = (0..1502)
            .map(|i| format!("i{i},me,{}\n", if i == 7 { "" } else { "stop" }))
            .collect();
        self.write("answers.csv", &format!("item,contributor,answer\n{rows}i4,you,yield\n"));
        self.ok("keygen --out me.key");
    }
}

/// Sends the answers.
pub(crate) const ANSWER: &str = "answer j --answers answers.csv --key me.key --contributor me --public-answers";
