//! `tacit demo` on small data sets with edge cases: the result has the numbers of established libraries where these have one, and null
//! with a reason otherwise.

use std::collections::BTreeSet;

use serde_json::Value;
use tacit_scoring::report::Report;
use tacit_tests::programs::demo;
use tacit_tests::reference::{Expected, read_answers};

/// Measures, the name of the same measure in the libraries' results, and the precision of these.
const LIBRARIES: [(&str, &str, f64); 4] = [
    ("krippendorff_alpha", "krippendorff_alpha", 1e-9),
    ("fleiss_kappa", "fleiss_kappa", 5.1e-6),
    ("fleiss_kappa", "fleiss_kappa_statsmodels", 1e-9),
    ("gwet_ac1", "gwet_ac1", 5.1e-6),
];

/// The measures without a value. Checks that all others have the expected value.
fn undefined(name: &str, case: &Value, classes: Option<&str>) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("answers.csv"), folder.path().join("out"));
    let rows: Vec<&str> = case["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    std::fs::write(&file, format!("item,contributor,answer\n{}\n", rows.join("\n"))).unwrap();
    let mut arguments = vec!["--answers", file.to_str().unwrap(), "--release-scores"];
    arguments.extend(classes.iter().flat_map(|classes| ["--classes", classes]));
    demo(&out, &arguments).ok();
    let text = std::fs::read_to_string(out.join("result.json")).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{name}: {text}");
    let result: Value = serde_json::from_str(&text).unwrap();

    let answered: Vec<&str> = rows.iter().copied().filter(|row| !row.ends_with(',')).collect();
    std::fs::write(&file, format!("item,contributor,answer\n{}\n", answered.join("\n"))).unwrap();
    let (answers, repeats) = read_answers(&file);
    assert_eq!(result["job"]["answers"], answers.len(), "{name}");
    assert_eq!(result["job"]["rejected_answers"], repeats, "{name}");
    let report: Report = serde_json::from_str(&text).unwrap();
    let expected = Expected::of(&answers, &report.job.classes);
    expected.assert_labels(&report, name);
    let mut undefined = BTreeSet::new();
    for (measure, plain) in expected.agreement() {
        let value = &result["agreement"][measure];
        match (value.as_f64(), plain) {
            (Some(value), Some(plain)) => assert!((value - plain).abs() < 1e-9, "{name} {measure}: {value}, not {plain}"),
            (None, None) => {
                assert!(value.is_null(), "{name} {measure}: {value}");
                let reason = result["agreement"][format!("{measure}_reason")].as_str();
                assert!(reason.is_some_and(|reason| !reason.is_empty()), "{name} {measure}");
                undefined.insert(measure.to_owned());
            }
            _ => panic!("{name} {measure}: {value}, not {plain:?}"),
        }
    }
    for (measure, library, tolerance) in LIBRARIES {
        if let Some(theirs) = case["library"][library].as_f64() {
            let ours = result["agreement"][measure].as_f64();
            assert!(
                ours.is_some_and(|ours| (ours - theirs).abs() < tolerance),
                "{name} {library}: {ours:?}, not {theirs}"
            );
        }
    }
    undefined
}

#[test]
fn edge_cases_have_the_libraries_numbers_or_none() {
    const ALL: [&str; 5] = ["fleiss_kappa", "gwet_ac1", "krippendorff_alpha", "observed", "observed_pooled"];
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/edge_cases.json")).unwrap();
    let cases: Value = serde_json::from_slice(&bytes).unwrap();
    let cases = cases.as_object().unwrap();
    assert_eq!(cases.len(), 11);
    for (name, case) in cases {
        // Nobody chose the second class of this job.
        let classes = (name == "one_class_only").then_some("a,b");
        let expected: &[&str] = match name.as_str() {
            "all_items_single" | "one_answer_total" => &ALL,
            "one_class_only" => &["fleiss_kappa", "krippendorff_alpha"],
            _ => &[],
        };
        let expected: BTreeSet<String> = expected.iter().map(|measure| (*measure).to_owned()).collect();
        assert_eq!(undefined(name, case, classes), expected, "{name}");
    }
    // With one class there is no chance agreement; the libraries' AC1 assumes a second class.
    let alone = serde_json::json!({ "rows": cases["one_class_only"]["rows"] });
    let expected = ["fleiss_kappa", "gwet_ac1", "krippendorff_alpha"].map(str::to_owned);
    assert_eq!(undefined("one class", &alone, None), expected.into());
}
