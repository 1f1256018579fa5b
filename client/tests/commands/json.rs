//! `--json`: one document on one line, with the facts of the text.

use serde_json::{Value, json};

use crate::workplace::{ANSWER, Workplace};

/// The only line that a command prints, as JSON.
fn document(place: &Workplace, args: &str) -> Value {
    let text = place.ok(&format!("{args} --json"));
    assert_eq!(text.trim_end().lines().count(), 1, "{args}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn keys_and_cluster_files() {
    let place = Workplace::new();
    for command in ["keygen", "issuer keygen"] {
        let key = document(&place, &format!("{command} --out new.key"));
        assert_eq!(key, json!({ "key": place.public_key("new.key"), "file": "new.key" }));
        std::fs::remove_file(place.path().join("new.key")).unwrap();
    }
    let text = place.ok("cluster show cluster.toml");
    let cluster = document(&place, "cluster show cluster.toml");
    assert_eq!(cluster["threshold"], 1);
    assert_eq!(cluster["nodes"].as_array().unwrap().len(), 3);
    for fact in [
        "/digest",
        "/cluster",
        "/coordinator/url",
        "/coordinator/fingerprint",
        "/nodes/2/name",
        "/nodes/2/fingerprint",
    ] {
        assert!(text.contains(cluster.pointer(fact).unwrap().as_str().unwrap()), "{fact}: {text}");
    }
}

#[test]
fn jobs() {
    let place = Workplace::new();
    let created = document(&place, "job create spec.toml --id j --token-file token");
    assert_eq!((&created["id"], &created["state"]), (&json!("j"), &json!("open")));
    assert_eq!(document(&place, "job status j"), created);
    assert_eq!(document(&place, "job list --token-file token"), json!({ "jobs": [created] }));
    let closed = document(&place, "job close j --yes --token-file token");
    assert_eq!((&closed["state"], &closed["publishes"]), (&json!("closing"), &json!(["agreement"])));
    let again = document(&place, "job close j --yes --token-file token");
    assert_eq!((&again["state"], &again["publishes"]), (&json!("closing"), &Value::Null));
    // A document for each change.
    let seen = place.ok("job watch j --json");
    let states: Vec<Value> = seen
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].clone())
        .collect();
    assert_eq!(states, [json!("closing"), json!("published")]);
    place.ok("job create spec.toml --id k --token-file token");
    assert_eq!(document(&place, "job cancel k")["state"], "cancelled");
}

#[test]
fn a_contributors_answers_receipt_and_withdrawal() {
    let place = Workplace::new();
    place.job();
    place.answers();
    let sent = document(&place, ANSWER);
    assert_eq!((&sent["job"], &sent["contributor"]), (&json!("j"), &json!("me")));
    assert_eq!(sent["sent_before"], 0);
    assert_eq!(document(&place, ANSWER)["sent_now"], 0);
    let receipt = document(&place, "receipt j --key me.key");
    let submissions = receipt["submissions"].as_array().unwrap();
    assert!(!submissions.is_empty());
    let answers: u64 = submissions.iter().map(|one| one["answers"].as_u64().unwrap()).sum();
    assert_eq!(answers, sent["sent_now"].as_u64().unwrap());
    assert!(receipt["certified"].is_null() && submissions[0]["accepted"].is_null(), "{receipt}");
    let id = submissions[0]["submission"].as_str().unwrap();
    let withdrawn = document(&place, &format!("withdraw j --key me.key --submission {id}"));
    let due = json!([{ "submission": id, "outcome": "withdrawn", "erased_by": 3, "not_answered": [] }]);
    assert_eq!(withdrawn, json!({ "job": "j", "submissions": due }));
    assert_eq!(document(&place, "receipt j --key me.key")["withdrawn"], 1);
    place.coordinator.close("j");
    place.ok("job watch j");
    let receipt = document(&place, "receipt j --key me.key");
    let certified = &receipt["certified"];
    let sum = |number: &str| {
        let submissions = receipt["submissions"].as_array().unwrap();
        submissions.iter().map(|one| one[number].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(
        (&certified["answers"], &certified["counted"]),
        (&json!(sum("answers")), &json!(sum("accepted")))
    );
    assert_eq!(certified["left_out"], json!({ "duplicate_answer": sum("rejected") }), "{receipt}");
    assert!(
        certified["signed_by"].as_array().unwrap().len() >= 2 && certified["pay"].is_null(),
        "{receipt}"
    );
}

#[test]
fn an_issuers_invitations_and_revocations() {
    let place = Workplace::new();
    place.ok("issuer keygen --out issuer.key");
    place.write("people.csv", "person\nann\nbob\n");
    let invite = "issuer invite people.csv --pool p --key issuer.key --out invitations.csv";
    let invited = document(&place, invite);
    let facts = ["new", "complete", "invitations", "missing_signatures"].map(|fact| invited[fact].as_u64().unwrap());
    assert_eq!(facts, [2, 2, 2, 0]);
    assert_eq!(invited["issuers"]["pool"], "p");
    assert_eq!(document(&place, invite)["new"], 0);
    let size = document(&place, "issuer sign --count 2 --pool p --key issuer.key --out size.json");
    assert_eq!(size, json!({ "file": "size.json", "credentials": 2, "missing_signatures": 0 }));
    let signed = document(&place, "issuer sign size.json --key issuer.key");
    assert_eq!((&signed["pool"], &signed["missing_signatures"]), (&json!("p"), &json!(0)));
    let mut revoke = place.command("issuer revoke 1 --pool p --key issuer.key --out revocation.json --json");
    let output = revoke.env_remove("TACIT_CLUSTER").output().unwrap();
    let revoked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(revoked, json!({ "file": "revocation.json", "missing_signatures": 0, "sent": null }));
}

#[test]
fn a_health_check() {
    let place = Workplace::new();
    let url = place.without_cluster().replace("--coordinator ", "");
    let probed = document(&place, &format!("probe {url}/v1/cluster"));
    assert_eq!(
        (&probed["url"], &probed["status"]),
        (&json!(format!("{url}/v1/cluster")), &json!(200))
    );
    assert!(probed["body"].as_str().unwrap().starts_with('{'), "{probed}");
}
