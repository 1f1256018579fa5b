//! Specs that are refused, and what the digest covers.

use super::*;

fn spec() -> JobSpec {
    JobSpec::from_json(
        br#"{ "name": "signs", "question": { "kind": "categorical", "classes": ["stop", "yield"] }, "items": [{ "id": "a" }, { "id": "b" }],
              "answers_per_item": 5, "release": ["agreement", "payouts"],
              "payout": { "currency": "EUR", "base_per_item": 20000, "bonus_per_item": 10000, "budget": 300000 } }"#,
    )
    .unwrap()
}

fn refused(alter: impl FnOnce(&mut JobSpec)) -> String {
    let mut spec = spec();
    alter(&mut spec);
    Job::new("job".parse().unwrap(), spec).unwrap_err().to_string()
}

fn named(spec: &mut JobSpec) -> &mut Vec<String> {
    let Question::Categorical { classes, .. } = &mut spec.question;
    classes
}

#[test]
fn defaults_are_the_safe_ones() {
    let job = Job::new("job".parse().unwrap(), spec()).unwrap();
    assert!(job.terms().sensitive);
    assert_eq!(job.terms().payout().unwrap().rule, PayRule::PeerAgreementBeyondChance);
}

#[test]
fn errors_name_the_field() {
    assert!(refused(|s| s.name.clear()).contains("`name`"));
    assert!(refused(|s| named(s).clear()).contains("`question.classes`"));
    assert!(refused(|s| named(s).push("stop".to_owned())).contains("`stop` twice"));
    assert!(refused(|s| s.items.clear()).contains("`items`"));
    assert!(refused(|s| s.items[1].id = "a".to_owned()).contains("`a` twice"));
    assert!(refused(|s| s.items[1].id = "a\n".to_owned()).contains("`items[1].id`"));
    assert!(refused(|s| s.answers_per_item = 0).contains("`answers_per_item`"));
    assert!(refused(|s| s.release.clear()).contains("`release`"));
    assert!(refused(|s| s.payout = None).contains("`payout`"));
    let pay = |alter: fn(&mut Payout)| refused(|s| alter(s.payout.as_mut().unwrap()));
    assert!(pay(|p| p.budget = 299_999).contains("300000 micro-units"));
    assert!(pay(|p| p.bonus_per_item = 20_001).contains("`payout.bonus_per_item`"));
    assert!(pay(|p| p.base_per_item = u64::MAX).contains("`payout.base_per_item`"));
    assert!(pay(|p| p.currency = "=1".to_owned()).contains("`payout.currency`"));
}

#[test]
fn jobs_that_no_node_could_hold_are_refused() {
    let many = |s: &mut JobSpec, items: usize, classes: usize| {
        s.items = (0..items)
            .map(|i| Item {
                id: i.to_string(),
                text: None,
            })
            .collect();
        *named(s) = (0..classes).map(|k| k.to_string()).collect();
        s.payout = None;
        s.release = BTreeSet::from([Release::Agreement]);
    };
    assert!(refused(|s| many(s, 20_000, 1_000)).contains("split the items"));
    assert!(
        refused(|s| {
            many(s, 16_000, 1_000);
            s.answers_per_item = 9;
        })
        .contains("split the items")
    );
}

#[test]
fn unknown_fields_and_outputs_are_refused() {
    assert!(
        JobSpec::from_json(br#"{ "name": "x", "quorum": 3 }"#)
            .unwrap_err()
            .to_string()
            .contains("quorum")
    );
    let json = serde_json::to_string(&spec()).unwrap();
    assert!(JobSpec::from_json(json.replace("\"agreement\"", "\"tallies\"").as_bytes()).is_err());
    assert_eq!(JobSpec::from_json(json.as_bytes()).unwrap(), spec());
}

#[test]
fn every_field_is_in_the_digest() {
    let digest = |alter: fn(&mut JobSpec)| {
        let mut spec = spec();
        alter(&mut spec);
        Job::new("job".parse().unwrap(), spec).unwrap().digest()
    };
    let same = digest(|_| {});
    let changes: [fn(&mut JobSpec); 8] = [
        |s| s.name.push('x'),
        |s| named(s).reverse(),
        |s| s.items.reverse(),
        |s| s.items[0].text = Some("t".to_owned()),
        |s| s.answers_per_item = 4,
        |s| s.sensitive = false,
        |s| s.release = BTreeSet::from([Release::Scores]),
        |s| s.payout.as_mut().unwrap().budget += 1,
    ];
    for change in changes {
        assert_ne!(digest(change), same);
    }
    assert_ne!(Job::new("other".parse().unwrap(), spec()).unwrap().digest(), same);
}

#[test]
fn ids_are_plain() {
    for bad in ["", "A", "a/b", "..", "a b", &"x".repeat(65)] {
        assert!(bad.parse::<JobId>().is_err(), "{bad}");
    }
    assert!("0199d9a4-6d5e-7c3a".parse::<JobId>().is_ok());
}
