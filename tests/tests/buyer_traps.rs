//! What a buyer runs into: closing a job too early, an id that is used up, a coordinator that goes away, numbers that are hard to find.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tacit_tests::cluster::TestCluster;

const YES: &str = "yes";
const NO: &str = "no";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Sends one contributor's answer to one item.
fn answer_item(cluster: &TestCluster, job: &str, contributor: &str, item: usize) {
    let (file, key) = (format!("{contributor}.csv"), format!("{contributor}.key"));
    cluster.write(&file, &format!("item,contributor,answer\nitem-{item},{contributor},{YES}\n"));
    cluster.tacit(["keygen", "--out", &key]).ok();
    cluster
        .tacit(["answer", job, "--answers", &file, "--key", &key, "--public-answers"])
        .ok();
}

#[test]
fn a_job_whose_result_would_say_nothing_is_not_closed_without_asking() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("early", 3, 3);
    let close = || cluster.tacit(["job", "close", &job]);
    let refused = close().error_with(18);
    assert!(
        refused.contains("nobody has answered job early") && refused.contains("give --yes"),
        "{refused}"
    );
    // Two people, but not about the same item.
    answer_item(&cluster, &job, "alice", 0);
    answer_item(&cluster, &job, "bob", 1);
    let refused = close();
    assert!(
        refused.out.contains("2 submissions with 2 answers of 2 contributors"),
        "{}",
        refused.out
    );
    let refused = refused.error_with(18);
    assert!(refused.contains("no item of job early has answers of two people"), "{refused}");
    assert_eq!(cluster.status(&job)["state"], "open", "nothing was closed");
    // One answer more, and it is closed at once, whether or not the nodes have it yet. What it publishes is said before.
    answer_item(&cluster, &job, "carol", 0);
    let closed = close().ok();
    for part in ["agreement", "class_totals", "scores", "payouts"] {
        assert!(closed.contains(&format!("\n  {part} ")), "{part}: {closed}");
    }
    assert!(!closed.contains("labels") && closed.contains("for its buyer"), "{closed}");
    assert!(closed.contains("0.36 EUR in all at most"), "{closed}");
    assert_ne!(cluster.status(&job)["state"], "open");

    let empty = cluster.create_job("empty", 1, 2);
    let closed = parsed(&cluster.tacit(["job", "close", &empty, "--yes", "--json"]).ok());
    assert_eq!(closed["publishes"], json!(["agreement", "class_totals", "scores", "payouts"]));
}

#[test]
fn the_id_of_a_cancelled_job_is_used_up() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("again", 2, 2);
    cluster.tacit(["job", "cancel", &job]).ok();
    let create = |id| cluster.tacit(["job", "create", "again.toml", "--id", id]);
    let refused = create("again").error_with(6);
    assert!(
        refused.contains("the id `again` is used up") && refused.contains("Choose another --id"),
        "{refused}"
    );
    assert_eq!(cluster.status(&job)["state"], "cancelled");
    create("again-2").ok();
    assert_eq!(cluster.status("again-2")["state"], "open");
}

#[test]
fn the_status_has_times_complete_items_and_contributors() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("facts", 2, 2);
    cluster.answer(&job, "alice", &[YES, NO]).ok();
    cluster.answer(&job, "bob", &[YES]).ok();
    cluster.wait_for(&job, |status| status["complete_items"] == 1);
    let status = |json: &[&str]| cluster.tacit(["job", "status", &job].iter().chain(json)).ok();
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let open = lines(status(&[]));
    for line in ["items            2", "complete items   1", "contributors     2"] {
        assert!(open.iter().any(|one| one == line), "{line}: {open:?}");
    }
    assert!(open.iter().any(|one| one.starts_with("opened           20")), "{open:?}");
    assert!(!open.iter().any(|one| one.starts_with("closed") || one.starts_with("published")));
    let facts = parsed(&status(&["--json"]));
    assert_eq!((&facts["complete_items"], &facts["contributors"]), (&json!(1), &json!(2)));
    assert_eq!(facts["comparable"], true);
    assert!(facts["closed_at"].is_null());

    cluster.finish(&job);
    let facts = parsed(&status(&["--json"]));
    let times = ["created_at", "closed_at", "published_at"].map(|time| facts[time].as_u64().unwrap());
    assert!(times.is_sorted(), "{times:?}");
    let published = lines(status(&[]));
    for name in ["closed           20", "published        20"] {
        assert!(published.iter().any(|one| one.starts_with(name)), "{name}: {published:?}");
    }
    let list = parsed(&cluster.tacit(["job", "list", "--json"]).ok());
    assert_eq!(list["jobs"][0]["published_at"], times[2]);
}

/// `tacit job watch` while it runs.
struct Watching {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    err: BufReader<std::process::ChildStderr>,
}

impl Watching {
    /// Starts to follow a job. Returns when the first status is printed.
    fn start(cluster: &TestCluster, job: &str, options: &[&str]) -> Self {
        let mut command = cluster.command(["job", "watch", job].iter().chain(options));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut watching = Self {
            child,
            out: BufReader::new(out),
            err: BufReader::new(err),
        };
        let mut line = String::new();
        watching.out.read_line(&mut line).unwrap();
        assert!(line.contains("open"), "{line}");
        watching
    }

    /// Waits for a line of standard error that contains this.
    fn until_it_says(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.err.read_line(&mut line).unwrap(), 0, "it ended and did not say: {text}");
        }
    }

    /// Its exit code, and what else it says on standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_goes_on_when_the_coordinator_comes_back() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("watched", 1, 3);
    cluster.answer(&job, "alice", &[YES]).ok();
    cluster.answer(&job, "bob", &[NO]).ok();
    let mut watching = Watching::start(&cluster, &job, &[]);
    cluster.coordinator.take().unwrap().kill();
    watching.until_it_says("trying again");
    cluster.start_coordinator();
    watching.until_it_says("the coordinator answers again");
    cluster.close(&job);
    let (code, out, err) = watching.end();
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(out.lines().last().unwrap().starts_with("watched published"), "{out}");
}

#[test]
fn watching_gives_up_when_the_coordinator_stays_away_and_says_so() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("away", 1, 3);
    let watching = Watching::start(&cluster, &job, &["--timeout", "1", "--json"]);
    cluster.coordinator.take().unwrap().kill();
    let (code, _, err) = watching.end();
    assert_eq!(code, Some(7), "{err}");
    let error = parsed(err.lines().last().unwrap());
    assert_eq!((&error["cause"], &error["exit_code"]), (&json!("unavailable"), &json!(7)));
    assert!(err.contains("trying again, for 1 seconds at most"), "{err}");
}

#[test]
fn watching_ends_with_the_cause() {
    let cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("cancelled", 1, 3);
    let watching = Watching::start(&cluster, &job, &[]);
    cluster.tacit(["job", "cancel", &job]).ok();
    let (code, _, err) = watching.end();
    assert!(code == Some(9) && err.contains("job cancelled is cancelled"), "{code:?}: {err}");
    // Ctrl-C, and the end that a service manager gives.
    let job = cluster.create_job("interrupted", 1, 3);
    for (signal, due) in [("-INT", 130), ("-TERM", 143)] {
        let watching = Watching::start(&cluster, &job, &[]);
        let sent = Command::new("kill")
            .args([signal, &watching.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        let (code, _, err) = watching.end();
        assert!(code == Some(due) && err == "tacit: interrupted\n", "{signal}: {code:?}: {err}");
    }
    assert_eq!(cluster.status(&job)["state"], "open", "the job goes on");
}

/// The rows of a part of a result, without the header, which must be this one.
fn rows(cluster: &TestCluster, job: &str, part: &str, header: &str) -> Vec<Vec<String>> {
    let text = cluster.tacit(["job", "result", job, "--csv", part]).ok();
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, header);
    rest.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn every_released_number_is_printed_and_in_a_csv_file() {
    let cluster = TestCluster::start(3, 1);
    cluster.create_job("numbers", 3, 3);
    let spec = std::fs::read_to_string(cluster.folder().join("numbers.toml")).unwrap();
    cluster.write("all.toml", &spec.replace("[\"agreement\"", "[\"labels\", \"agreement\""));
    let job = "all";
    cluster.tacit(["job", "create", "all.toml", "--id", job]).ok();
    cluster.answer(job, "alice", &[YES, NO, YES]).ok();
    cluster.answer(job, "bob", &[YES, NO, NO]).ok();
    cluster.answer(job, "carol", &[YES, YES, NO]).ok();
    assert!(
        cluster
            .tacit(["job", "result", job])
            .error_with(17)
            .contains("`tacit job watch all`")
    );
    let out = cluster.finish(job);
    let result = parsed(&std::fs::read_to_string(out.join("result.json")).unwrap());

    let number = |cell: &str| cell.parse::<f64>().unwrap();
    for row in rows(&cluster, job, "agreement", "measure,value,reason") {
        assert_eq!(number(&row[1]), result["agreement"][&row[0]].as_f64().unwrap(), "{row:?}");
    }
    let totals = rows(&cluster, job, "class-totals", "class,answers");
    assert_eq!(totals, [["no", "4"], ["yes", "5"]]);
    let labels = rows(&cluster, job, "labels", "item,label");
    assert_eq!(labels, [["item-0", "yes"], ["item-1", "no"], ["item-2", "no"]]);
    assert_eq!(rows(&cluster, job, "payouts", "contributor,key,pay,currency,reference").len(), 3);
    let header = "contributor,key,answers,agreement_with_label,agreement,beyond_chance,gold";
    let scores = rows(&cluster, job, "scores", header);
    assert_eq!(scores.len(), 3);
    let text = cluster.tacit(["job", "result", job]).ok();
    for (row, due) in scores.iter().zip(result["contributors"].as_array().unwrap()) {
        assert_eq!(row[0], due["contributor"].as_str().unwrap());
        for (cell, name) in row[3..6].iter().zip(["agreement_with_label", "agreement", "beyond_chance"]) {
            let due = due[name].as_f64().unwrap();
            assert_eq!(number(cell), due, "{name}: {row:?}");
            assert!(text.contains(&format!("{due:.6}")), "{name} of {row:?}: {text}");
        }
    }
    for title in ["Krippendorff's alpha", "class", "with a label", "scores", "payouts"] {
        assert!(text.contains(title), "{title}: {text}");
    }
    let document = parsed(&cluster.tacit(["job", "result", job, "--json"]).ok());
    assert_eq!((&document["verified"], &document["known"]), (&json!(true), &json!(true)));
    assert_eq!(document["result"], result);
    let path = out.join("result.json");
    let verified = parsed(&cluster.tacit(["verify", path.to_str().unwrap(), "--json"]).ok());
    assert_eq!(verified["job"]["answers"], 9);
    assert_eq!(verified["signed_by"].as_array().unwrap().len(), 3);
    // What is altered is told from what is missing.
    let altered = std::fs::read_to_string(&path).unwrap().replace("\"yes\": 5", "\"yes\": 6");
    std::fs::write(&path, altered).unwrap();
    let refused = cluster.tacit(["verify", path.to_str().unwrap()]).error_with(16);
    assert!(refused.contains("not what the nodes certified"), "{refused}");

    // A part that is not released has no CSV.
    let job = cluster.create_job("less", 1, 2);
    cluster.finish(&job);
    let refused = cluster.tacit(["job", "result", &job, "--csv", "labels"]).error_with(1);
    assert!(refused.contains("the job has no labels"), "{refused}");
}
