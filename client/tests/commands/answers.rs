//! `tacit answer`, and what becomes of the answers.

use tacit_protocol::fixtures::{BelowFloor, below_floors};

use crate::workplace::{ANSWER, Workplace};

#[test]
fn nothing_is_sealed_to_keys_that_expired_or_went_back() {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.coordinator.serve_keys(1000, 999);
    let expired = place.fails(ANSWER);
    assert!(
        expired.contains("node-0") && expired.contains("expired") && expired.contains("nothing was sent"),
        "{expired}"
    );
    assert_eq!(place.coordinator.requests(), 0);
    place.coordinator.serve_keys(100, 3600);
    // What a node has destroyed the key of is sealed again by itself.
    place.coordinator.refuse_as_sealed_too_late(Some(90));
    place.ok(ANSWER);
    let sent = place.coordinator.received().len();
    assert_eq!(place.coordinator.requests(), sent + 1);

    place.coordinator.serve_keys(200, 3600);
    let back = place.fails(ANSWER);
    assert!(
        back.contains("node-0") && back.contains("older than one that was seen before"),
        "{back}"
    );
    place.coordinator.serve_keys(50, 3600);
    place.ok(ANSWER);
}

#[test]
fn answers_are_sent_once_however_often_it_takes() {
    let place = Workplace::new();
    place.job();
    place.answers();
    let unasked = place.fails(ANSWER.trim_end_matches(" --public-answers"));
    assert!(
        unasked.contains("are as good as public") && unasked.contains("nothing was sent"),
        "{unasked}"
    );
    assert_eq!(place.coordinator.requests(), 0);
    place.coordinator.refuse_after(2);
    assert!(place.fails(ANSWER).contains("disk is full"));
    let first = place.coordinator.received();
    assert_eq!(first.len(), 2);

    place.coordinator.refuse_after(usize::MAX);
    let output = place.tacit(ANSWER);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 row has no answer"));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("j: 501 new answers of me sent, 1000 sent before; receipts in me.key.j.d\n")
    );
    let all = place.coordinator.received();
    assert_eq!(all[..2], first, "the same bytes, the same order");
    assert_eq!(all.iter().map(|(_, answers)| *answers).collect::<Vec<_>>(), [500, 500, 500, 1]);

    assert!(place.ok(ANSWER).contains("j: nothing new to send, 1501 answers of me sent before;"));
    assert_eq!(place.coordinator.received(), all);
    assert_eq!(place.coordinator.requests(), 5, "one was refused, none was sent twice");

    // Were receipts lost, the same bytes go again and get the same receipts.
    let receipt = place.path().join("me.key.j.d/0003.receipt.json");
    let before = std::fs::read(&receipt).unwrap();
    std::fs::remove_file(&receipt).unwrap();
    assert!(place.ok(ANSWER).contains("500 new answers of me sent, 1001 sent before;"));
    assert_eq!(std::fs::read(&receipt).unwrap(), before);
    assert_eq!(place.coordinator.received(), all);
}

#[test]
fn what_is_not_trusted_gets_nothing() {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.write("cluster.toml", &format!("{}# altered\n", place.coordinator.cluster_text));
    assert!(place.fails(ANSWER).contains("is of another cluster"));
    place.write("cluster.toml", &place.coordinator.cluster_text);
    place.coordinator.forge_receipts();
    assert!(place.fails(ANSWER).contains("not signed with the coordinator's key"));
    assert!(!place.path().join("me.key.j.d/0001.receipt.json").exists());
    place.coordinator.swap_spec("j");
    assert!(
        place
            .fails(ANSWER)
            .contains("the buyer has not signed these terms for this cluster")
    );
    place.coordinator.sign_spec("j");
    assert!(place.fails(ANSWER).contains("not the one it names in the job's digest"));
}

#[test]
fn terms_below_a_floor_get_no_answers() {
    let place = Workplace::new();
    place.answers();
    let below = below_floors(&place.coordinator.cluster_digest());
    for BelowFloor { id, refusal, signed, job } in below {
        place.coordinator.offer(job, signed);
        let error = place.fails(&ANSWER.replace(" j ", &format!(" {id} ")));
        assert!(error.contains(refusal), "{id}: {error}");
    }
    assert!(place.coordinator.received().is_empty());
}

#[test]
fn a_wrong_answers_file_is_refused_before_anything_is_sent() {
    let place = Workplace::new();
    place.job();
    place.ok("keygen --out me.key");
    place.write("answers.csv", "item,answer\ni1,stop\ni2,halt\n");
    let error = place.fails(ANSWER);
    assert!(
        error.contains("answers.csv, line 3: field `answer`: `halt` is not a class; the classes are `stop`, `yield`"),
        "{error}"
    );
    assert_eq!(place.coordinator.requests(), 0);
    assert!(
        place
            .fails("answer j --answers answers.csv --key no.key --contributor me --public-answers")
            .contains("no.key")
    );
}

#[test]
fn whose_answers_they_are_is_in_the_file() {
    const ANSWER: &str = "answer j --answers answers.csv --key me.key --public-answers";
    let place = Workplace::new();
    place.job();
    place.answers();
    let several = place.fails(ANSWER);
    assert!(
        several.contains("answers.csv: has answers of several contributors (`me`, `you`)"),
        "{several}"
    );
    assert!(several.contains("--contributor NAME"), "{several}");
    place.write("answers.csv", "item,answer\ni1,stop\n");
    let unnamed = place.fails(ANSWER);
    assert!(
        unnamed.contains("no column `contributor`") && unnamed.contains("--contributor NAME"),
        "{unnamed}"
    );
    assert_eq!(place.coordinator.requests(), 0);
    assert!(!place.path().join("me.key.j.d").exists());

    // Said once, it is known from then on.
    assert!(
        place
            .ok(&format!("{ANSWER} --contributor me"))
            .contains("1 new answers of me sent;")
    );
    assert!(place.ok(ANSWER).contains("nothing new to send, 1 answers of me sent before;"));
    assert!(
        place
            .fails(&format!("{ANSWER} --contributor you"))
            .contains("this key has answered job j as `me`, and these rows are of `you`")
    );

    place.ok("keygen --out you.key");
    place.write("you.csv", "item,contributor,answer\ni1,you,stop\n");
    let said = place.ok("answer j --answers you.csv --key you.key --public-answers");
    assert!(said.contains("1 new answers of you sent;"), "{said}");
}

#[test]
fn what_became_of_the_answers_is_told() {
    let place = Workplace::new();
    place.job();
    place.answers();
    assert!(
        place
            .fails("receipt j --key me.key")
            .contains("nothing was sent to job j with this key")
    );
    let said = place.ok(ANSWER);
    assert!(!said.contains("certified"), "not published yet: {said}");
    assert!(place.ok("receipt j --key me.key").contains("not yet known"));

    place.ok("job watch j");
    let ended = place.fails(ANSWER);
    assert!(
        ended.contains("job j has ended; `tacit receipt j --key me.key` says which of your answers count"),
        "{ended}"
    );
    let rejected =
        "4 rejected as duplicate_answer (an earlier answer of yours to the item counts); as the coordinator says: i0, i501, i1001, i1501";
    let receipts = place.ok("receipt j --key me.key");
    assert!(receipts.matches(" 499 ").count() == 3, "{receipts}");
    assert!(receipts.contains(rejected), "{receipts}");
    std::fs::remove_file(place.path().join("me.key.j.d/0004.receipt.json")).unwrap();
    assert!(place.ok("receipt j --key me.key").contains("1 submissions have no receipt yet"));

    place.coordinator.lose_an_answer();
    let error = place.fails("receipt j --key me.key");
    assert!(error.contains("says that 498 of its 500 answers count and 1 do not"), "{error}");
    place.coordinator.forge_receipts();
    assert!(place.fails("receipt j --key me.key").contains("now gives another receipt"));
}
