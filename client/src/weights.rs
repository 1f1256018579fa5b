//! The weights of contributors' votes: from a CSV file `key,weight`, or from the `result.json` of an earlier job, whose
//! contributors then weigh as much as they agreed with others.

use std::collections::BTreeMap;
use std::path::Path;

use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::WEIGHT_ONE;
use tacit_scoring::report::{ContributorReport, Report};
use thiserror::Error;

use crate::table::{FileLine, Table, TableError};

/// Why weights cannot be used. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WeightsError {
    /// The file is not a table with these columns.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A weight is not a number with at most two decimals.
    #[error("{at}: field `weight`: `{text}` is not a number like 1 or 0.85, with at most two decimals")]
    Weight {
        /// Where the row begins.
        at: FileLine,
        /// The text of the field.
        text: String,
    },
    /// A text is not a contributor's key.
    #[error("{at}: field `key`: `{text}` is not a contributor's key: 64 hexadecimal digits, as payouts.csv and result.json have them")]
    Key {
        /// Where the row begins.
        at: FileLine,
        /// The text of the field.
        text: String,
    },
    /// A contributor has two weights.
    #[error("{at}: field `key`: {key} has a weight already")]
    Twice {
        /// Where the row begins.
        at: FileLine,
        /// The contributor's key.
        key: PublicKey,
    },
    /// A JSON file without scores.
    #[error("{0}: not the result.json of a job that released scores: give one, or a CSV file key,weight")]
    NoScores(String),
}

/// Reads weights, in hundredths, of the bytes of a file.
///
/// # Errors
/// What is wrong, and in which line.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<BTreeMap<PublicKey, u32>, WeightsError> {
    let file = path.display().to_string();
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        of_result(bytes).ok_or(WeightsError::NoScores(file))
    } else {
        of_table(&file, bytes)
    }
}

fn of_table(file: &str, bytes: &[u8]) -> Result<BTreeMap<PublicKey, u32>, WeightsError> {
    let table = Table::new(file, bytes, "key,weight")?;
    let key_at = table.required("key", &[])?;
    let weight_at = table.required("weight", &[])?;
    let mut weights = BTreeMap::new();
    table.rows::<WeightsError>(|line, record| {
        let text = record.get(key_at).unwrap_or_default();
        let key: PublicKey = text.parse().map_err(|_| WeightsError::Key {
            at: FileLine::new(file, line),
            text: text.to_owned(),
        })?;
        let text = record.get(weight_at).unwrap_or_default();
        let weight = hundredths(text).ok_or_else(|| WeightsError::Weight {
            at: FileLine::new(file, line),
            text: text.to_owned(),
        })?;
        match weights.insert(key, weight) {
            None => Ok(()),
            Some(_) => Err(WeightsError::Twice {
                at: FileLine::new(file, line),
                key,
            }),
        }
    })?;
    Ok(weights)
}

/// The agreement of each contributor of a result. Contributors without agreement are left out, so that they weigh 1.
fn of_result(bytes: &[u8]) -> Option<BTreeMap<PublicKey, u32>> {
    let report: Report = serde_json::from_slice(bytes).ok()?;
    let weight = |one: ContributorReport| Some((one.key, (one.agreement? * f64::from(WEIGHT_ONE)).round() as u32));
    let weights: BTreeMap<PublicKey, u32> = report.contributors.into_iter().filter_map(weight).collect();
    (!weights.is_empty()).then_some(weights)
}

/// A decimal number with at most two decimals, in hundredths.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<2}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey::from_bytes([byte; 32])
    }

    fn read(text: &str) -> Result<BTreeMap<PublicKey, u32>, String> {
        of_table("w.csv", text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn weights_are_exact() {
        let weights = read(&format!(
            "weight,key\n0.85,{}\n1,{}\n0.5,{}\n12.07,{}\n",
            key(1),
            key(2),
            key(3),
            key(4)
        ))
        .unwrap();
        assert_eq!(weights.into_values().collect::<Vec<_>>(), [85, 100, 50, 1207]);
        for text in ["", "-1", "0.123", ".5", "1.", "1e3", "NaN", "99999999"] {
            assert_eq!(hundredths(text), None, "{text}");
        }
    }

    #[test]
    fn errors_name_file_line_and_field() {
        assert_eq!(
            read(&format!("key,weight\n{},1\n{},x\n", key(1), key(2))).unwrap_err(),
            "w.csv, line 3: field `weight`: `x` is not a number like 1 or 0.85, with at most two decimals"
        );
        assert_eq!(
            read(&format!("key,weight\n{0},1\n{0},1\n", key(1))).unwrap_err(),
            format!("w.csv, line 3: field `key`: {} has a weight already", key(1))
        );
    }

    #[test]
    fn an_earlier_result_gives_weights() {
        let result = |contributors: &str| {
            let text = r#"{
                "job": { "id": "j", "items": 1, "contributors": 2, "answers": 2, "rejected_answers": 0, "classes": ["a"] },
                "agreement": null, "class_totals": null, "labels": [], "contributors": [CONTRIBUTORS], "payouts": null,
                "certificate": "certificate.json"
            }"#;
            text.replace("CONTRIBUTORS", contributors)
        };
        let key_of_a = key(7);
        let scored = format!(
            r#"{{ "contributor": "a", "key": "{key_of_a}", "answers": 1, "agreement": 0.8349, "agreement_with_label": null, "beyond_chance": null }}"#
        );
        let without = format!(
            r#"{{ "contributor": "b", "key": "{}", "answers": 1, "agreement": null, "agreement_with_label": null, "beyond_chance": null }}"#,
            key(8)
        );
        let weights = of_result(result(&format!("{scored}, {without}")).as_bytes());
        assert_eq!(weights.unwrap(), BTreeMap::from([(key_of_a, 83)]));
        assert_eq!(of_result(result("").as_bytes()), None);
        assert_eq!(of_result(br#"{ "contributors": [] }"#), None);
        assert_eq!(of_result(b"{"), None);
    }
}
