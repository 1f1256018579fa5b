//! `tacit bench` reports all measurements and a correct result, with and without delay.

use std::path::Path;

use serde_json::Value;
use tacit_tests::programs::{Output, run};

const PHASES: [&str; 7] = ["accepted_set", "keys", "validate", "labels", "agreement", "verify", "release"];

fn bench(json: &Path, arguments: &[&str]) -> Output {
    let json = json.to_str().unwrap();
    run("tacit", ["bench", "--items", "300", "--out", json].iter().chain(arguments).copied())
}

fn measured(json: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

/// Runs the benchmark on this many nodes and checks its report.
fn check(nodes: usize, delay: u64) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let (count, ms) = (nodes.to_string(), delay.to_string());
    let table = bench(&json, &["--nodes", &count, "--delay", &ms]).ok();
    let report = measured(&json);

    assert_eq!(report["correct"], true);
    assert_eq!(report["attempts"], 1);
    assert_eq!(report["job"]["submissions"], 10);
    assert!(report["cluster"]["reserve_memory_mb"].as_u64().unwrap() >= 32);
    assert_eq!(
        (&report["cluster"]["nodes"], &report["cluster"]["delay_ms"]),
        (&nodes.into(), &delay.into())
    );
    let phases = report["phases"].as_array().unwrap();
    let names: Vec<&str> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names, [&["share", "ingest"], PHASES.as_slice(), &["certificate"]].concat());
    let figure = |name: &str, figure: &str| {
        let phase = phases.iter().find(|phase| phase["name"] == name).unwrap();
        phase[figure].as_f64().unwrap()
    };
    for name in PHASES {
        assert!(
            figure(name, "rounds") > 0.0 && figure(name, "bytes_per_node") > 0.0,
            "{name}: {phases:?}"
        );
        assert!(table.contains(name), "{table}");
    }
    assert!(
        phases
            .iter()
            .all(|phase| phase["name"] == "certificate" || phase["wall_s"].as_f64() > Some(0.0)),
        "{phases:?}"
    );
    // Datagrams between two nodes are delayed in both directions.
    assert!(report["round_trip_s"].as_f64().unwrap() >= 2.0 * delay as f64 / 1000.0, "{report}");
    assert!(figure("ingest", "bytes_per_node") > 0.0 && figure("share", "cpu_s") + figure("ingest", "cpu_s") > 0.0);
    let rounds: f64 = PHASES.iter().map(|name| figure(name, "rounds")).sum();
    assert_eq!(report["rounds"].as_f64(), Some(rounds));
    let computed: f64 = PHASES.iter().map(|name| figure(name, "wall_s")).sum();
    assert!(report["certificate_s"].as_f64().unwrap() >= computed, "{report}");
    for positive in [
        "published_s",
        "verify_s",
        "share_answers_per_s",
        "ingest_answers_per_s",
        "round_trip_s",
        "bytes_per_item_and_node",
    ] {
        assert!(report[positive].as_f64().unwrap() > 0.0, "{positive}: {report}");
    }
    let memory = report["peak_rss_bytes"].as_object().unwrap();
    assert_eq!(memory.len(), nodes + 2, "nodes, coordinator, client: {memory:?}");
    assert!(memory.values().all(|bytes| bytes.as_u64().unwrap() > 1 << 20), "{memory:?}");
}

#[test]
fn three_nodes() {
    check(3, 0);
}

#[test]
fn three_nodes_far_apart() {
    check(3, 5);
}

#[test]
fn four_nodes() {
    check(4, 0);
}

#[test]
fn four_nodes_far_apart() {
    check(4, 5);
}

#[test]
fn a_run_is_compared_with_an_earlier_one_of_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    bench(&first, &["--seed", "7", "--classes", "3"]).ok();
    let output = bench(&second, &["--seed", "7", "--classes", "3", "--compare", first.to_str().unwrap()]).ok();
    let (first, second) = (measured(&first), measured(&second));
    assert_eq!(first["job"], second["job"]);
    // The rounds that a job takes do not depend on the day.
    assert_eq!(first["rounds"], second["rounds"]);
    let rounds = |name: &str| {
        let rows = output.split("new / old").nth(1).unwrap().lines();
        let row = rows
            .map(|row| row.split(['│', '┆']).map(str::trim).collect::<Vec<_>>())
            .find(|row| row.get(1) == Some(&name));
        row.unwrap()[4].to_owned()
    };
    for name in PHASES.iter().chain(&["share", "to certificate"]) {
        assert_eq!(rounds(name), "1.00", "{name}: {output}");
    }
    assert!(!output.contains("another job"), "{output}");
}

#[test]
fn what_cannot_be_measured_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    std::fs::write(&json, "{}").unwrap();
    for (arguments, named) in [
        (&["--answers-per-item", "1"][..], "--answers-per-item"),
        (&["--contributors", "4"], "--contributors"),
        (&["--threshold", "2"], "--threshold"),
        (&["--classes", "2000"], "classes"),
        (&["--compare", json.to_str().unwrap()], "--compare"),
        (&["--compare", "/nowhere/bench.json"], "--compare"),
    ] {
        let error = bench(&folder.path().join("out.json"), arguments).error();
        assert!(error.contains(named), "{error}");
    }
}
