//! What a contributor agrees to: one record for all sittings, stored before anything is sent, and shown to whom the contributor likes.

use serde_json::Value;

use crate::workplace::Workplace;

const ANSWER: &str = "answer j --answers a.csv --key me.key --public-answers";
const RECORD: &str = "me.key.j.d/consent.json";

fn place() -> Workplace {
    let place = Workplace::new();
    place.job();
    place.ok("keygen --out me.key");
    place.write("a.csv", "item,contributor,answer\ni1,me,stop\n");
    place
}

fn read(place: &Workplace, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(place.path().join(file)).unwrap()).unwrap()
}

#[test]
fn the_record_is_there_before_anything_is_sent_and_later_sittings_use_it() {
    let place = place();
    // Without agreement there is no record, and nothing is sent.
    let refused = place.fails("answer j --answers a.csv --key me.key");
    assert!(refused.contains("as good as public"), "{refused}");
    assert!(!place.path().join(RECORD).exists());
    place.coordinator.refuse_after(0);
    assert!(place.fails(ANSWER).contains("disk is full"));
    let agreed = read(&place, RECORD);
    place.coordinator.refuse_after(usize::MAX);
    assert!(
        !place.ok(ANSWER).contains("published about you"),
        "that was said when it was agreed to"
    );
    place.write("a.csv", "item,contributor,answer\ni2,me,stop\n");
    // The agreement holds: it is not asked for again.
    place.ok("answer j --answers a.csv --key me.key");
    assert_eq!(read(&place, RECORD), agreed);
    let said = &agreed["consent"]["value"];
    assert_eq!(
        (&said["job"], &said["public"], &said["sensitive"]),
        (&"j".into(), &false.into(), &false.into())
    );
    assert_eq!(said["release"], serde_json::json!(["agreement"]));
    assert_eq!(said["operators"].as_array().unwrap().len(), 3);
    assert_eq!(said["key"], Value::from(place.public_key("me.key")));
    let receipt = place.ok("receipt j --key me.key");
    assert!(
        receipt.contains("you have agreed to job j on ") && receipt.contains("tacit consent prove j --key me.key --out FILE.json"),
        "{receipt}"
    );
}

#[test]
fn anybody_checks_what_was_agreed_to_and_who_has_signed_for_it() {
    let place = place();
    place.ok(ANSWER);
    place.ok("consent prove j --key me.key --out early.json");
    let said = place.ok("consent verify early.json");
    assert!(
        said.starts_with("verified: the holder of key ") && said.contains("the coordinator has signed that it has it"),
        "{said}"
    );
    place.ok("job watch j");
    place.ok("consent prove j --key me.key --out proof.json");
    let said = place.ok("consent verify proof.json");
    for due in [
        "agreed to job j on ",
        "published: agreement, for the buyer, who can show it to anybody; answers are as good as public\n",
        "with 1 answers was made under this consent: the nodes have signed that they had it (node-0, node-1, node-2)\n",
        "answers are taken until the buyer closes the job\n",
        "node-0 is run by ",
    ] {
        assert!(said.contains(due), "{due}: {said}");
    }
    let document: Value = serde_json::from_str(&place.ok("consent verify proof.json --json")).unwrap();
    assert_eq!(document["submissions"][0]["witness"], "nodes");
    // It is private, and an existing file stays.
    assert!(
        place
            .fails("consent prove j --key me.key --out proof.json")
            .contains("this file exists")
    );

    // A job that was answered with the same key, and its record: the digests are others, and one does not stand for the other.
    place.ok("job create spec.toml --id k --token-file token");
    place.ok("answer k --answers a.csv --key me.key --public-answers");
    place.ok("consent prove k --key me.key --out other.json");
    let [mut proof, other] = ["proof.json", "other.json"].map(|file| read(&place, file));
    proof["record"] = other["record"].clone();
    proof["terms"] = other["terms"].clone();
    place.write("mixed.json", &proof.to_string());
    let output = place.tacit("consent verify mixed.json");
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(16), "{error}");
    assert!(error.contains("of a job of other terms"), "{error}");
    // Terms under which more is published.
    let mut proof = read(&place, "proof.json");
    proof["terms"]["public"] = true.into();
    place.write("claimed.json", &proof.to_string());
    assert!(place.fails("consent verify claimed.json").contains("the consent is to other terms"));
}

#[test]
fn whoever_has_sent_nothing_from_here_has_nothing_to_show() {
    let place = place();
    let said = place.fails("consent prove j --key me.key --out proof.json");
    assert!(said.contains("nothing was sent to job j with this key from here"), "{said}");
    place.write("proof.json", "{}");
    assert!(place.fails("consent verify proof.json").contains("not a proof of consent"));
}
