//! Runs every command of `docs/http.md` against a real cluster, and compares what it prints with what the document says.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tacit_tests::cluster::TestCluster;
use tacit_tests::programs::{Output, program};

/// What stands for any text in the document, and as a whole line for any lines.
const ANY: &str = "…";

/// A block of commands, and what they print.
#[derive(Default)]
struct Step {
    commands: String,
    printed: String,
}

/// The blocks of the document, each of commands with the block of text that follows it.
fn steps() -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/http.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    let mut within = "";
    for line in text.lines() {
        match (within, line) {
            ("", "```sh") => {
                steps.push(Step::default());
                within = "sh";
            }
            ("", "```text") => within = "text",
            ("", line) => assert!(!line.starts_with("```"), "a block of another kind is not checked: {line}"),
            (_, "```") => within = "",
            ("sh", line) => steps.last_mut().unwrap().commands += &format!("{line}\n"),
            (_, line) => steps.last_mut().unwrap().printed += &format!("{line}\n"),
        }
    }
    steps
}

/// Whether a line is as the document says, where [`ANY`] stands for any text.
fn is_like(line: &str, expected: &str) -> bool {
    let mut parts = expected.split(ANY);
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether lines are as the document says, where a line [`ANY`] stands for any number of lines.
fn are_like(lines: &[&str], expected: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        [first, after @ ..] if *first == ANY => (0..=lines.len()).any(|skipped| are_like(&lines[skipped..], after)),
        [first, after @ ..] => lines.first().is_some_and(|line| is_like(line, first)) && are_like(&lines[1..], after),
    }
}

fn start(cluster: &TestCluster, commands: &str) -> Child {
    let programs = program("tacit").parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path))).unwrap();
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(cluster.folder())
        .env("PATH", path)
        .env("API", format!("http://{}", cluster.api))
        .env("JOB", "signs")
        .env("TACIT_TOKEN", &cluster.token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Opens the job of the document and answers it. It stays open, as it waits for one more answer to an item.
fn open(cluster: &TestCluster) {
    cluster.write("signs.items.csv", "id,text\nitem-0,one\nitem-1,two\nitem-2,three\n");
    cluster.write(
        "signs.toml",
        "name = \"signs\"\nquestion = { kind = \"categorical\", classes = [\"no\", \"yes\"] }\nitems = \"signs.items.csv\"\n\
         answers_per_item = 3\nsensitive = false\npublic = true\nrelease = [\"agreement\", \"class_totals\", \"payouts\"]\n\
         [payout]\ncurrency = \"EUR\"\nbase_per_item = 20000\nbonus_per_item = 20000\nbudget = 900000\n",
    );
    cluster.tacit(["job", "create", "signs.toml", "--id", "signs"]).ok();
    for contributor in ["ada", "bob"] {
        cluster.answer("signs", contributor, &["no", "yes", "no"]).ok();
    }
    cluster.answer("signs", "eve", &["no", "yes"]).ok();
}

#[test]
fn every_command_of_the_walk_through_prints_what_the_document_says() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    open(&cluster);
    let steps = steps();
    assert!(steps.len() >= 10, "{}", steps.len());
    for Step { commands, printed } in &steps {
        assert!(!printed.is_empty(), "the document does not say what this prints: {commands}");
        let mut child = start(&cluster, commands);
        let mut first = String::new();
        if commands.contains("/events") {
            // The stream says that the job is open, and follows it to its end.
            let mut stream = BufReader::new(child.stdout.take().unwrap());
            while !first.contains("\"state\":\"open\"") {
                assert!(stream.read_line(&mut first).unwrap() > 0, "the stream ends: {first}");
            }
            cluster.close("signs");
            stream.read_to_string(&mut first).unwrap();
        }
        let mut output: Output = child.wait_with_output().unwrap().into();
        output.out.insert_str(0, &first);
        assert_eq!(output.code, Some(0), "{commands}\n{}\n{}", output.out, output.err);
        let (lines, expected): (Vec<&str>, Vec<&str>) = (output.out.lines().collect(), printed.lines().collect());
        assert!(
            are_like(&lines, &expected),
            "{commands}\nprints\n{}\nand not\n{printed}",
            output.out
        );
    }
}

#[test]
fn lines_are_compared_as_the_document_is_read() {
    for (line, expected, due) in [
        ("abc", "abc", true),
        ("abc", "a…c", true),
        ("abc", "a…", true),
        ("abc", "…c", true),
        ("a-b-c", "a…b…c", true),
        ("abc", "a…d", false),
        ("abc", "ab", false),
        ("", "…", true),
    ] {
        assert_eq!(is_like(line, expected), due, "{line} {expected}");
    }
    assert!(are_like(&["a", "b", "c"], &["a", ANY, "c"]) && are_like(&["a"], &["a", ANY]));
    assert!(!are_like(&["a", "b"], &["a"]) && !are_like(&["a"], &["a", ANY, "c"]));
}
