//! Checks the alert rules and the dashboard against the documents: each alert has tests and a section of the runbook, and each metric is
//! in `docs/metrics.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tacit_tests::prometheus::{repository, tool};

fn read(path: &str) -> String {
    let path = repository().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder below `deploy/prometheus`.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = repository().join("deploy/prometheus").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// One alert of the rules.
struct Alert {
    name: String,
    text: String,
}

impl Alert {
    /// The value of a field that is on one line.
    fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn alerts() -> Vec<Alert> {
    let text = read("deploy/prometheus/rules/alerts.yml");
    let alerts = text.split("- alert: ").skip(1).map(|text| Alert {
        name: text.lines().next().unwrap().to_owned(),
        text: text.to_owned(),
    });
    alerts.collect()
}

/// The metric names in a text that begin with a prefix.
fn metrics(text: &str, prefix: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
    let words = text.split(word).filter(|word| word.starts_with(prefix) && *word != prefix);
    words.map(str::to_owned).collect()
}

fn runs(arguments: &[&str], files: &[PathBuf]) {
    let Some(mut promtool) = tool("promtool") else { return };
    let output = promtool.args(arguments).args(files).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn promtool_reads_the_config_and_the_rules() {
    runs(&["check", "config"], &[repository().join("deploy/prometheus/prometheus.yml")]);
    runs(&["check", "rules"], &files("rules"));
}

#[test]
fn no_member_may_serve_more_than_it_should() {
    let config = read("deploy/prometheus/prometheus.yml");
    let jobs: Vec<&str> = config.split("- job_name: ").skip(1).collect();
    assert_eq!(jobs.len(), 2);
    for job in jobs {
        for limit in [
            "sample_limit",
            "label_limit",
            "label_name_length_limit",
            "label_value_length_limit",
            "body_size_limit",
        ] {
            assert!(job.contains(&format!("    {limit}: ")), "no {limit} in {job}");
        }
    }
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    runs(&["test", "rules"], &files("tests"));
    let tests: String = files("tests").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let silent: BTreeSet<&str> = tests.lines().filter_map(|line| line.trim().strip_prefix("- alertname: ")).collect();
    for Alert { name, .. } in alerts() {
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test makes {name} fire");
        assert!(silent.contains(&*name), "no test has {name} silent");
    }
}

#[test]
fn every_alert_has_its_section_of_the_runbook_and_a_severity() {
    let runbook = read("docs/operations.md");
    let sections: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let alerts = alerts();
    assert!(alerts.len() > 20);
    for alert in &alerts {
        let Alert { name, .. } = alert;
        assert!(sections.contains(&**name), "docs/operations.md has no section {name}");
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(alert.field("runbook_url"), Some(&*anchor), "{name}");
        assert!(alert.field("summary").is_some() && alert.field("description").is_some(), "{name}");
        let severity = alert.field("labels").unwrap();
        assert!(["{severity: page}", "{severity: ticket}"].contains(&severity), "{name}: {severity}");
        // Only misbehaviour of a member is reported at once; other alerts wait, so that short disturbances alert nobody.
        let at_once = ["TacitVerificationFailed", "TacitMembersDisagree"].contains(&&**name);
        assert_eq!(alert.field("for").is_none(), at_once, "{name}");
    }
    for section in sections.iter().filter(|section| section.starts_with("Tacit")) {
        assert!(
            alerts.iter().any(|alert| alert.name == **section),
            "docs/operations.md describes {section}, which is no alert"
        );
    }
}

#[test]
fn every_metric_is_in_the_contract() {
    let contract = metrics(&read("docs/metrics.md"), "tacit_");
    let recording = read("deploy/prometheus/rules/recording.yml");
    let recorded: BTreeSet<String> = recording
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("- record: ")?.to_owned()))
        .collect();
    let texts = [
        recording,
        read("deploy/prometheus/rules/alerts.yml"),
        read("deploy/grafana/dashboard.json"),
    ];
    let mut used = BTreeSet::new();
    for text in &texts {
        for metric in metrics(text, "tacit_") {
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| metric.strip_suffix(part));
            let name = of_histogram.filter(|name| contract.contains(*name)).unwrap_or(&metric).to_owned();
            assert!(contract.contains(&name), "docs/metrics.md has no {metric}");
            used.insert(name);
        }
        for metric in metrics(text, "tacit:") {
            assert!(recorded.contains(&metric), "no rule records {metric}");
        }
    }
    assert!(used.len() > 30, "{used:?}");
}

#[test]
fn grafana_finds_the_dashboard_and_its_data() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{}: its id is not its own",
            panel["title"]
        );
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
    let variables: BTreeSet<&str> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    assert_eq!(variables, BTreeSet::from(["datasource", "node"]));
    for provisioning in ["datasources/prometheus.yml", "dashboards/tacit.yml"] {
        let path = Path::new("deploy/grafana/provisioning").join(provisioning);
        assert!(read(path.to_str().unwrap()).starts_with("# "), "{provisioning} says what it is for");
    }
}
