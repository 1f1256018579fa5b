//! Answers in several sittings, from several files and machines, under a name that was mistyped: nothing is sent twice, and nothing blocks.

use crate::coordinator::Cheat;
use crate::workplace::Workplace;

const ANSWER: &str = "answer j --answers a.csv --key me.key --public-answers";

/// A place with a job of many items and a key.
fn place() -> Workplace {
    let place = Workplace::new();
    place.job();
    place.ok("keygen --out me.key");
    place
}

/// Writes answers of one contributor into `a.csv`.
fn write(place: &Workplace, contributor: &str, rows: &[(&str, &str)]) {
    let rows: String = rows
        .iter()
        .map(|(item, answer)| format!("{item},{contributor},{answer}\n"))
        .collect();
    place.write("a.csv", &format!("item,contributor,answer\n{rows}"));
}

/// How many answers each submission holds that the coordinator has.
fn received(place: &Workplace) -> Vec<usize> {
    place.coordinator.received().iter().map(|(_, answers)| *answers).collect()
}

/// What a command that fails says, on standard output and on standard error.
fn fails_after_saying(place: &Workplace, command: &str) -> (String, String) {
    let output = place.tacit(command);
    assert_eq!(output.status.code(), Some(1));
    [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into()
}

#[test]
fn a_later_sitting_sends_what_is_new_from_the_same_file_or_another() {
    let place = place();
    write(&place, "me", &[("i1", "stop"), ("i2", "yield")]);
    let said = place.ok(ANSWER);
    assert!(said.ends_with("j: 2 new answers of me sent; receipts in me.key.j.d\n"), "{said}");
    write(&place, "me", &[("i3", "stop"), ("i2", "yield"), ("i1", "stop"), ("i4", "")]);
    assert_eq!(
        place.ok(ANSWER),
        "j: 1 new answers of me sent, 2 sent before; receipts in me.key.j.d\n"
    );
    // A file with other items only.
    write(&place, "me", &[("i7", "stop"), ("i8", "stop")]);
    assert_eq!(place.ok(ANSWER), "j: 2 new answers of me sent; receipts in me.key.j.d\n");
    assert_eq!(
        place.ok(ANSWER),
        "j: nothing new to send, 2 answers of me sent before; receipts in me.key.j.d\n"
    );
    assert_eq!(received(&place), [2, 1, 2]);
    assert_eq!(place.coordinator.requests(), 3, "nothing was sent twice");
    assert!(place.ok("receipt j --key me.key").contains("not yet known"));
}

#[test]
fn an_answer_that_has_changed_is_named_with_its_line_and_the_rest_is_sent() {
    let place = place();
    write(&place, "me", &[("i1", "stop"), ("i2", "yield"), ("i3", "stop")]);
    place.ok(ANSWER);
    write(&place, "me", &[("i1", "stop"), ("i2", "stop"), ("i3", "stop"), ("i9", "yield")]);
    let (said, told) = fails_after_saying(&place, ANSWER);
    assert_eq!(said, "j: 1 new answers of me sent, 2 sent before; receipts in me.key.j.d\n");
    assert!(
        told.contains("a.csv, line 3: item `i2` has another answer than was sent in submission "),
        "{told}"
    );
    assert_eq!(told.matches("has another answer").count(), 1);
    assert_eq!(received(&place), [3, 1]);
    // The command that it names does what it says, and the next run sends the answers of that submission as the file has them.
    let command = told.split('`').find(|part| part.starts_with("tacit withdraw ")).unwrap().to_owned();
    assert!(told.contains(&format!("`{command}` (3 answers)")), "{told}");
    place.ok(command.strip_prefix("tacit ").unwrap());
    assert_eq!(received(&place), [1]);
    assert_eq!(
        place.ok(ANSWER),
        "j: 3 new answers of me sent, 1 sent before; receipts in me.key.j.d\n"
    );
    assert_eq!(received(&place), [1, 3]);
    assert_eq!(
        place.ok(ANSWER),
        "j: nothing new to send, 4 answers of me sent before; receipts in me.key.j.d\n"
    );
}

#[test]
fn an_answer_that_has_changed_before_it_arrived_is_not_sent() {
    let place = place();
    write(&place, "me", &[("i1", "stop")]);
    place.coordinator.refuse_after(0);
    assert!(place.fails(ANSWER).contains("disk is full"));
    place.coordinator.refuse_after(usize::MAX);
    write(&place, "me", &[("i1", "yield"), ("i2", "stop")]);
    let (said, told) = fails_after_saying(&place, ANSWER);
    assert!(said.contains("1 new answers of me sent;"), "{said}");
    assert_eq!(received(&place), [1], "the old answer stays here");
    let command = told.split('`').find(|part| part.starts_with("tacit withdraw ")).unwrap();
    assert!(place.ok(command.strip_prefix("tacit ").unwrap()).contains("never arrived"));
    assert!(place.ok(ANSWER).contains("1 new answers of me sent, 1 sent before;"));
    assert_eq!(received(&place), [1, 1]);
}

#[test]
fn what_was_withdrawn_and_has_not_changed_is_sent_again_when_that_is_asked_for() {
    let place = place();
    write(&place, "me", &[("i1", "stop")]);
    place.ok(ANSWER);
    write(&place, "me", &[("i1", "stop"), ("i2", "stop")]);
    place.ok(ANSWER);
    let receipts = place.ok("receipt j --key me.key");
    let first = receipts.split_whitespace().find(|word| word.len() == 32).unwrap();
    place.ok(&format!("withdraw j --key me.key --submission {first}"));
    let said = place.ok(ANSWER);
    assert!(
        said.contains("nothing new to send, 1 answers of me sent before;")
            && said.contains("1 answers were withdrawn and are not sent again"),
        "{said}"
    );
    assert_eq!(received(&place), [1]);
    assert!(
        place
            .ok(&format!("{ANSWER} --send-withdrawn"))
            .contains("1 new answers of me sent, 1 sent before;")
    );
    assert_eq!(received(&place), [1, 1]);
}

#[test]
fn a_second_machine_with_the_same_key_sends_what_the_first_has_not_sent() {
    let place = place();
    write(&place, "me", &[("i1", "stop"), ("i2", "yield")]);
    place.ok(ANSWER);
    std::fs::create_dir(place.path().join("laptop")).unwrap();
    std::fs::copy(place.path().join("me.key"), place.path().join("laptop/me.key")).unwrap();
    // It cannot know that i2 had another answer.
    write(&place, "me", &[("i1", "stop"), ("i2", "stop"), ("i3", "stop")]);
    let on_laptop = ANSWER.replace("me.key", "laptop/me.key");
    let said = place.ok(&on_laptop);
    assert!(
        said.contains(
            "j: 1 new answers of me sent; receipts in laptop/me.key.j.d\n2 rows are of items that this key has answered from elsewhere"
        ),
        "{said}"
    );
    assert_eq!(received(&place), [2, 1]);
    assert!(place.ok(&on_laptop).contains("nothing new to send, 1 answers of me sent before;"));
    // The first machine is told the same of the second.
    assert!(
        fails_after_saying(&place, ANSWER)
            .0
            .contains("nothing new to send, 1 answers of me sent before;")
    );
    write(&place, "me", &[("i3", "stop"), ("i4", "stop")]);
    let said = place.ok(ANSWER);
    assert!(
        said.contains("1 new answers of me sent;") && said.contains("1 rows are of items"),
        "{said}"
    );
    assert_eq!(received(&place), [2, 1, 1]);
    // What to do about receipts and withdrawals is said where there is nothing.
    std::fs::create_dir(place.path().join("third")).unwrap();
    std::fs::copy(place.path().join("me.key"), place.path().join("third/me.key")).unwrap();
    let said = place.ok("receipt j --key third/me.key");
    assert!(
        said.matches("not yet known").count() == 6 && said.contains("sent with this key from another machine, as the coordinator says"),
        "{said}"
    );
    // The same where everything was sent from elsewhere.
    write(&place, "me", &[("i1", "stop")]);
    let said = place.ok(&ANSWER.replace("me.key", "third/me.key"));
    assert!(
        said.contains("j: nothing new to send; receipts in third/me.key.j.d\n1 rows are of items"),
        "{said}"
    );
    // It takes one of them back, then all that are left, with receipts of the nodes.
    let table = place.ok("receipt j --key third/me.key");
    let first = table.split_whitespace().find(|word| word.len() == 32).unwrap();
    let said = place.ok(&format!("withdraw j --key third/me.key --submission {first}"));
    assert!(
        said.contains("1 of them were sent with third/me.key from another machine, as the coordinator says"),
        "{said}"
    );
    assert_eq!(received(&place), [1, 1]);
    let all = place.ok("withdraw j --key third/me.key --json");
    assert_eq!(
        all.matches("\"outcome\":\"withdrawn\"").count(),
        3,
        "the first one is asked for again: {all}"
    );
    assert_eq!(received(&place), [0; 0]);
    assert!(
        place
            .path()
            .join(format!("third/me.key.j.d/elsewhere/{first}.withdrawal.json"))
            .exists()
    );
    let error = place.fails("receipt j --key third/me.key");
    assert!(error.contains("copy its folder of this name to third/me.key.j.d"), "{error}");
}

#[test]
fn a_second_machine_checks_what_the_nodes_certify() {
    let place = place();
    write(&place, "me", &[("i1", "stop"), ("i2", "yield")]);
    place.ok(ANSWER);
    std::fs::create_dir(place.path().join("laptop")).unwrap();
    std::fs::copy(place.path().join("me.key"), place.path().join("laptop/me.key")).unwrap();
    place.ok("job watch j");
    let said = place.ok("receipt j --key laptop/me.key");
    for due in [
        "certified: 1 of your 2 answers count\n",
        "signed by all nodes that took part (node-0, node-1, node-2), and of this key\n",
        "not checked here, as only the machine that has sent them can: ",
    ] {
        assert!(said.contains(due), "{due}: {said}");
    }
    for (cheat, code) in [(Cheat::Signs, 10), (Cheat::Name, 11)] {
        place.coordinator.cheat(cheat);
        let output = place.tacit("receipt j --key laptop/me.key");
        assert_eq!(output.status.code(), Some(code), "{cheat:?}");
        assert!(output.stdout.is_empty());
    }
    // What is closed stays in the job.
    let error = String::from_utf8(place.tacit("withdraw j --key laptop/me.key").stderr).unwrap();
    assert!(error.contains("is not withdrawn") && error.contains("fixed"), "{error}");
}

#[test]
fn an_item_that_is_answered_twice_is_refused_before_anything_is_sent() {
    let place = place();
    write(&place, "me", &[("i1", "stop"), ("i2", "yield"), ("i1", "yield")]);
    let error = place.fails(ANSWER);
    assert!(
        error.contains("a.csv, lines 2 and 4: item `i1` is answered twice, with different answers; nothing was sent"),
        "{error}"
    );
    write(&place, "me", &[("i1", "stop"), ("i1", "stop")]);
    assert!(
        place
            .fails(ANSWER)
            .contains("a.csv, lines 2 and 3: item `i1` is answered twice, with the same answer")
    );
    assert_eq!((place.coordinator.requests(), place.coordinator.enrolled().len()), (0, 0));
    write(&place, "me", &[("i1", "stop")]);
    assert!(place.ok(ANSWER).contains("1 new answers of me sent;"));
}

#[test]
fn a_mistyped_name_enrols_nobody_and_blocks_nothing() {
    let place = place();
    write(&place, "alice", &[("i1", "stop")]);
    let error = place.fails(&format!("{ANSWER} --contributor alcie"));
    assert!(
        error.contains("no row is of contributor `alcie` (did you mean `alice`?)") && error.contains("The file has rows of `alice`"),
        "{error}"
    );
    assert_eq!(place.coordinator.enrolled(), [""; 0]);
    // In the file: refused for another reason, the name holds nobody back.
    write(&place, "alcie", &[("i1", "halt")]);
    place.fails(ANSWER);
    write(&place, "alice", &[("i1", "stop")]);
    assert!(place.ok(ANSWER).contains("1 new answers of alice sent;"));
    assert_eq!(place.coordinator.enrolled(), ["alice"]);
}

#[test]
fn a_mistyped_name_under_which_answers_were_sent_stays_and_says_what_can_be_done() {
    let place = place();
    write(&place, "bbo", &[("i1", "stop")]);
    place.ok(ANSWER);
    write(&place, "bob", &[("i1", "stop"), ("i2", "stop")]);
    let error = place.fails(ANSWER);
    assert!(
        error.contains("this key has answered job j as `bbo`, and these rows are of `bob`"),
        "{error}"
    );
    for due in [
        "--contributor bob --enrolled-as bbo",
        "`tacit withdraw j --key me.key`",
        "`tacit keygen --out FILE`",
    ] {
        assert!(error.contains(due), "{due}: {error}");
    }
    // Both ways work: the first one once and for all.
    assert!(
        place
            .ok(&format!("{ANSWER} --contributor bob --enrolled-as bbo"))
            .contains("1 new answers of bbo sent, 1 sent before;")
    );
    assert!(place.ok(ANSWER).contains("nothing new to send, 2 answers of bbo sent before;"));
    place.ok("withdraw j --key me.key");
    place.ok("keygen --out new.key");
    assert!(
        place
            .ok(&ANSWER.replace("me.key", "new.key"))
            .contains("2 new answers of bob sent;")
    );
}

#[test]
fn what_is_published_is_said_before_the_first_answer_and_not_again() {
    let place = place();
    write(&place, "me", &[("i1", "stop")]);
    let said = place.ok(ANSWER);
    for due in [
        "published about you with the result, the buyer can read it, and can show it to anybody:\n  your name `me`, your key, and how many",
        "published of all contributors together: their agreement\n",
        "answers to this job are as good as public",
        "until the job closes, with `tacit withdraw`\nj: 1 new answers of me sent;",
    ] {
        assert!(said.contains(due), "{due}: {said}");
    }
    assert!(!said.contains("your pay"), "{said}");
    assert!(!place.ok(ANSWER).contains("published"));
}

#[test]
fn a_job_that_is_not_shown_says_what_to_give() {
    let place = place();
    let error = place.fails("items other");
    assert!(
        error.contains("no job `other` is shown to you") && error.contains("give --key FILE"),
        "{error}"
    );
    let error = place.fails("items other --key no.key");
    assert!(
        error.contains("there is no key file no.key") && !error.contains("give --key FILE"),
        "{error}"
    );
}

#[test]
fn a_template_has_what_is_left_to_answer_and_is_read_back() {
    let place = place();
    write(&place, "me", &[("i0", "stop"), ("i2", "stop")]);
    place.ok(ANSWER);
    let shown = place.ok("items j --key me.key");
    for due in [
        "job j: signs\n",
        "answers:  stop, yield\n",
        "pay:      none\n",
        "\ni0\ni1\n",
        "and 1482 more: --csv prints all\n",
    ] {
        assert!(shown.contains(due), "{due}: {shown}");
    }
    let csv = place.ok("items j --key me.key --csv");
    assert!(csv.starts_with("id\ni0\ni1\n") && csv.lines().count() == 1503, "{csv}");

    let said = place.ok("items j --key me.key --template t.csv");
    assert!(
        said.contains("t.csv: 1500 items to answer, without the 2 items that this key has answered")
            && said.contains("\n  tacit answer j --answers t.csv --key me.key\n"),
        "{said}"
    );
    let template = std::fs::read_to_string(place.path().join("t.csv")).unwrap();
    assert!(template.starts_with("item,contributor,answer\ni1,me,\ni3,me,\n"), "{template}");
    assert!(
        place
            .fails("items j --key me.key --template t.csv")
            .contains("t.csv: this file exists and is not overwritten")
    );
    assert_eq!(std::fs::read_to_string(place.path().join("t.csv")).unwrap(), template);
    place.write("a.csv", &template.replacen("i3,me,\n", "i3,me,yield\n", 1));
    let output = place.tacit(ANSWER);
    assert!(String::from_utf8(output.stderr).unwrap().contains("1499 rows have no answer"));
    assert!(String::from_utf8(output.stdout).unwrap().contains("1 new answers of me sent;"));

    // Who has no name yet gives one.
    place.ok("keygen --out new.key");
    assert!(
        place
            .fails("items j --key new.key --template n.csv")
            .contains("give --contributor NAME")
    );
    place.ok("items j --key new.key --template n.csv --contributor ann");
    assert!(std::fs::read_to_string(place.path().join("n.csv")).unwrap().contains("\ni0,ann,\n"));
}

#[test]
fn without_a_key_to_seal_to_nothing_is_sent_and_the_node_is_named() {
    let place = place();
    write(&place, "me", &[("i1", "stop")]);
    place.coordinator.forget_keys();
    let error = place.fails(ANSWER);
    assert!(
        error.contains("nothing was sent: node `node-0`: the coordinator has no sealing key of it yet: wait until"),
        "{error}"
    );
    assert_eq!(place.coordinator.requests(), 0);
    place.coordinator.serve_keys(10, 3600);
    assert!(place.ok(ANSWER).contains("1 new answers of me sent;"));
}
