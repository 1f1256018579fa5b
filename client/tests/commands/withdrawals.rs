//! Answers that are taken back, and what a restored coordinator has lost.

use tacit_protocol::codec;
use tacit_protocol::submission::Submission;

use crate::workplace::{ANSWER, Workplace};

#[test]
fn a_coordinator_that_was_restored_gets_the_same_bytes_again() {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.ok(ANSWER);
    let first = place.coordinator.forget_submissions();
    assert!(!first.is_empty());
    for command in ["receipt j --key me.key", ANSWER] {
        place.coordinator.forget_submissions();
        let lost = format!("lost {} submissions that it had acknowledged; they were sent again", first.len());
        let told = place.warns(command);
        assert!(told.contains(&lost), "{told}");
        assert_eq!(place.coordinator.received(), first);
        assert!(!place.warns(command).contains("lost"));
    }
    // What passes, at the coordinator or at a proxy before it, is no reason to say that it does not take one again.
    for (status, kind) in [(507, "store_full"), (500, "store_failed"), (502, "of_no_coordinator")] {
        place.coordinator.forget_submissions();
        place.coordinator.refuse_after_with(first.len() - 1, (status, kind));
        let told = place.fails("receipt j --key me.key");
        assert!(
            told.contains("cannot take it again now") && told.contains("try again later"),
            "{kind}: {told}"
        );
    }
    // One that it does not take again is named, and its receipt is kept.
    place.coordinator.forget_submissions();
    place.coordinator.refuse_after_with(first.len() - 1, (409, "job_full"));
    let output = place.tacit("receipt j --key me.key");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("does not take it again; keep its receipt"), "{told}");
    assert!(place.path().join("me.key.j.d/0001.receipt.json").exists());
}

const RECEIPT: &str = "receipt j --key me.key";
const WITHDRAW: &str = "withdraw j --key me.key --wait-seconds 0";

/// A place from which four submissions were sent, and what was sent.
fn answered() -> (Workplace, Vec<(Vec<u8>, usize)>) {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.ok(ANSWER);
    let sent = place.coordinator.received();
    assert_eq!(sent.len(), 4);
    (place, sent)
}

#[test]
fn only_a_coordinator_that_does_not_know_a_submission_gets_it_again() {
    let (place, _) = answered();
    place.coordinator.forget_submissions();
    // A proxy's answer, and that of a coordinator which has deleted everything of the job after its time.
    for (status, kind) in [(404, "not_found"), (410, "purged")] {
        place.coordinator.hide_submissions(Some((status, kind)));
        assert!(place.fails(RECEIPT).contains(&status.to_string()));
        assert!(place.coordinator.received().is_empty(), "{kind}");
    }
    place.coordinator.hide_submissions(None);
    assert!(place.warns(RECEIPT).contains("had lost 4 submissions"));
}

#[test]
fn what_was_withdrawn_is_never_sent_again() {
    let (place, sent) = answered();
    let table = place.ok(WITHDRAW);
    assert_eq!(table.matches(" 3 ").count(), 4, "{table}");
    assert!(place.coordinator.received().is_empty());
    assert_eq!(place.warns(RECEIPT), "");
    let said = place.ok(RECEIPT);
    assert!(
        said.contains("4 of 4 submissions were withdrawn\nnothing that was sent from here is left in the job"),
        "{said}"
    );
    // Restored from a backup, the coordinator has the answers and no withdrawal: that is sent again.
    place.coordinator.forget_withdrawals(sent);
    assert_eq!(place.warns(RECEIPT), "");
    assert_eq!((place.coordinator.received().len(), place.coordinator.withdrawn()), (0, 4));
    // From an older backup it has neither.
    place.coordinator.forget_withdrawals(Vec::new());
    assert_eq!(place.warns(RECEIPT), "");
    assert_eq!(place.coordinator.requests(), 4, "nothing was uploaded");
    // Once published there is nothing to certify, and nobody is accused.
    place.ok("job watch j");
    assert_eq!(place.warns(RECEIPT), "");
}

#[test]
fn a_withdrawal_that_was_cut_short_is_finished_by_the_next_command() {
    let (place, sent) = answered();
    place.write("me.key.j.d/0002.withdrawal.json", "{ \"is_confirmed\": false, \"erasures\": [] }");
    let said = place.ok(ANSWER);
    let left = "1001 answers of me sent before; receipts in me.key.j.d\n500 answers were withdrawn and are not sent again";
    assert!(said.contains(left), "{said}");
    assert_eq!(place.coordinator.received(), [&sent[..1], &sent[2..]].concat());
}

#[test]
fn whoever_has_taken_everything_back_answers_again_with_new_submissions() {
    let (place, sent) = answered();
    place.write("answers.csv", "item,answer\ni1,yield\n");
    let error = String::from_utf8(place.tacit(ANSWER).stderr).unwrap();
    assert!(error.contains("`tacit withdraw j --key me.key --submission "), "{error}");
    place.ok(WITHDRAW);
    assert!(place.ok(ANSWER).contains("1 new answers of me sent;"));
    assert!(place.ok(ANSWER).contains("nothing new to send, 1 answers of me sent before;"));
    let received = place.coordinator.received();
    assert_eq!(received.len(), 1);
    assert!(!sent.contains(&received[0]));
    assert!(place.ok(RECEIPT).contains("4 of 5 submissions were withdrawn\n"));
    // The same answers again are new submissions, too.
    place.ok(WITHDRAW);
    assert!(place.ok(ANSWER).contains("1 new answers of me sent;"));
    assert!(!received.contains(&place.coordinator.received()[0]));
}

#[test]
fn what_is_withdrawn_stays_withdrawn_and_what_never_arrived_is_said_so() {
    let (place, _) = answered();
    place.ok(WITHDRAW);
    // It has lost the withdrawals, too, and hides the job from whoever has sent nothing to it.
    place.coordinator.forget_withdrawals(Vec::new());
    let table = place.ok(WITHDRAW);
    assert_eq!(table.matches(" 3 ").count(), 4, "the receipts of the nodes are kept: {table}");
    // What was never acknowledged is unknown there.
    let (place, _) = answered();
    place.coordinator.forget_submissions();
    for number in 1..=4 {
        std::fs::remove_file(place.path().join(format!("me.key.j.d/{number:04}.receipt.json"))).unwrap();
    }
    let table = place.ok(WITHDRAW);
    assert_eq!(table.matches("never arrived").count(), 4, "{table}");
}

#[test]
fn all_withdrawals_are_sent_before_a_node_that_is_away_is_waited_for() {
    let (place, _) = answered();
    place.coordinator.send_away(1);
    let output = place.tacit(WITHDRAW);
    let (table, error): (String, String) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!(output.status.code(), Some(7));
    assert!(error.contains("node-2 did not sign yet") && !error.contains("node-1"), "{error}");
    assert_eq!(table.matches("node-2").count(), 4, "{table}");
    assert_eq!((place.coordinator.withdrawn(), place.coordinator.asked_to_withdraw()), (4, 4));
    place.coordinator.send_away(0);
    place.ok(WITHDRAW);
}

#[test]
fn what_is_not_withdrawn_is_named_after_the_table() {
    let (place, sent) = answered();
    let first = place.ok(RECEIPT).lines().find(|line| line.contains("500")).unwrap().to_owned();
    let id = first.split_whitespace().find(|word| word.len() == 32).unwrap().to_owned();
    place.ok(&format!("{WITHDRAW} --submission {id}"));
    place.coordinator.close("j");
    let output = place.tacit(WITHDRAW);
    let (table, error): (String, String) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(table.matches("not withdrawn").count(), 3, "{table}");
    assert_eq!(table.matches(" 3 ").count(), 1, "{table}");
    assert!(
        error.contains("is not withdrawn") && error.contains("its submissions are fixed"),
        "{error}"
    );
    assert_eq!(place.coordinator.received(), sent[1..]);
    // The other three stay in the job, and are asked about as before.
    assert_eq!(place.warns(RECEIPT), "");
    assert!(place.ok(RECEIPT).contains("1 of 4 submissions were withdrawn\n"));
}

/// A coordinator says that a submission is sealed too late, and could keep it for later.
#[test]
fn what_the_coordinator_has_refused_as_sealed_too_late_is_withdrawn_with_what_took_its_place() {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.write("answers.csv", "item,contributor,answer\ni1,me,stop\n");
    place.coordinator.serve_keys(1000, 3600);
    // Without a newer key of a node, its word is not enough to seal anything again.
    place.coordinator.refuse_as_sealed_too_late(None);
    assert!(place.fails(ANSWER).contains("seal to the newest keys"));
    assert_eq!(place.coordinator.received(), []);
    place.coordinator.refuse_as_sealed_too_late(Some(500));
    place.ok(ANSWER);
    let sent = place.coordinator.received();
    let stored = [1, 2].map(|index| std::fs::read(place.path().join(format!("me.key.j.d/000{index}.submission"))).unwrap());
    assert_eq!(stored[1], sent[0].0);
    assert_ne!(stored[0], sent[0].0, "the first one stays here, to be withdrawn");
    let said = place.ok("withdraw j --key me.key");
    for id in ids(&[(stored[0].clone(), 1), sent[0].clone()]) {
        assert!(said.contains(&id), "{said}");
    }
    assert_eq!(place.coordinator.received(), []);
}

/// A place from which four submissions were sent, of which the coordinator has lost the first `lost`. The nodes have destroyed the keys that
/// all are sealed to.
fn restored_too_late(lost: usize) -> (Workplace, Vec<(Vec<u8>, usize)>) {
    let place = Workplace::new();
    place.job();
    place.answers();
    place.coordinator.serve_keys(1000, 3600);
    place.ok(ANSWER);
    let sent = place.coordinator.forget_submissions();
    assert_eq!(sent.len(), 4);
    place.coordinator.restore_submissions(sent[lost..].to_vec());
    place.coordinator.serve_keys(500, 3600);
    place.coordinator.destroy_older_keys();
    (place, sent)
}

/// The ids of submissions.
fn ids(sent: &[(Vec<u8>, usize)]) -> Vec<String> {
    let submission = |bytes: &[u8]| codec::decode::<Submission>(bytes, "a submission").unwrap();
    sent.iter()
        .map(|(bytes, _)| submission(bytes).header.value.statement.id.to_string())
        .collect()
}

#[test]
fn what_a_restored_coordinator_gets_too_late_is_sealed_again_by_whoever_has_the_answers() {
    let (place, sent) = restored_too_late(4);
    // Who has no answers at hand cannot seal them again, and is told what to do.
    let told = place.warns(RECEIPT);
    for id in ids(&sent) {
        let due = format!("submission {id}: the coordinator has lost it, and a node has destroyed the key that it is sealed to");
        assert!(told.contains(&due) && told.contains("run `tacit answer` again"), "{told}");
    }
    assert_eq!(place.ok(RECEIPT).matches(" lost ").count(), 8);
    assert!(place.coordinator.received().is_empty());
    let output = place.tacit(ANSWER);
    let (said, told): (String, String) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert!(
        told.contains("had lost 4 submissions that the nodes do not open any more"),
        "{told}"
    );
    assert!(said.contains("1501 new answers of me sent;"), "{said}");
    let again = place.coordinator.received();
    assert_eq!(again.iter().map(|(_, answers)| *answers).collect::<Vec<_>>(), [500, 500, 500, 1]);
    assert!(ids(&again).iter().all(|id| !ids(&sent).contains(id)), "new submissions");
    assert!(place.ok(ANSWER).contains("nothing new to send, 1501 answers of me sent before;"));
    assert_eq!(place.warns(RECEIPT), "");
    assert!(place.ok(RECEIPT).contains("4 submissions were sealed again as others"));
    // Restored once more while the new keys live, it gets the new bytes and no others.
    place.coordinator.forget_submissions();
    assert!(
        place
            .warns(RECEIPT)
            .contains("had lost 4 submissions that it had acknowledged; they were sent again")
    );
    assert_eq!(place.coordinator.received(), again);
    // If it had lost nothing, and both are in the list, nobody is accused: the nodes count each answer once.
    place.coordinator.restore_submissions([sent, again].concat());
    place.ok("job watch j");
    assert_eq!(place.warns(RECEIPT), "");
}

#[test]
fn of_lost_answers_only_those_that_are_as_they_were_are_sealed_again() {
    let (place, sent) = restored_too_late(4);
    let answers = std::fs::read_to_string(place.path().join("answers.csv")).unwrap();
    place.write("answers.csv", &answers.replace("i505,me,stop", "i505,me,yield"));
    let output = place.tacit(ANSWER);
    let (said, told): (String, String) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(said.contains("1001 new answers of me sent, 499 sent before;"), "{said}");
    let second = &ids(&sent)[1];
    for due in [
        format!("submission {second}: the coordinator has lost it"),
        "had lost 3 submissions that the nodes do not open any more".to_owned(),
        format!("answers.csv, line 507: item `i505` has another answer than was sent in submission {second}"),
    ] {
        assert!(told.contains(&due), "{due}: {told}");
    }
    assert_eq!(place.coordinator.received().len(), 3);
    // As it was, it is sealed again, too.
    place.write("answers.csv", &answers);
    assert!(place.ok(ANSWER).contains("500 new answers of me sent, 1001 sent before;"));
    assert_eq!(place.coordinator.received().len(), 4);
}

/// Nodes take two answers of a person to an item. Of a third one the person would read that the job was full.
#[test]
fn answers_are_sealed_again_once_and_the_receipts_show_a_second_loss() {
    let (place, _) = restored_too_late(4);
    assert!(place.tacit(ANSWER).status.success());
    assert_eq!(place.coordinator.forget_submissions().len(), 4);
    place.coordinator.serve_keys(250, 3600);
    place.coordinator.destroy_older_keys();
    let told = place.warns(ANSWER);
    assert!(told.contains("does not take"), "{told}");
    assert!(place.coordinator.received().is_empty(), "nothing is sealed a third time");
    place.ok("job watch j");
    let output = place.tacit(RECEIPT);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "{error}");
}

#[test]
fn a_coordinator_that_takes_nothing_in_place_of_what_it_lost_is_shown_the_first_receipt() {
    let (place, _) = restored_too_late(4);
    // It asks for the answers anew, and then does not want them.
    place.coordinator.refuse_after_with(0, (409, "job_closed"));
    let output = place.tacit(ANSWER);
    assert_eq!(output.status.code(), Some(6));
    place.ok("job watch j");
    let output = place.tacit(RECEIPT);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "{error}");
    assert!(error.contains("keep this receipt (me.key.j.d/0001.receipt.json)"), "{error}");
}

#[test]
fn what_is_lost_for_good_hinders_no_withdrawal_and_is_not_sent_again() {
    let (place, sent) = restored_too_late(1);
    let lost = ids(&sent)[0].clone();
    let output = place.tacit(WITHDRAW);
    let (table, error): (String, String) = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).into();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!((table.matches(" lost ").count(), table.matches(" 3 ").count()), (1, 3), "{table}");
    assert!(
        error.contains(&format!("has lost {lost}, as it says")) && error.contains("no node has signed that it is erased"),
        "{error}"
    );
    assert_eq!((place.coordinator.received().len(), place.coordinator.withdrawn()), (0, 3));
    assert_eq!(place.warns(RECEIPT), "");
    // It had not lost it, and counts it.
    place.coordinator.restore_submissions(sent[..1].to_vec());
    place.coordinator.hide_withdrawable();
    place.ok("job watch j");
    let said = place.ok(RECEIPT);
    assert!(
        said.contains(&format!("submission {lost} is certified although you have asked for it back")),
        "{said}"
    );
}

#[test]
fn answers_that_were_taken_back_are_not_sealed_again() {
    let (place, sent) = restored_too_late(1);
    let lost = ids(&sent)[0].clone();
    let output = place.tacit(&format!("{WITHDRAW} --submission {lost}"));
    assert_eq!(output.status.code(), Some(1));
    assert!(place.ok(ANSWER).contains("500 answers were withdrawn and are not sent again"));
    assert_eq!(place.coordinator.received(), sent[1..]);

    // By either id both are taken back, the lost one and the one in its place. The coordinator may have the lost one after all.
    for by_lost in [true, false] {
        let (place, sent) = restored_too_late(1);
        place.ok(ANSWER);
        let again = place.coordinator.received().pop().unwrap();
        place
            .coordinator
            .restore_submissions([&sent[..], std::slice::from_ref(&again)].concat());
        let id = ids(if by_lost { &sent[..1] } else { std::slice::from_ref(&again) }).remove(0);
        let table = place.ok(&format!("{WITHDRAW} --submission {id}"));
        assert_eq!(table.matches(" 3 ").count(), 2, "{table}");
        assert_eq!(place.coordinator.received(), sent[1..]);
        assert!(place.ok(ANSWER).contains("500 answers were withdrawn and are not sent again"));
        assert_eq!(place.coordinator.received(), sent[1..]);
    }
}
