//! Checks that `docs/api.md` says what the API's own description says.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::Bench;

const HEAD: &str = "# The coordinator's HTTP API

Written from `/openapi.json`, which every coordinator serves, by `TACIT_WRITE_DOCS=1 cargo test -p tacit-coordinator reference`; a test compares them.
Errors are RFC 9457 problem documents with a `type` of the list at [Problem](#problem). A buyer sends `Authorization: Bearer TOKEN`,
or signs the request: `Authorization: Tacit-Key key=HEX, created=UNIX_SECONDS, signature=HEX`. A contributor signs it with its own key, and shows
its credential in `Tacit-Credential` where the job names issuers ([who reads what](security/reading.md)).
";

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Text for one cell of a table.
fn cell(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

/// A schema in a few words, with links to named schemas.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for (of, joint) in [("oneOf", " or "), ("allOf", " and "), ("anyOf", " or ")] {
        if let Some(parts) = schema[of].as_array() {
            return parts.iter().map(kind).filter(|kind| kind != "null").collect::<Vec<_>>().join(joint);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("`{}`", value.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        one => one.as_str().unwrap_or("any").to_owned(),
    };
    match types.as_str() {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => format!("by name: {}", kind(&schema["additionalProperties"])),
        _ => types,
    }
}

/// The media types and schemas of a body.
fn content(of: &Value) -> String {
    let body = |(media, body): (&String, &Value)| match kind(&body["schema"]).as_str() {
        "any" => format!("`{media}`"),
        kind => format!("`{media}`: {kind}"),
    };
    object(&of["content"]).map(body).collect::<Vec<_>>().join("; ")
}

fn operation(text: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(text, "\n### {} {path}\n\n", method.to_uppercase());
    for words in ["summary", "description"] {
        if let Some(words) = operation[words].as_str() {
            let _ = writeln!(text, "{words}\n");
        }
    }
    if let Some(ways) = operation["security"].as_array() {
        let by = |name: &str| ways.iter().any(|way| way[name].is_array());
        // One of the ways is without any authentication where the job is public.
        let optional = ways.iter().any(|way| way.as_object().is_some_and(Map::is_empty));
        let who = match (optional, by("buyer")) {
            // The id of a submission is drawn at random, and as good as a key.
            (true, _) if path.ends_with("/submissions/{sid}") => "whoever knows the submission's id",
            (true, _) => "those who may read the job",
            (false, true) => "the buyer",
            (false, false) => "the owner of a key, who signs the request",
        };
        let _ = writeln!(text, "For {who}.\n");
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (cell(&parameter["name"]), cell(&parameter["in"]));
        let _ = match cell(&parameter["description"]).as_str() {
            "" => writeln!(text, "- `{name}` ({place})"),
            words => writeln!(text, "- `{name}` ({place}): {words}"),
        };
    }
    if operation["requestBody"].is_object() {
        let _ = writeln!(text, "- body: {}", content(&operation["requestBody"]));
    }
    text.push_str("\n| status | when | body |\n|---|---|---|\n");
    for (status, response) in object(&operation["responses"]) {
        let when = match (cell(&response["description"]).as_str(), status.as_str()) {
            ("", "default") => "anything else".to_owned(),
            ("", _) => "done".to_owned(),
            (words, _) => words.to_owned(),
        };
        let _ = writeln!(text, "| {status} | {when} | {} |", content(response));
    }
}

fn schema(text: &mut String, name: &str, schema: &Value) {
    let _ = write!(text, "\n### {name}\n\n");
    if let Some(words) = schema["description"].as_str() {
        let _ = writeln!(text, "{words}\n");
    }
    let Some(properties) = schema["properties"].as_object() else {
        let _ = writeln!(text, "{}", kind(schema));
        return;
    };
    text.push_str("| field | type | what |\n|---|---|---|\n");
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (field, of) in properties {
        let optional = if required.contains(&field.as_str()) { "" } else { ", optional" };
        let _ = writeln!(text, "| `{field}` | {}{optional} | {} |", kind(of), cell(&of["description"]));
    }
}

fn reference(description: &Value) -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Requests\n");
    for (path, methods) in object(&description["paths"]) {
        object(methods).for_each(|(method, of)| operation(&mut text, path, method, of));
    }
    text.push_str("\n## Schemas\n");
    object(&description["components"]["schemas"]).for_each(|(name, of)| schema(&mut text, name, of));
    text.replace("\n\n\n", "\n\n")
}

#[tokio::test]
async fn the_reference_is_what_the_api_says_of_itself() {
    let bench = Bench::new(3, 1).await;
    let (_, body) = bench.get("/openapi.json").await;
    let reference = reference(&serde_json::from_slice(&body).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");
    if std::env::var_os("TACIT_WRITE_DOCS").is_some() {
        std::fs::write(path, &reference).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == reference,
        "docs/api.md is not what /openapi.json says: write it again as its first lines say"
    );
}
