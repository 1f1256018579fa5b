//! The exit code of each cause, one by one. Those of receipts are in `receipts.rs`, that of missing programs in `programs.rs`.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::workplace::Workplace;

/// The exit code of a command and its standard error.
fn run(place: &Workplace, args: &str) -> (Option<i32>, String) {
    let output = place.command(args).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Checks code and message of a command that fails, and that it says the same as JSON.
fn fails(place: &Workplace, args: &str, (code, cause): (i32, &str), message: &str) {
    let (found, text) = run(place, args);
    assert!(found == Some(code) && text.contains(message), "{args}: {found:?}: {text}");
    let output = place.command(&format!("{args} --json")).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
    assert!(output.stdout.is_empty(), "{args}: {output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let error: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&error["cause"], &error["exit_code"]), (&cause.into(), &code.into()), "{error}");
    assert!(error["error"].as_str().unwrap().contains(message), "{error}");
}

#[test]
fn anything_else_is_1() {
    let place = Workplace::new();
    fails(&place, "verify missing.json", (1, "failed"), "there is no such file");
}

#[test]
fn wrong_usage_is_2() {
    let place = Workplace::new();
    fails(&place, "job stop j", (2, "usage"), "stop");
    fails(
        &place,
        "job close j --buyer-key k --token-file token",
        (2, "usage"),
        "give one of them",
    );
    // These have one form of output only.
    for args in ["job result j --csv labels --json", "completions bash --json", "man pages --json"] {
        let (code, text) = run(&place, args);
        assert!(code == Some(2) && text.contains("--json"), "{args}: {code:?}: {text}");
    }
    let help = place.ok("--help");
    assert!(help.contains("Exit codes:") && help.contains("130  Ctrl-C"), "{help}");
    place.ok("man pages");
    let page = std::fs::read_to_string(place.path().join("pages/tacit.1")).unwrap();
    assert!(page.contains("Exit codes:") && page.contains("130  Ctrl"), "{page}");
}

#[test]
fn what_is_not_there_is_4() {
    let place = Workplace::new();
    place.ok("keygen --out me.key");
    fails(&place, "job status k", (4, "not_found"), "no such job");
    fails(&place, "withdraw k --key me.key", (4, "not_found"), "nothing was sent to job k");
    fails(&place, "receipt k --key me.key", (4, "not_found"), "nothing was sent to job k");
}

#[test]
fn who_is_nobody_or_somebody_else_gets_5() {
    let place = Workplace::new();
    fails(
        &place,
        "job create spec.toml --id j",
        (5, "unauthorized"),
        "this needs a buyer's token",
    );
    fails(
        &place,
        &format!("job list {}", place.without_cluster()),
        (5, "unauthorized"),
        "this needs its buyer",
    );
    place.write("wrong", "not-the-token\n");
    fails(
        &place,
        "job create spec.toml --id j --token-file wrong",
        (5, "unauthorized"),
        "answered 401",
    );
}

#[test]
fn what_does_not_go_with_what_is_there_is_6() {
    let place = Workplace::new();
    place.job();
    place.write_spec("other.toml", "other");
    let create = "job create other.toml --id j --token-file token";
    fails(&place, create, (6, "conflict"), "another job was created here under the id j");
    // The same on a machine that has not created the first one.
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    fails(&place, create, (6, "conflict"), "Choose another --id");
}

#[test]
fn a_coordinator_that_is_busy_or_away_is_7() {
    let place = Workplace::new();
    place.coordinator.refuse_jobs(Some((503, "nodes_unavailable")));
    let create = "job create spec.toml --id j --token-file token";
    fails(&place, create, (7, "unavailable"), "answered 503");
    // The port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, text) = run(&place, &format!("job status j --coordinator http://127.0.0.1:{port}"));
    assert!(code == Some(7) && text.contains("cannot be reached"), "{code:?}: {text}");
}

#[test]
fn a_job_that_has_failed_is_8_and_a_cancelled_one_is_9() {
    let place = Workplace::new();
    place.job();
    place.coordinator.fail("j");
    for command in ["job result j", "job close j --token-file token"] {
        fails(&place, command, (8, "job_failed"), "job j is failed");
    }
    let (code, text) = run(&place, "job watch j");
    assert!(code == Some(8) && text.contains("job j is failed"), "{code:?}: {text}");
    let place = Workplace::new();
    place.job();
    place.ok("job cancel j");
    for command in ["job result j", "job close j --token-file token"] {
        fails(&place, command, (9, "job_cancelled"), "job j is cancelled");
    }
    let (code, text) = run(&place, "job watch j");
    assert!(code == Some(9) && text.contains("job j is cancelled"), "{code:?}: {text}");
}

#[test]
fn what_was_not_signed_so_is_16() {
    let place = Workplace::new();
    place.job();
    place.coordinator.swap_spec("j");
    place.answers();
    let answer = "answer j --answers answers.csv --key me.key --contributor me --public-answers";
    fails(&place, answer, (16, "not_verified"), "the coordinator's spec is refused");
    fails(
        &place,
        "job close j --yes --token-file token",
        (16, "not_verified"),
        "the coordinator's spec is refused",
    );
    assert!(place.ok("job status j").contains("state            open"));
    place.write("certificate.json", "{}");
    fails(&place, "verify certificate.json", (16, "not_verified"), "certificate.json");
}

#[test]
fn a_result_that_is_not_there_yet_is_17() {
    let place = Workplace::new();
    place.job();
    fails(&place, "job result j", (17, "not_published"), "`tacit job watch j` waits for it");
}

#[test]
fn where_nobody_agrees_nothing_is_done_and_it_is_18() {
    let place = Workplace::new();
    place.job();
    let close = "job close j --token-file token";
    let (code, text) = run(&place, close);
    assert!(
        code == Some(18) && text.contains("nobody has answered job j") && text.contains("give --yes"),
        "{code:?}: {text}"
    );
    fails(&place, &format!("{close} --buyer-key"), (2, "usage"), "--buyer-key");
    let output = place.command(&format!("{close} --json")).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.code() == Some(18) && output.stdout.is_empty(), "{output:?}");
    assert!(place.ok("job status j").contains("state            open"));
    place.answers();
    let answer = "answer j --answers answers.csv --key me.key --contributor me";
    fails(&place, answer, (18, "not_confirmed"), "nothing was sent");
    assert!(place.coordinator.received().is_empty());
    place.ok(&format!("{close} --yes"));
}

/// Every write to `/dev/full` fails, as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn an_error_that_cannot_be_written_is_74() {
    for json in ["", "--json"] {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" verify missing.json --cluster missing.toml $1 2>/dev/full"]);
        command.args([env!("CARGO_BIN_EXE_tacit"), json]);
        assert_eq!(command.status().unwrap().code(), Some(74), "{json}");
    }
}
