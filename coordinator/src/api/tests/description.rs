//! The API's own description, as far as no validator is needed to check it: `.ci/openapi` has one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Bench;

/// All values of a key, anywhere in a document.
fn values_of<'a>(key: &str, of: &'a Value, found: &mut Vec<&'a Value>) {
    match of {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == key {
                    found.push(value);
                }
                values_of(key, value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| values_of(key, value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_and_every_answer_is_described() {
    let bench = Bench::new(3, 1).await;
    let (_, body) = bench.get("/openapi.json").await;
    let description: Value = serde_json::from_slice(&body).unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = Vec::new();
    values_of("$ref", &description, &mut references);
    let references: BTreeSet<&str> = references.into_iter().filter_map(Value::as_str).collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let at = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(at).is_some(), "{reference} leads nowhere");
    }
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let words = response["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{method} {path} {status} is not described");
            }
        }
    }
    for (path, fields) in [
        ("result", &["job", "agreement", "labels", "payouts"][..]),
        ("certificate", &["terms", "outputs", "signatures"]),
    ] {
        let path = description["paths"][format!("/v1/jobs/{{id}}/{path}")].clone();
        let reference = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].clone();
        let schema = description.pointer(reference.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
        for field in fields {
            assert!(schema["properties"][field].is_object(), "{field}");
        }
    }
}
