//! A real Prometheus with the config and the rules for operators. Only the waiting times are shorter.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::TestCluster;
use crate::http::get;

/// The factor by which the `for` durations of alerts are shortened.
const SPEED_UP: u64 = 12;
/// How long a test waits until Prometheus shows something: a connection counts as lost only after twelve seconds.
const OBSERVATION_TIMEOUT: Duration = Duration::from_secs(120);

/// A running Prometheus that watches a cluster.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    folder: TempDir,
    address: String,
}

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `prometheus` or `promtool`. `None`, with a note on standard error, if Prometheus is not installed and not required.
pub fn tool(name: &str) -> Option<Command> {
    let found = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        return Some(Command::new(name));
    }
    assert!(
        std::env::var_os("TACIT_REQUIRE_PROMETHEUS").is_none(),
        "TACIT_REQUIRE_PROMETHEUS is set, but there is no `{name}` here: apt-get install prometheus"
    );
    // Write to the terminal directly: the test harness hides the output of `eprintln!` in tests that pass.
    let _ = writeln!(std::io::stderr(), "SKIPPED: a test of monitoring: `{name}` is not installed");
    None
}

impl Prometheus {
    /// Watches the running members of a cluster. Returns when it has scraped each of them.
    pub fn watch(cluster: &TestCluster) -> Option<Self> {
        let mut program = tool("prometheus")?;
        let folder = tempfile::tempdir().unwrap();
        let deployed = repository().join("deploy/prometheus");
        for rules in ["rules/recording.yml", "rules/alerts.yml"] {
            let text = std::fs::read_to_string(deployed.join(rules)).unwrap();
            write(folder.path(), rules, &text.lines().map(hasten).collect::<String>());
        }
        let config = std::fs::read_to_string(deployed.join("prometheus.yml")).unwrap();
        assert_eq!(config.matches("_interval: 15s").count(), 2);
        write(folder.path(), "prometheus.yml", &config.replace("_interval: 15s", "_interval: 1s"));

        let nodes = cluster.nodes.iter().enumerate();
        let nodes = nodes.filter_map(|(i, node)| Some((node.as_ref()?, json!({ "node": format!("node-{i}") }))));
        let coordinator = cluster.coordinator.iter().map(|coordinator| (coordinator, json!({})));
        let mut members = 0;
        for (job, targets) in [
            ("tacit-node", nodes.collect::<Vec<_>>()),
            ("tacit-coordinator", coordinator.collect()),
        ] {
            members += targets.len();
            let group = |(process, labels): &(&crate::processes::Running, Value)| json!({ "targets": [process.admin()], "labels": labels });
            let groups: Vec<Value> = targets.iter().map(group).collect();
            // JSON is YAML.
            write(folder.path(), &format!("targets/{job}.yml"), &json!(groups).to_string());
        }

        let log = File::create(folder.path().join("log.txt")).unwrap();
        let child = program
            .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut prometheus = Self {
            child,
            folder,
            address: String::new(),
        };
        prometheus.address = prometheus.listens();
        prometheus.wait_for(&format!("count(count_over_time(up[10m]) >= 3) == {members}"));
        Some(prometheus)
    }

    fn listens(&self) -> String {
        let end = Instant::now() + OBSERVATION_TIMEOUT;
        loop {
            let log = std::fs::read_to_string(self.folder.path().join("log.txt")).unwrap();
            let ready = log.contains("Server is ready to receive web requests");
            let line = log.lines().find(|line| line.contains("Listening on"));
            if let Some(line) = line.filter(|_| ready) {
                return line.rsplit_once("address=").unwrap().1.to_owned();
            }
            assert!(Instant::now() < end, "Prometheus does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The current result of an expression.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let encoded: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = self.api(&format!("query?query={encoded}"));
        answer["result"]
            .as_array()
            .unwrap_or_else(|| panic!("{expression}: {answer}"))
            .clone()
    }

    /// Waits until an expression has a result that is a number.
    pub fn wait_for(&self, expression: &str) -> Vec<Value> {
        let end = Instant::now() + OBSERVATION_TIMEOUT;
        loop {
            let result = self.query(expression);
            if result.iter().any(|series| series["value"][1] != "NaN") {
                return result;
            }
            assert!(Instant::now() < end, "no data: {expression}; alerts: {}", self.api("alerts"));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until an alert with at least these labels fires. Returns the alert.
    pub fn wait_for_alert(&self, name: &str, labels: &[(&str, &str)]) -> Value {
        let end = Instant::now() + OBSERVATION_TIMEOUT;
        loop {
            let alerts = self.api("alerts")["alerts"].as_array().unwrap().clone();
            let fires = |alert: &&Value| {
                let of = &alert["labels"];
                alert["state"] == "firing" && of["alertname"] == name && labels.iter().all(|(label, value)| of[label] == *value)
            };
            if let Some(alert) = alerts.iter().find(fires) {
                let told = alert["annotations"].to_string();
                assert!(!told.contains("error expanding") && !told.contains("no value"), "{told}");
                return alert.clone();
            }
            assert!(Instant::now() < end, "{name} {labels:?} does not fire: {alerts:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The names of all alerts of a severity that fire or have fired, each with its node if it has one. Alerts about this machine's disk
    /// are left out.
    pub fn fired(&self, severity: &str) -> BTreeSet<(String, String)> {
        let which = format!("alertstate=\"firing\", severity=\"{severity}\", alertname!~\"TacitDisk.*\"");
        let ever = self.query(&format!("count by (alertname, node) (last_over_time(ALERTS{{{which}}}[1h]))"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |alert: &Value| (text(&alert["metric"]["alertname"]), text(&alert["metric"]["node"]));
        ever.iter().map(one).collect()
    }

    /// The rules as Prometheus has loaded them, with the state of their last evaluation.
    pub fn rules(&self) -> Vec<Value> {
        let groups = self.api("rules")["groups"].as_array().unwrap().clone();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    fn api(&self, path: &str) -> Value {
        let answer: Value = serde_json::from_str(&get(&self.address, &format!("/api/v1/{path}"))).unwrap();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A line of a rule file. If it is the `for` duration of an alert, the duration is shortened.
fn hasten(line: &str) -> String {
    let Some((indent, duration)) = line.split_once("for: ").filter(|(indent, _)| indent.trim().is_empty()) else {
        return format!("{line}\n");
    };
    let (number, unit) = duration.split_at(duration.len() - 1);
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => panic!("{line}: written in minutes, hours or days"),
    };
    let seconds = number.parse::<u64>().unwrap() * seconds / SPEED_UP;
    format!("{indent}for: {seconds}s\n")
}
