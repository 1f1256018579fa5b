//! The `tacit` command against a coordinator that only keeps what it is sent.
#![expect(clippy::unwrap_used, clippy::result_large_err, reason = "a test")]

#[expect(dead_code, reason = "shared with the tests of `tacit receipt`")]
mod coordinator;

use std::path::Path;
use std::process::{Command, Output};

use coordinator::{Coordinator, TOKEN};
use tacit_protocol::fixtures::{BelowFloor, below_floors};
use tacit_protocol::job::JobSpec;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};

const SPEC: &str = r#"
name = "signs"
question = { kind = "categorical", classes = ["stop", "yield"] }
items = "items.csv"
answers_per_item = 3
sensitive = false
release = ["agreement"]
"#;

struct Buyer {
    folder: tempfile::TempDir,
    coordinator: Coordinator,
}

impl Buyer {
    fn new() -> Self {
        let buyer = Self {
            folder: tempfile::tempdir().unwrap(),
            coordinator: Coordinator::start(),
        };
        buyer.write("cluster.toml", &buyer.coordinator.cluster_text);
        buyer.write("token", &format!("{TOKEN}\n"));
        buyer.ok("keygen --out buyer.key");
        buyer.write("spec.toml", SPEC);
        buyer.write(
            "items.csv",
            &format!("id\n{}", (0..1200).map(|i| format!("i{i}\n")).collect::<String>()),
        );
        buyer
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn tacit(&self, args: &str) -> Output {
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
        command.args(args.split_whitespace()).output().unwrap()
    }

    fn ok(&self, args: &str) -> String {
        let output = self.tacit(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of a command that fails.
    fn fails(&self, args: &str) -> String {
        let output = self.tacit(args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args}: {error}");
        assert!(output.stdout.is_empty());
        let lines: Vec<&str> = error.lines().filter(|line| !line.contains("left out")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("tacit: "), "{error}");
        lines[0].to_owned()
    }

    fn job(&self) {
        assert_eq!(self.ok("job create spec.toml --id j --token-file token"), "j\n");
    }

    fn answers(&self) {
        // 1200 answers, one of them twice and one missing: four submissions.
        let rows: String = (0..1200)
            .map(|i| format!("i{i},me,{}\n", if i == 7 { "" } else { "stop" }))
            .collect();
        self.write(
            "answers.csv",
            &format!("item,contributor,answer\n{rows}i3,me,yield\ni4,you,yield\n"),
        );
        self.ok("keygen --out me.key");
    }
}

const ANSWER: &str = "answer j --answers answers.csv --key me.key --contributor me --public-answers";

#[test]
fn a_job_is_created_listed_and_followed() {
    let buyer = Buyer::new();
    assert!(buyer.fails("job create spec.toml --id j").contains("needs a buyer's token"));
    buyer.job();
    buyer.job();
    buyer.write("other.toml", &SPEC.replace("signs", "other"));
    let taken = buyer.fails("job create other.toml --id j --token-file token");
    assert!(taken.contains("another job was created here under the id j"), "{taken}");
    let state = buyer.path().join("state");
    std::fs::rename(&state, buyer.path().join("elsewhere")).unwrap();
    let refused = buyer.fails("job create other.toml --id j --token-file token");
    assert!(refused.contains("409") && refused.contains("another spec"), "{refused}");
    assert!(
        !buyer.path().join("other.toml.j.job").exists(),
        "a job that was not opened is not kept"
    );
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(buyer.path().join("elsewhere"), &state).unwrap();
    assert!(buyer.ok("job list --token-file token").contains("signs"));
    assert!(buyer.ok("job status j").contains("open"));
    assert!(buyer.fails("job status k").contains("no such job"));
    buyer.ok("job close j --token-file token");
    let seen = buyer.ok("job watch j");
    assert!(
        seen.contains("j closing") && seen.trim_end().lines().last().unwrap().starts_with("j published"),
        "{seen}"
    );

    let kept: JobSpec = buyer.coordinator.spec("j").spec;
    assert_eq!(kept.items.len(), 1200);
    let id = buyer.ok("job create spec.toml --token-file token");
    assert_eq!(id.trim().len(), 36, "a UUID: {id}");
}

#[test]
fn nothing_is_sealed_to_keys_that_expired_or_went_back() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    buyer.coordinator.serve_keys(1000, 999);
    let expired = buyer.fails(ANSWER);
    assert!(
        expired.contains("node-0") && expired.contains("expired") && expired.contains("nothing was sent"),
        "{expired}"
    );
    assert_eq!(buyer.coordinator.requests(), 0);
    buyer.coordinator.serve_keys(100, 3600);
    // What a node has destroyed the key of is sealed again by itself.
    buyer.coordinator.refuse_as_sealed_too_late();
    buyer.ok(ANSWER);
    let sent = buyer.coordinator.received().len();
    assert_eq!(buyer.coordinator.requests(), sent + 1);

    buyer.coordinator.serve_keys(200, 3600);
    let back = buyer.fails(ANSWER);
    assert!(
        back.contains("node-0") && back.contains("older than one that was seen before"),
        "{back}"
    );
    buyer.coordinator.serve_keys(50, 3600);
    buyer.ok(ANSWER);
}

#[test]
fn answers_are_sent_once_however_often_it_takes() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    let unasked = buyer.fails(ANSWER.trim_end_matches(" --public-answers"));
    assert!(
        unasked.contains("are as good as public") && unasked.contains("nothing was sent"),
        "{unasked}"
    );
    assert_eq!(buyer.coordinator.requests(), 0);
    buyer.coordinator.refuse_after(2);
    assert!(buyer.fails(ANSWER).contains("disk is full"));
    let first = buyer.coordinator.received();
    assert_eq!(first.len(), 2);

    buyer.coordinator.refuse_after(usize::MAX);
    let output = buyer.tacit(ANSWER);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 row has no answer"));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("1200 answers of me in 4 submissions, 2 sent now")
    );
    let all = buyer.coordinator.received();
    assert_eq!(all[..2], first, "the same bytes, the same order");
    assert_eq!(all.iter().map(|(_, answers)| *answers).collect::<Vec<_>>(), [500, 500, 199, 1]);

    assert!(buyer.ok(ANSWER).contains("all of it sent before"));
    assert_eq!(buyer.coordinator.received(), all);
    assert_eq!(buyer.coordinator.requests(), 5, "one was refused, none was sent twice");

    // Were receipts lost, the same bytes go again and get the same receipts.
    let receipt = buyer.path().join("me.key.j.d/0003.receipt.json");
    let before = std::fs::read(&receipt).unwrap();
    std::fs::remove_file(&receipt).unwrap();
    assert!(buyer.ok(ANSWER).contains("1 sent now"));
    assert_eq!(std::fs::read(&receipt).unwrap(), before);
    assert_eq!(buyer.coordinator.received(), all);

    buyer.write("answers.csv", "item,answer\ni1,yield\n");
    assert!(buyer.fails(ANSWER).contains("has changed since the first run"));
}

#[test]
fn what_is_not_trusted_gets_nothing() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    buyer.write("cluster.toml", &format!("{}# altered\n", buyer.coordinator.cluster_text));
    assert!(buyer.fails(ANSWER).contains("is of another cluster"));
    buyer.write("cluster.toml", &buyer.coordinator.cluster_text);
    buyer.coordinator.forge_receipts();
    assert!(buyer.fails(ANSWER).contains("not signed with the coordinator's key"));
    assert!(!buyer.path().join("me.key.j.d/0001.receipt.json").exists());
    buyer.coordinator.swap_spec("j");
    assert!(
        buyer
            .fails(ANSWER)
            .contains("the buyer has not signed these terms for this cluster")
    );
    buyer.coordinator.sign_spec("j");
    assert!(buyer.fails(ANSWER).contains("not the one it names in the job's digest"));
}

#[test]
fn terms_below_a_floor_get_no_answers() {
    let buyer = Buyer::new();
    buyer.answers();
    let below = below_floors(&buyer.coordinator.cluster_digest());
    for BelowFloor { id, refusal, signed, job } in below {
        buyer.coordinator.offer(job, signed);
        let error = buyer.fails(&ANSWER.replace(" j ", &format!(" {id} ")));
        assert!(error.contains(refusal), "{id}: {error}");
    }
    assert!(buyer.coordinator.received().is_empty());
}

#[test]
fn a_coordinator_of_another_protocol_version_is_told_who_upgrades() {
    let buyer = Buyer::new();
    let (min, max) = (PROTOCOL_VERSIONS.min, PROTOCOL_VERSIONS.max);
    let url = buyer.coordinator.cluster_text.lines().find(|line| line.starts_with("url")).unwrap();
    let without_file = format!("job list --coordinator {}", url.split('"').nth(1).unwrap());
    for (theirs, who) in [
        (
            Versions {
                min: max + 1,
                max: max + 2,
            },
            "upgrade this program",
        ),
        (
            Versions {
                min: min - 1,
                max: min - 1,
            },
            "its operator has to upgrade it",
        ),
    ] {
        buyer.coordinator.speak(theirs);
        for command in ["job list", &without_file] {
            let error = buyer.fails(command);
            let both = format!("speaks protocol {theirs}, this program {PROTOCOL_VERSIONS}: {who}");
            assert!(error.contains(&both), "{error}");
        }
    }
    buyer.coordinator.speak(Versions { min, max: max + 1 });
    buyer.ok("job list --token-file token");
}

#[test]
fn a_wrong_answers_file_is_refused_before_anything_is_sent() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.ok("keygen --out me.key");
    buyer.write("answers.csv", "item,answer\ni1,stop\ni2,halt\n");
    let error = buyer.fails(ANSWER);
    assert!(
        error.contains("answers.csv, line 3: field `answer`: `halt` is not a class; the classes are `stop`, `yield`"),
        "{error}"
    );
    assert_eq!(buyer.coordinator.requests(), 0);
    assert!(
        buyer
            .fails("answer j --answers answers.csv --key no.key --contributor me --public-answers")
            .contains("no.key")
    );
}

#[test]
fn whose_answers_they_are_is_in_the_file() {
    const ANSWER: &str = "answer j --answers answers.csv --key me.key --public-answers";
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    let several = buyer.fails(ANSWER);
    assert!(
        several.contains("answers.csv: has answers of several contributors (`me`, `you`)"),
        "{several}"
    );
    assert!(several.contains("--contributor NAME"), "{several}");
    buyer.write("answers.csv", "item,answer\ni1,stop\n");
    let unnamed = buyer.fails(ANSWER);
    assert!(
        unnamed.contains("no column `contributor`") && unnamed.contains("--contributor NAME"),
        "{unnamed}"
    );
    assert_eq!(buyer.coordinator.requests(), 0);
    assert!(!buyer.path().join("me.key.j.d").exists());

    // Said once, it is known from then on.
    assert!(
        buyer
            .ok(&format!("{ANSWER} --contributor me"))
            .contains("1 answers of me in 1 submissions, 1 sent now")
    );
    assert!(buyer.ok(ANSWER).contains("1 answers of me in 1 submissions, all of it sent before"));
    assert!(
        buyer
            .fails(&format!("{ANSWER} --contributor you"))
            .contains("go on with --contributor me")
    );

    buyer.ok("keygen --out you.key");
    buyer.write("you.csv", "item,contributor,answer\ni1,you,stop\n");
    let said = buyer.ok("answer j --answers you.csv --key you.key --public-answers");
    assert!(said.contains("1 answers of you in 1 submissions, 1 sent now"), "{said}");
}

#[test]
fn what_became_of_the_answers_is_told() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    assert!(
        buyer
            .fails("receipt j --key me.key")
            .contains("nothing was sent to job j with this key")
    );
    let said = buyer.ok(ANSWER);
    assert!(!said.contains("count"), "not published yet: {said}");
    assert!(buyer.ok("receipt j --key me.key").contains("not yet known"));

    buyer.ok("job watch j");
    let said = buyer.ok(ANSWER);
    assert!(said.contains("published: 1196 of 1200 answers count"), "{said}");
    let rejected = "4 rejected as duplicate_answer (an earlier answer of yours to the item counts): i0, i501, i1001, i3";
    assert!(said.contains(rejected), "{said}");
    let receipts = buyer.ok("receipt j --key me.key");
    assert!(receipts.contains("499") && receipts.contains("198"), "{receipts}");
    assert!(receipts.contains(rejected), "{receipts}");
    std::fs::remove_file(buyer.path().join("me.key.j.d/0004.receipt.json")).unwrap();
    assert!(
        buyer
            .ok("receipt j --key me.key")
            .contains("1 of 4 submissions have no receipt yet")
    );

    buyer.coordinator.lose_an_answer();
    for command in [ANSWER, "receipt j --key me.key"] {
        let output = buyer.tacit(command);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("says that 498 of its 500 answers count and 1 do not"), "{error}");
    }
    buyer.coordinator.forge_receipts();
    assert!(buyer.fails("receipt j --key me.key").contains("now gives another receipt"));
}

#[test]
fn a_coordinator_that_was_restored_gets_the_same_bytes_again() {
    let buyer = Buyer::new();
    buyer.job();
    buyer.answers();
    buyer.ok(ANSWER);
    let first = buyer.coordinator.forget_submissions();
    assert!(!first.is_empty());
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for command in ["receipt j --key me.key", ANSWER] {
        buyer.coordinator.forget_submissions();
        let lost = format!("lost {} submissions that it had acknowledged; they were sent again", first.len());
        let told = said(buyer.tacit(command));
        assert!(told.contains(&lost), "{told}");
        assert_eq!(buyer.coordinator.received(), first);
        assert!(!said(buyer.tacit(command)).contains("lost"));
    }
    // One that it does not take again is named, and its receipt is kept.
    buyer.coordinator.forget_submissions();
    buyer.coordinator.refuse_after(first.len() - 1);
    let output = buyer.tacit("receipt j --key me.key");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("does not take it again; keep its receipt"), "{told}");
    assert!(buyer.path().join("me.key.j.d/0001.receipt.json").exists());
}

/// The limit on the size of files makes the first write fail, as a full disk does.
#[cfg(unix)]
#[test]
fn a_key_that_cannot_be_written_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |limit: &str| {
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" keygen --out my.key");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_tacit")])
            .current_dir(folder.path());
        command.output().unwrap()
    };
    let failed = keygen("0");
    assert_eq!(failed.status.code(), Some(1));
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(error.starts_with("tacit: cannot write my.key: "), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(keygen("unlimited").status.success());
    assert!(folder.path().join("my.key").exists());
}

/// As after `cargo install --path client` alone.
#[test]
fn demo_and_bench_without_the_other_programs_say_how_to_install_them() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let tacit = folder.join("tacit");
    std::fs::copy(env!("CARGO_BIN_EXE_tacit"), &tacit).unwrap();
    let (real_root, out) = (root.path().canonicalize().unwrap(), root.path().join("out"));
    for arguments in [vec!["demo", "--out", out.to_str().unwrap()], vec!["bench", "--items", "10"]] {
        let output = Command::new(&tacit).args(&arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{error}");
        for crate_folder in ["node", "coordinator"] {
            let line = format!("cargo install --locked --path {crate_folder} --root '{}'", real_root.display());
            assert!(error.contains(&line), "{error}");
        }
        assert!(!out.exists());
    }
}
