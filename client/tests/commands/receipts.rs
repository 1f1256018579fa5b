//! `tacit receipt` against a coordinator that passes on what nodes have certified, or something else.

use crate::coordinator::Cheat;
use crate::workplace::Workplace;

const SPEC: &str = r#"
name = "signs"
question = { kind = "categorical", classes = ["stop", "yield"] }
items = "items.csv"
answers_per_item = 3
sensitive = false
release = ["agreement", "payouts"]
payout = { rule = "flat", currency = "EUR", base_per_item = 20000, bonus_per_item = 0, budget = 10000000 }
"#;

/// The place of a contributor who has answered a job.
fn contributor() -> Workplace {
    let place = Workplace::new();
    place.write("spec.toml", SPEC);
    place.write("items.csv", "id\na\nb\nc\n");
    place.write("answers.csv", "item,contributor,answer\na,me,stop\nb,me,stop\nc,me,yield\n");
    place.job();
    place.ok("keygen --out me.key");
    place.ok("answer j --answers answers.csv --key me.key --public-answers");
    place
}

#[test]
fn what_is_certified_is_checked_and_said_in_words() {
    let contributor = contributor();
    let before = contributor.ok("receipt j --key me.key");
    assert!(before.contains("not yet known") && !before.contains("certified"), "{before}");
    contributor.ok("job watch j");
    let said = contributor.ok("receipt j --key me.key");
    for line in [
        "certified: 2 of your 3 answers count\n",
        "  1 do not: an earlier answer of yours to the item counts\n",
        "your pay: 0.04 EUR = 2 answers at 0.02 EUR (the base for every answer)\n",
        "contributors with answers that count: 1\n",
        "signed by all nodes that took part (node-0, node-1, node-2)",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn a_coordinator_that_cheats_is_caught_with_an_exit_code_for_each_way() {
    for (cheat, code, why) in [
        (Cheat::Signs, 10, "the signature of node `node-0` does not verify"),
        (Cheat::Pay, 11, "a record does not fit the root"),
        (Cheat::Name, 11, "a record does not fit the root"),
        (
            Cheat::LeavesOut,
            12,
            "the coordinator left it out: keep this receipt (me.key.j.d/0001.receipt.json)",
        ),
        (
            Cheat::Denies,
            12,
            "the coordinator left it out: keep this receipt (me.key.j.d/0001.receipt.json)",
        ),
        (
            Cheat::WithAllNodes,
            14,
            "you are certified 39999 micro-units, but by the terms 40000 are due",
        ),
        (Cheat::Silent, 1, "passes on nothing that the nodes have certified"),
    ] {
        let contributor = contributor();
        contributor.ok("job watch j");
        contributor.coordinator.cheat(cheat);
        let output = contributor.tacit("receipt j --key me.key");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{cheat:?}: {error}");
        assert!(error.contains(why), "{cheat:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn who_refused_a_submission_is_told_as_the_nodes_have_signed_it() {
    let refused = || {
        let place = contributor();
        place.coordinator.refuse_by_nodes();
        place.ok("job watch j");
        place
    };
    let said = refused().ok("receipt j --key me.key");
    assert!(
        said.contains("certified: 0 of your 3 answers count\n")
            && said.contains("\n  refused by node-1, node-2: their parts did not come or cannot be used\n"),
        "{said}"
    );
    // All answers count as without the cheat, or none does, but the coordinator says who is to blame.
    let unrefused = contributor();
    unrefused.ok("job watch j");
    for (place, cheat, why) in [
        (
            unrefused,
            Cheat::Accuses,
            "it was refused by node-0, but by what all nodes have signed it was refused by no node",
        ),
        (
            refused(),
            Cheat::Accuses,
            "it was refused by node-0, but by what all nodes have signed it was refused by node-1, node-2",
        ),
        (
            refused(),
            Cheat::HidesRefusers,
            "it was refused by no node, but by what all nodes have signed it was refused by node-1, node-2",
        ),
    ] {
        place.coordinator.cheat(cheat);
        let output = place.tacit("receipt j --key me.key");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(11), "{cheat:?}: {error}");
        assert!(error.contains(why), "{cheat:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn nodes_that_certify_what_they_have_erased_are_named() {
    let place = contributor();
    place.ok("withdraw j --key me.key");
    place.ok("job watch j");
    place.coordinator.cheat(Cheat::CountsWithdrawn);
    let output = place.tacit("receipt j --key me.key");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(15), "{error}");
    assert!(
        error.contains("you have withdrawn it") && error.contains("node-0, node-1, node-2 signed that it is erased"),
        "{error}"
    );
    assert!(output.stdout.is_empty());
}
