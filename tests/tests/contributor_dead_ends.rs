//! Where contributors used to be stuck, on a whole cluster: each situation ends with what a person expects, or with a line that says what
//! to do.

use std::path::Path;

use serde_json::Value;
use tacit_tests::cluster::TestCluster;
use tacit_tests::programs::Output;

/// Writes a file of answers: item, contributor, answer.
fn write(cluster: &TestCluster, file: &str, rows: &[(usize, &str, &str)]) {
    let rows: String = rows
        .iter()
        .map(|(item, who, answer)| format!("item-{item},{who},{answer}\n"))
        .collect();
    cluster.write(file, &format!("item,contributor,answer\n{rows}"));
}

/// Sends `NAME.csv` with `NAME.key`.
fn answer(cluster: &TestCluster, job: &str, name: &str, more: &[&str]) -> Output {
    let (file, key) = (format!("{name}.csv"), format!("{name}.key"));
    if !cluster.folder().join(&key).exists() {
        cluster.tacit(["keygen", "--out", &key]).ok();
    }
    let command = ["answer", job, "--answers", &file, "--key", &key, "--public-answers"];
    cluster.tacit(command.iter().chain(more))
}

/// Runs the first command between backticks that begins with these words.
fn run_the_command(cluster: &TestCluster, error: &str, begins: &str) -> Output {
    let command = error.split('`').find(|part| part.starts_with(begins)).unwrap();
    cluster.tacit(command.strip_prefix("tacit ").unwrap().split(' '))
}

fn result(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap()
}

#[test]
fn a_mistyped_name_blocks_nothing() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("names", 2, 9);
    // On the command line: nobody is enrolled under it, although the job is shown to enrolled keys only.
    write(&cluster, "alice.csv", &[(0, "alice", "yes")]);
    let error = answer(&cluster, "names", "alice", &["--contributor", "alcie"]).error();
    assert!(error.contains("did you mean `alice`?"), "{error}");
    let said = answer(&cluster, "names", "alice", &["--contributor", "alice"]).ok();
    assert!(said.contains("1 new answers of alice sent;"), "{said}");

    // In the file: the name under which answers were sent stays, and there are two ways to go on.
    write(&cluster, "bob.csv", &[(0, "bbo", "yes")]);
    answer(&cluster, "names", "bob", &[]).ok();
    write(&cluster, "bob.csv", &[(0, "bob", "yes"), (1, "bob", "no")]);
    let error = answer(&cluster, "names", "bob", &[]).error();
    assert!(
        error.contains("has answered job names as `bbo`, and these rows are of `bob`"),
        "{error}"
    );
    let said = answer(&cluster, "names", "bob", &["--contributor", "bob", "--enrolled-as", "bbo"]).ok();
    assert!(said.contains("1 new answers of bbo sent, 1 sent before;"), "{said}");
    run_the_command(&cluster, &error, "tacit withdraw").ok();
    std::fs::copy(cluster.folder().join("bob.csv"), cluster.folder().join("bob-2.csv")).unwrap();
    let said = answer(&cluster, "names", "bob-2", &[]).ok();
    assert!(said.contains("2 new answers of bob sent;"), "{said}");

    // In another job the coordinator says which name the key has. The name that does not fit is not kept.
    cluster.create_job("others", 2, 9);
    for _ in 0..2 {
        let error = answer(&cluster, "others", "bob", &[]).error();
        assert!(
            error.contains("the key is enrolled under the name `bbo`") && error.contains("--enrolled-as NAME"),
            "{error}"
        );
    }
    let said = answer(&cluster, "others", "bob", &["--enrolled-as", "bbo"]).ok();
    assert!(said.contains("2 new answers of bbo sent;"), "{said}");
    // A name that somebody else has.
    write(&cluster, "carol.csv", &[(0, "alice", "yes")]);
    let error = answer(&cluster, "others", "carol", &[]).error();
    assert!(error.contains("the name is enrolled with another key"), "{error}");
    let said = answer(&cluster, "others", "carol", &["--enrolled-as", "carol"]).ok();
    assert!(said.contains("1 new answers of carol sent;"), "{said}");
}

#[test]
fn sittings_corrections_and_a_second_machine_add_up_to_one_answer_for_each_item() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("sittings", 5, 9);
    write(&cluster, "alice.csv", &[(0, "alice", "yes"), (0, "alice", "no")]);
    let error = answer(&cluster, "sittings", "alice", &[]).error();
    assert!(
        error.contains("alice.csv, lines 2 and 3: item `item-0` is answered twice, with different answers; nothing was sent"),
        "{error}"
    );
    write(&cluster, "alice.csv", &[(0, "alice", "yes")]);
    answer(&cluster, "sittings", "alice", &[]).ok();
    write(&cluster, "alice.csv", &[(0, "alice", "yes"), (1, "alice", "yes")]);
    let said = answer(&cluster, "sittings", "alice", &[]).ok();
    assert!(said.contains("sittings: 1 new answers of alice sent, 1 sent before;"), "{said}");

    // Corrected, and one more.
    write(
        &cluster,
        "alice.csv",
        &[(0, "alice", "no"), (1, "alice", "yes"), (2, "alice", "yes")],
    );
    let output = answer(&cluster, "sittings", "alice", &[]);
    assert!(output.out.contains("1 new answers of alice sent, 1 sent before;"), "{}", output.out);
    assert!(
        output
            .err
            .contains("alice.csv, line 2: item `item-0` has another answer than was sent"),
        "{}",
        output.err
    );
    run_the_command(&cluster, &output.error(), "tacit withdraw").ok();
    let said = answer(&cluster, "sittings", "alice", &[]).ok();
    assert!(said.contains("1 new answers of alice sent, 2 sent before;"), "{said}");

    // The second machine has the key, and nothing of what was sent.
    std::fs::create_dir(cluster.folder().join("laptop")).unwrap();
    std::fs::copy(cluster.folder().join("alice.key"), cluster.folder().join("laptop/alice.key")).unwrap();
    write(
        &cluster,
        "laptop/alice.csv",
        &[(0, "alice", "yes"), (2, "alice", "yes"), (3, "alice", "no")],
    );
    let said = answer(&cluster, "sittings", "laptop/alice", &[]).ok();
    assert!(
        said.contains("1 new answers of alice sent;") && said.contains("2 rows are of items that this key has answered from elsewhere"),
        "{said}"
    );
    // What is left is in the template, on either machine.
    for (key, template) in [("alice.key", "left.csv"), ("laptop/alice.key", "left-2.csv")] {
        cluster.tacit(["items", "sittings", "--key", key, "--template", template]).ok();
        let text = std::fs::read_to_string(cluster.folder().join(template)).unwrap();
        assert_eq!(text, "item,contributor,answer\nitem-4,alice,\n");
    }

    write(&cluster, "bob.csv", &[(0, "bob", "no"), (1, "bob", "no")]);
    answer(&cluster, "sittings", "bob", &[]).ok();
    let result = result(&cluster.finish("sittings"));
    assert_eq!(
        (&result["job"]["answers"], &result["job"]["rejected_answers"]),
        (&6.into(), &0.into())
    );
    assert_eq!(
        (&result["class_totals"]["no"], &result["class_totals"]["yes"]),
        (&4.into(), &2.into())
    );
    let receipt = cluster.tacit(["receipt", "sittings", "--key", "alice.key"]).ok();
    for due in [
        "1 of 4 submissions were withdrawn",
        "certified: 3 of your 3 answers count",
        "and 1 more submissions of yours",
    ] {
        assert!(receipt.contains(due), "{due}: {receipt}");
    }
}

#[test]
fn a_new_contributor_sees_the_job_fills_in_the_template_and_sends_it() {
    let cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("seen", 2, 9);
    cluster.tacit(["keygen", "--out", "ann.key"]).ok();
    // The job is not public, and the key is not known yet.
    let error = cluster.tacit(["items", "seen", "--key", "ann.key"]).error();
    assert!(error.contains("give --contributor NAME, under which it is enrolled"), "{error}");
    let shown = cluster.tacit(["items", "seen", "--key", "ann.key", "--contributor", "ann"]).ok();
    for due in [
        "answers:  no, yes\n",
        "items:    2, each answered by 9 contributors\n",
        "pay:      0.02 EUR for each answer that counts, and up to 0.02 EUR more or less by agreement",
        "your name `ann`, your key, and how many of your answers count\n  your pay\n  how far your answers agree",
        "as good as public",
        "item-0\nitem-1\n",
    ] {
        assert!(shown.contains(due), "{due}: {shown}");
    }
    assert_eq!(
        cluster.tacit(["items", "seen", "--key", "ann.key", "--csv"]).ok(),
        "id\nitem-0\nitem-1\n"
    );
    let template = ["items", "seen", "--key", "ann.key", "--contributor", "ann", "--template", "ann.csv"];
    cluster.tacit(template).ok();
    assert!(
        cluster
            .tacit(template)
            .error()
            .contains("ann.csv: this file exists and is not overwritten")
    );
    let text = std::fs::read_to_string(cluster.folder().join("ann.csv")).unwrap();
    cluster.write("ann.csv", &text.replace("item-1,ann,\n", "item-1,ann,yes\n"));
    let output = answer(&cluster, "seen", "ann", &[]);
    assert!(output.err.contains("1 row has no answer and is left out"), "{}", output.err);
    let said = output.ok();
    assert!(
        said.contains("published about you with the result") && said.contains("1 new answers of ann sent;"),
        "{said}"
    );
}

#[test]
fn nothing_waits_for_ever() {
    let mut cluster = TestCluster::start(3, 1);
    cluster.ready();
    cluster.create_job("ends", 1, 9);
    for name in ["alice", "bob", "late"] {
        write(&cluster, &format!("{name}.csv"), &[(0, name, "yes")]);
    }
    for name in ["alice", "bob"] {
        answer(&cluster, "ends", name, &[]).ok();
    }
    let error = answer(&cluster, "end", "alice", &[]).error();
    assert!(error.contains("no job `end` is shown to you: compare the id"), "{error}");
    cluster.finish("ends");
    let error = answer(&cluster, "ends", "late", &[]).error();
    assert!(
        (error.contains("job ends takes no more answers") || error.contains("job ends has ended"))
            && error.contains("`tacit receipt ends --key late.key`"),
        "{error}"
    );
    cluster.coordinator.take().unwrap().kill();
    let error = answer(&cluster, "ends", "alice", &[]).error();
    assert!(error.contains("cannot be reached") && error.contains("try again later"), "{error}");
}
