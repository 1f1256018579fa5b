//! The page's WebAssembly module at a real cluster: a buyer creates a job with it, people answer with it and beside the command, one takes the answers
//! back, and everybody checks the result with it. It runs in Node.js in place of a browser; the page's own test runs in one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tacit_tests::cluster::TestCluster;
use tacit_tests::prometheus::repository;
use tacit_tests::reference::Expected;

/// Whether the module is built and Node.js is here. Where not, nothing is tested, with a note, unless it is required.
fn is_here() -> bool {
    let is_built = repository().join("web/wasm/pkg/tacit_web_bg.wasm").exists();
    let has_node = Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !(is_built && has_node) {
        assert!(
            std::env::var_os("TACIT_REQUIRE_WEB").is_none(),
            "TACIT_REQUIRE_WEB is set, but the module (web/build module) or Node.js is missing"
        );
        // Written to the terminal directly: the test harness hides what tests that pass print.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: the page's module at a cluster; web/build module makes it, and Node.js runs it"
        );
    }
    is_built && has_node
}

/// Somebody with a browser.
struct Person<'a> {
    cluster: &'a TestCluster,
    folder: PathBuf,
}

impl<'a> Person<'a> {
    fn new(cluster: &'a TestCluster, name: &str) -> Self {
        let folder = cluster.folder().join(format!("browser-of-{name}"));
        std::fs::create_dir(&folder).unwrap();
        Self { cluster, folder }
    }

    /// Does something with the module. `given` says what; where the cluster is stands beside it.
    fn does(&self, action: &str, mut given: Value) -> Value {
        given["url"] = json!(format!("http://{}", self.cluster.api));
        given["cluster"] = json!(self.cluster.file());
        given["token"] = json!(self.cluster.token);
        std::fs::write(self.folder.join("arguments.json"), given.to_string()).unwrap();
        let output = Command::new("node")
            .arg(repository().join("web/wasm/tests/people.mjs"))
            .arg(action)
            .arg(&self.folder)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{action}: {error}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{action}: {error}"))
    }
}

const SPEC: &str = r#"name = "signs"
question = { kind = "categorical", classes = ["no", "yes"] }
items = "items.csv"
answers_per_item = 9
sensitive = false
release = ["agreement", "class_totals", "payouts", "scores"]
[payout]
currency = "EUR"
base_per_item = 20000
bonus_per_item = 20000
budget = 1080000
"#;

#[test]
fn people_answer_take_back_and_check_with_the_module_what_the_nodes_computed() {
    if !is_here() {
        return;
    }
    let cluster = TestCluster::start(3, 1);
    let buyer = Person::new(&cluster, "the-buyer");
    let key = std::fs::read_to_string(cluster.folder().join("key-of-the-buyer")).unwrap();
    let files = json!({ "job.toml": SPEC, "items.csv": "id\nitem-0\nitem-1\nitem-2\n" });
    let created = buyer.does("create", json!({ "job": "signs", "key": key, "files": files }));
    let digest = created["digest"].as_str().unwrap();
    assert_eq!(cluster.status("signs")["digest"], digest);

    let said: [(&str, [&str; 3]); 4] = [
        ("alice", ["yes", "no", "yes"]),
        ("bob", ["yes", "no", "no"]),
        ("carol", ["yes", "yes", "no"]),
        ("dave", ["no", "no", "no"]),
    ];
    let mut people = BTreeMap::new();
    for (name, answers) in said {
        if name == "carol" {
            cluster.answer("signs", name, &answers).ok();
            continue;
        }
        let person = Person::new(&cluster, name);
        let answers: BTreeMap<String, &str> = (0..).map(|i| format!("item-{i}")).zip(answers).collect();
        let given = json!({ "job": "signs", "name": name, "digest": digest, "answers": answers });
        let receipt = person.does("answer", given);
        assert_eq!((&receipt["submission"], &receipt["answers"]), (&receipt["id"], &json!(3)), "{name}");
        people.insert(name, person);
    }
    // Sending again, as after a failure, changes nothing.
    assert_eq!(people["alice"].does("again", json!({ "job": "signs" }))["sequence"], 0);
    let erased = people["dave"].does("withdraw", json!({ "job": "signs" }));
    assert_eq!(erased["erasedBy"], json!(["node-0", "node-1", "node-2"]));
    cluster.finish("signs");

    let rows = said.iter().filter(|(name, _)| *name != "dave").flat_map(|(name, answers)| {
        let row = |(i, class): (usize, &&str)| [format!("item-{i}"), (*name).to_owned(), (*class).to_owned()];
        answers.iter().enumerate().map(row).collect::<Vec<_>>()
    });
    let rows: Vec<[String; 3]> = rows.collect();
    let expected = Expected::of(&rows, &["no".to_owned(), "yes".to_owned()]);
    let pay = expected.payouts(20_000, 20_000);

    let verified = buyer.does("verify", json!({ "job": "signs", "digest": digest }));
    let totals: BTreeMap<String, u64> = serde_json::from_value(verified["report"]["class_totals"].clone()).unwrap();
    assert_eq!(totals, expected.class_totals());
    assert_eq!(verified["signers"].as_array().unwrap().len(), 3);
    for name in ["alice", "bob"] {
        let receipt = people[name].does("receipt", json!({ "job": "signs" }));
        let certified = &receipt["certified"];
        assert_eq!(
            (&certified["sent"], &certified["counted"]),
            (&json!(3), &json!(3)),
            "{name}: {certified}"
        );
        assert_eq!(certified["contributors"], 3);
        let due = i64::try_from(pay[name]).unwrap();
        assert_eq!(certified["pay"]["total"], due, "{name}: {certified}");
        assert_eq!(certified["pay"]["bonus"], due - 3 * 20_000, "{name}: {certified}");
        assert_eq!(receipt["outcome"], json!({ "accepted": 3, "rejected": [] }), "{name}");
        // What the page gives out about the consent, the command checks.
        let proof = people[name].folder.join("proof.json");
        let said = cluster.tacit(["consent", "verify", proof.to_str().unwrap()]).ok();
        assert!(
            said.contains("agreed to job signs on ") && said.contains("the nodes have signed that they had it"),
            "{said}"
        );
    }
}

#[test]
fn an_invitation_and_gold_answers_work_with_the_module() {
    if !is_here() {
        return;
    }
    let cluster = TestCluster::start(3, 1);
    let buyer = Person::new(&cluster, "the-buyer");
    let key = std::fs::read_to_string(cluster.folder().join("key-of-the-buyer")).unwrap();
    let (pool, codes) = cluster.invite("crowd", &["ann".to_owned(), "ben".to_owned()]);
    let spec = SPEC.replace("bonus_per_item", "rule = \"gold\"\nbonus_per_item");
    let spec = spec.replace("release =", &format!("issuers = {pool}\ngold = \"gold.csv\"\nrelease ="));
    let files = json!({
        "job.toml": spec,
        "items.csv": "id\nitem-0\nitem-1\nitem-2\n",
        "gold.csv": "item,answer\nitem-1,yes\n",
    });
    let created = buyer.does("create", json!({ "job": "invited", "key": key, "files": files }));
    let mut people = Vec::new();
    for (name, code, class) in [("ann", &codes[0], "yes"), ("ben", &codes[1], "no")] {
        let person = Person::new(&cluster, name);
        let answers = json!({ "item-0": class, "item-1": class });
        person.does(
            "answer",
            json!({ "job": "invited", "invitation": code, "digest": created["digest"], "answers": answers }),
        );
        people.push(person);
    }
    cluster.finish("invited");
    let bonus = |person: &Person<'_>| person.does("receipt", json!({ "job": "invited" }))["certified"]["pay"]["bonus"].clone();
    let [ann, ben] = [&people[0], &people[1]].map(bonus);
    assert!(
        ann.as_i64() > ben.as_i64(),
        "{ann} is for the right answer, {ben} for the wrong one"
    );
}
