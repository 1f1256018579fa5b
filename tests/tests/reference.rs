//! `tacit demo` on real data, compared with the results of established libraries.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tacit_scoring::report::Report;
use tacit_tests::programs::demo;
use tacit_tests::reference::{DataSet, Expected, data_sets, read_answers};

const MEASURES: [(&str, &str); 5] = [
    ("observed", "pairwise_agreement_item_mean"),
    ("observed_pooled", "pairwise_agreement_pair_pooled"),
    ("fleiss_kappa", "fleiss_kappa_generalised"),
    ("krippendorff_alpha", "alpha_nominal"),
    ("gwet_ac1", "gwet_ac1"),
];

fn result(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap()
}

fn paid(result: &Value) -> BTreeMap<String, i128> {
    let pay = |p: &Value| {
        let amount = i128::from(p["amount"].as_i64().unwrap());
        (p["contributor"].as_str().unwrap().to_owned(), amount)
    };
    result["payouts"]["items"].as_array().unwrap().iter().map(pay).collect()
}

fn keys_of(result: &Value) -> Vec<String> {
    let items = result["payouts"]["items"].as_array().unwrap().iter();
    items.map(|p| p["key"].as_str().unwrap().to_owned()).collect()
}

fn check(set: &DataSet, nodes: usize, threshold: usize) {
    let out = tempfile::tempdir().unwrap();
    let (nodes, threshold) = (nodes.to_string(), threshold.to_string());
    let classes: Vec<String> = serde_json::from_value(set.reference["classes"].clone()).unwrap_or_default();
    let list = classes.join(",");
    let mut arguments = vec!["--nodes", &nodes, "--threshold", &threshold, "--release-scores"];
    if !set.bundled {
        arguments.extend(["--answers", set.answers.to_str().unwrap()]);
    }
    if !set.bundled && !classes.is_empty() {
        arguments.extend(["--classes", &list]);
    }
    demo(out.path(), &arguments).ok();
    let result = result(out.path());
    let (answers, repeats) = read_answers(&set.answers);

    assert_eq!(result["job"]["answers"], answers.len(), "{}", set.name);
    assert_eq!(result["job"]["rejected_answers"], repeats, "{}", set.name);
    let totals: BTreeMap<String, u64> = serde_json::from_value(result["class_totals"].clone()).unwrap();
    assert!(classes.iter().all(|class| totals.contains_key(class)), "{}", set.name);
    let report: Report = serde_json::from_value(result.clone()).unwrap();
    let expected = Expected::of(&answers, &report.job.classes);
    assert_eq!(totals, expected.class_totals(), "{}", set.name);
    let pay = expected.payouts(20_000, 20_000);
    assert_eq!(paid(&result), pay, "{}", set.name);
    assert_eq!(i128::from(result["payouts"]["total"].as_i64().unwrap()), pay.values().sum::<i128>());

    expected.assert_labels(&report, &set.name);

    for (name, expected) in expected.agreement() {
        assert_close(&result["agreement"][name], expected, 1e-9, &format!("{} {name} (plain)", set.name));
    }
    // The libraries count repeated answers too, so sets with repeats have other numbers; sets without classes have no reference.
    if repeats == 0 && !classes.is_empty() {
        for (ours, theirs) in MEASURES {
            let what = format!("{} {ours}", set.name);
            let theirs = set.reference["agreement"]
                .get(theirs)
                .unwrap_or_else(|| panic!("{what}: no {theirs}"));
            assert!(theirs.is_number() || theirs.is_null(), "{what}: {theirs}");
            assert_close(&result["agreement"][ours], theirs.as_f64(), 1e-9, &what);
        }
    }
}

fn assert_close(ours: &Value, expected: Option<f64>, tolerance: f64, what: &str) {
    match (ours.as_f64(), expected) {
        (Some(ours), Some(expected)) => assert!((ours - expected).abs() < tolerance, "{what}: {ours}, not {expected}"),
        (None, None) => assert!(ours.is_null(), "{what}: {ours}"),
        _ => panic!("{what}: {ours}, not {expected:?}"),
    }
}

#[test]
fn real_data_on_three_nodes() {
    let sets = data_sets();
    assert!(sets.len() >= 5 && sets.iter().any(|set| set.bundled));
    sets.iter().for_each(|set| check(set, 3, 1));
}

#[test]
fn real_data_on_four_nodes() {
    data_sets().iter().for_each(|set| check(set, 4, 1));
}

#[test]
fn real_data_on_five_nodes_of_which_two_may_be_corrupt() {
    data_sets().iter().for_each(|set| check(set, 5, 2));
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let rows = ["t1,w1,a", "t1,w2,b", "t2,w1,b", "t2,w3,b", "t2,w2,a", "t3,w1,c"];
    let run = |name: &str, rows: &[&str]| {
        let file = folder.path().join(format!("{name}.csv"));
        std::fs::write(&file, format!("item,contributor,answer\n{}\n", rows.join("\n"))).unwrap();
        let out = folder.path().join(name);
        demo(&out, &["--answers", file.to_str().unwrap()]).ok();
        // The order of items is that of their first rows.
        let mut result = result(&out);
        let labels = result["labels"].as_array_mut().unwrap();
        labels.sort_by_key(|label| label["item"].to_string());
        // Every demo draws new keys.
        for payout in result["payouts"]["items"].as_array_mut().unwrap() {
            payout.as_object_mut().unwrap().remove("key").unwrap();
        }
        result
    };
    let forward = run("forward", &rows);
    let mut reversed = rows;
    reversed.reverse();
    assert_eq!(forward, run("backward", &reversed));
}

/// The pay vectors V1 of the design: three contributors, three classes, six items.
#[test]
fn every_pay_rule_pays_exactly() {
    const ANSWERS: [[usize; 6]; 3] = [[0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 1], [0, 1, 1, 2, 1, 2]];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v1.csv");
    let rows: String = (0..3)
        .flat_map(|c| (0..6).map(move |i| format!("i{i},X{c},{}\n", ANSWERS[c][i])))
        .collect();
    std::fs::write(&file, format!("item,contributor,answer\n{rows}")).unwrap();
    for (rule, expected) in [
        ("peer_agreement_beyond_chance", [180_000, 166_000, 154_000]),
        ("peer_agreement", [210_000, 200_000, 190_000]),
        ("flat", [120_000, 120_000, 120_000]),
    ] {
        let out = folder.path().join(rule);
        let arguments = ["--pay-rule", rule, "--base", "20000", "--bonus", "20000"];
        demo(&out, &[&["--answers", file.to_str().unwrap()], arguments.as_slice()].concat()).ok();
        let names = ["X0", "X1", "X2"].map(str::to_owned);
        assert_eq!(paid(&result(&out)), names.into_iter().zip(expected).collect(), "{rule}");
        let keys = keys_of(&result(&out));
        let csv: String = keys
            .iter()
            .zip(0..3)
            .map(|(key, c)| format!("X{c},{key},{},EUR,demo\n", expected[c]))
            .collect();
        assert_eq!(
            std::fs::read_to_string(out.join("payouts.csv")).unwrap(),
            format!("contributor,key,pay,currency,reference\n{csv}")
        );
    }
}
