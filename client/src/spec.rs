//! A job spec as buyers write it: TOML or JSON, items inline or in a CSV file of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tacit_protocol::credential::Issuers;
use tacit_protocol::job::{JobSpec, LabelRule, Payout};
use tacit_protocol::question::{Question, Release};
use thiserror::Error;

use crate::files::{self, FileError};
use crate::issuer::pool::{self, PoolError};
use crate::weights::{self, WeightsError};
use items::Items;
pub use items::ItemsError;

mod items;

/// Why a spec cannot be used. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// The spec or its items cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The items cannot be read.
    #[error(transparent)]
    Items(#[from] ItemsError),
    /// The file of the pool cannot be used.
    #[error(transparent)]
    Issuers(#[from] PoolError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The spec is not TOML or JSON of these fields.
    #[error("{path}, line {line}: {reason}")]
    Syntax {
        /// The path of the spec.
        path: PathBuf,
        /// The line in the file, from 1.
        line: usize,
        /// What is wrong, as the parser reports it.
        reason: String,
    },
    /// The closing time is not a date and time.
    #[error("{path}: field `closes_at`: `{text}` is not a date and time with an offset, like 2026-12-01T00:00:00Z")]
    ClosesAt {
        /// The path of the spec.
        path: PathBuf,
        /// The text of the field.
        text: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecFile {
    name: String,
    question: Question,
    items: Items,
    answers_per_item: u32,
    #[serde(default)]
    closes_at: Option<Moment>,
    #[serde(default = "sensitive")]
    sensitive: bool,
    #[serde(default)]
    public: bool,
    release: BTreeSet<Release>,
    #[serde(default)]
    quorum: Option<u32>,
    #[serde(default)]
    label_rule: LabelRule,
    #[serde(default)]
    weights: Option<PathBuf>,
    #[serde(default)]
    gold: Option<PathBuf>,
    #[serde(default)]
    issuers: Option<IssuersField>,
    #[serde(default)]
    payout: Option<Payout>,
}

/// The default of `sensitive`: answers may reveal something about contributors.
fn sensitive() -> bool {
    true
}

/// The name of a pool's file, or the pool itself.
enum IssuersField {
    File(PathBuf),
    Inline(Issuers),
}

/// A TOML datetime or a text.
struct Moment(String);

/// A spec as read from its file, and the files it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The job; without the key for gold answers, which is no part of the file.
    pub job: JobSpec,
    /// The file of gold answers, if there are any.
    pub gold: Option<PathBuf>,
}

/// Reads a spec; items from the file it names, relative to the spec.
pub fn load(path: &Path) -> Result<Spec, SpecError> {
    load_with(path, files::read)
}

/// As [`load`], where `read` gives the bytes of a file.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, read: impl Fn(&Path) -> Result<Vec<u8>, FileError>) -> Result<Spec, SpecError> {
    let bytes = read(path)?;
    let SpecFile {
        name,
        question,
        items,
        answers_per_item,
        closes_at,
        sensitive,
        public,
        release,
        quorum,
        label_rule,
        weights,
        gold,
        issuers,
        payout,
    } = parse(path, &bytes)?;
    let beside = |file: &Path| path.with_file_name("").join(file);
    let items = match items {
        Items::Inline(items) => items,
        Items::File(file) => {
            let path = beside(&file);
            items::read(&path.display().to_string(), &read(&path)?)?
        }
    };
    let weights = match weights {
        None => BTreeMap::new(),
        Some(file) => {
            let path = beside(&file);
            weights::parse(&path, &read(&path)?)?
        }
    };
    let issuers = match issuers {
        None => None,
        Some(IssuersField::File(file)) => {
            let path = beside(&file);
            Some(pool::parse(&path, &read(&path)?)?)
        }
        Some(IssuersField::Inline(issuers)) => Some(pool::sorted(issuers)),
    };
    let closes_at = closes_at.map(|moment| rfc3339(path, moment)).transpose()?;
    let job = JobSpec {
        answers_per_item,
        closes_at,
        sensitive,
        public,
        release,
        quorum,
        label_rule,
        weights,
        issuers,
        payout,
        ..JobSpec::new(name, question, items)
    };
    let gold = gold.map(|file| beside(&file));
    Ok(Spec { job, gold })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<SpecFile, SpecError> {
    let syntax = |line, reason: String| SpecError::Syntax {
        path: path.to_owned(),
        line,
        reason: reason.replace('\n', " "),
    };
    let line_of = |at: usize| 1 + bytes[..at.min(bytes.len())].iter().filter(|b| **b == b'\n').count();
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        return serde_json::from_slice(bytes).map_err(|e| syntax(e.line(), e.to_string()));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| syntax(line_of(e.valid_up_to()), "not UTF-8: save the file as UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|e| syntax(e.span().map_or(1, |span| line_of(span.start)), e.message().to_owned()))
}

/// The time as terms have it: in UTC and in whole seconds, as nodes compare it with whole seconds only.
fn rfc3339(path: &Path, Moment(text): Moment) -> Result<String, SpecError> {
    let moment = text.parse::<jiff::Timestamp>();
    match moment.and_then(|moment| moment.round(jiff::Unit::Second)) {
        Ok(moment) => Ok(moment.to_string()),
        Err(_) => Err(SpecError::ClosesAt {
            path: path.to_owned(),
            text,
        }),
    }
}

impl<'de> Deserialize<'de> for IssuersField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = IssuersField;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a pool's file, or its fields `pool`, `keys` and `need`")
            }

            fn visit_str<E>(self, file: &str) -> Result<IssuersField, E> {
                Ok(IssuersField::File(file.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<IssuersField, A::Error> {
                Issuers::deserialize(MapAccessDeserializer::new(map)).map(IssuersField::Inline)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date and time with an offset, like 2026-12-01T00:00:00Z")
            }

            fn visit_str<E>(self, text: &str) -> Result<Moment, E> {
                Ok(Moment(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Moment, A::Error> {
                let moment = toml::value::Datetime::deserialize(MapAccessDeserializer::new(fields)).map_err(A::Error::custom)?;
                Ok(Moment(moment.to_string()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use tacit_protocol::job::Item;

    use super::*;

    const TOML: &str = r#"
name = "street signs, week 14"
question = { kind = "categorical", classes = ["stop", "yield", "other"], text = "Which sign is this?" }
items = "items.csv"
answers_per_item = 5
closes_at = 2026-12-01T01:00:00+01:00
release = ["agreement", "payouts"]
[payout]
currency = "EUR"
base_per_item = 20000
budget = 500000000
"#;

    fn spec(name: &str, text: &str, items: &str) -> Result<JobSpec, SpecError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::write(folder.path().join("items.csv"), items).unwrap();
        load(&folder.path().join(name)).map(|spec| spec.job)
    }

    fn message(name: &str, text: &str, items: &str) -> String {
        let message = spec(name, text, items).unwrap_err().to_string();
        message.rsplit_once('/').map_or(message.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn toml_and_json_mean_the_same() {
        let from_toml = spec("s.toml", TOML, "url,id\nhttps://a,1\n,2\n").unwrap();
        assert_eq!(from_toml.closes_at.as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(
            from_toml.items[0],
            Item {
                text: Some("https://a".into()),
                ..Item::new("1")
            }
        );
        assert_eq!(from_toml.items[1], Item::new("2"));
        assert!(from_toml.sensitive);
        let json = serde_json::json!({
            "name": "street signs, week 14",
            "question": { "kind": "categorical", "classes": ["stop", "yield", "other"], "text": "Which sign is this?" },
            "items": [{ "id": "1", "text": "https://a" }, "2"],
            "answers_per_item": 5,
            "closes_at": "2026-12-01T00:00:00Z",
            "release": ["agreement", "payouts"],
            "payout": { "currency": "EUR", "base_per_item": 20000, "budget": 500000000 },
        });
        assert_eq!(spec("s.json", &json.to_string(), "").unwrap(), from_toml);
    }

    #[test]
    fn a_closing_time_with_fractions_of_a_second_is_one_of_whole_seconds() {
        for (given, due) in [
            ("2026-12-01T01:00:00.4+01:00", "2026-12-01T00:00:00Z"),
            ("2026-11-30T23:59:59.999999999Z", "2026-12-01T00:00:00Z"),
        ] {
            let spec = spec("s.toml", &TOML.replace("2026-12-01T01:00:00+01:00", given), "id\n1\n").unwrap();
            assert_eq!(spec.closes_at.as_deref(), Some(due));
        }
    }

    #[test]
    fn errors_name_file_line_and_field() {
        assert_eq!(
            message("s.toml", &TOML.replace("release", "relaese"), "id\n1\n")
                .split(", expected")
                .next(),
            Some("s.toml, line 7: unknown field `relaese`")
        );
        assert_eq!(
            message("s.toml", &TOML.replace("answers_per_item = 5", ""), "id\n1\n"),
            "s.toml, line 1: missing field `answers_per_item`"
        );
        assert_eq!(
            message("s.toml", &TOML.replace("01T01:00:00+01:00", "01T01:00:00"), "id\n1\n"),
            "s.toml: field `closes_at`: `2026-12-01T01:00:00` is not a date and time with an offset, like 2026-12-01T00:00:00Z"
        );
        assert_eq!(
            message("s.toml", TOML, "name\n1\n"),
            "items.csv, line 1: no column `id`; the header has `name`"
        );
        assert_eq!(
            message("s.toml", &TOML.replace("items.csv", "nothing.csv"), ""),
            "nothing.csv: there is no such file"
        );
        assert!(message("s.toml", &TOML.replace("\"items.csv\"", "7"), "").contains("expected the name of a CSV file, or a list of items"));
        assert!(message("s.json", "{", "").starts_with("s.json, line 1: "));
    }
}
