//! The parts of `result.json` whose JSON is not that of their fields: labels as a list of items, class totals as a map in the
//! job's order, agreement statistics with their reasons beside them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tacit_protocol::job::ItemIds;

use super::{AgreementReport, ClassTotals, LabelsReport};
use crate::statistic::nominal::{AgreementMeasures, Measure, Unavailable};

impl Serialize for LabelsReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for LabelsReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LabelList)
    }
}

struct LabelList;

impl<'de> Visitor<'de> for LabelList {
    type Value = LabelsReport;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items with their labels")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<LabelsReport, A::Error> {
        #[derive(Deserialize)]
        struct One<'a> {
            #[serde(borrow)]
            item: Cow<'a, str>,
            #[serde(borrow)]
            label: Option<Cow<'a, str>>,
        }
        let (mut items, mut labels) = (Vec::new(), Vec::new());
        let mut classes: HashMap<String, u32> = HashMap::new();
        while let Some(One { item, label }) = list.next_element()? {
            let count = classes.len() as u32;
            labels.push(label.map(|class| *classes.entry(class.into_owned()).or_insert(count)));
            items.push(item);
        }
        let mut names: Vec<(String, u32)> = classes.into_iter().collect();
        names.sort_unstable_by_key(|(_, index)| *index);
        let classes = names.into_iter().map(|(class, _)| class).collect();
        Ok(LabelsReport::new(items.iter().collect::<ItemIds>(), classes, labels))
    }
}

impl Serialize for ClassTotals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (class, total) in &self.0 {
            map.serialize_entry(class, total)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ClassTotals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TotalMap)
    }
}

struct TotalMap;

impl<'de> Visitor<'de> for TotalMap {
    type Value = ClassTotals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from classes to numbers of answers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClassTotals, A::Error> {
        let mut totals = Vec::new();
        while let Some(entry) = map.next_entry()? {
            totals.push(entry);
        }
        Ok(ClassTotals(totals))
    }
}

impl Serialize for AgreementReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, measure) in AgreementMeasures::NAMES.iter().zip(self.0.to_array()) {
            map.serialize_entry(name.key, &measure.ok())?;
            if let Err(reason) = measure {
                map.serialize_entry(&format!("{}_reason", name.key), &reason)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for AgreementReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Field {
            Value(f64),
            Reason(Unavailable),
            Null,
        }
        let fields: BTreeMap<String, Field> = Deserialize::deserialize(deserializer)?;
        let mut measures: [Measure; 5] = [Err(Unavailable::NoPairs); 5];
        for (name, measure) in AgreementMeasures::NAMES.iter().zip(&mut measures) {
            let reason = fields.get(&format!("{}_reason", name.key));
            *measure = match (fields.get(name.key), reason) {
                (Some(Field::Value(value)), None) => Ok(*value),
                (Some(Field::Null), Some(Field::Reason(reason))) => Err(*reason),
                _ => {
                    return Err(D::Error::custom(format!(
                        "`{}` is neither a number nor null with a reason",
                        name.key
                    )));
                }
            };
        }
        Ok(Self(AgreementMeasures::from_array(measures)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    /// A result with one of everything that can be absent.
    const RESULT: &str = r#"{
  "job": { "id": "j", "items": 2, "contributors": 1, "answers": 2, "rejected_answers": 0, "classes": ["b", "a"] },
  "agreement": {
    "observed": 0.5, "observed_pooled": 0.25, "fleiss_kappa": null, "fleiss_kappa_reason": "all answers name the same class",
    "krippendorff_alpha": -0.125, "gwet_ac1": null, "gwet_ac1_reason": "the question has one class only"
  },
  "class_totals": { "b": 0, "a": 2 },
  "labels": [{ "item": "x\"", "label": "a" }, { "item": "y", "label": null }, { "item": "z", "label": "b" }],
  "contributors": [{
    "contributor": "c", "answers": 2, "agreement": null, "agreement_reason": "nobody else answered its items",
    "agreement_with_label": 0.5, "beyond_chance": null, "beyond_chance_reason": "needs two answers on items that others answered"
  }],
  "payouts": null, "payouts_reason": "the job does not release it", "certificate": "certificate.json"
}"#;

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let report: Report = serde_json::from_str(RESULT).unwrap();
        let labels: Vec<_> = report.labels.iter().map(|one| (one.item, one.label)).collect();
        assert_eq!(labels, [("x\"", Some("a")), ("y", None), ("z", Some("b"))]);
        assert_eq!(report.class_totals.as_ref().unwrap().0, [("b".to_owned(), 0), ("a".to_owned(), 2)]);
        let measures = report.agreement.as_ref().unwrap().0.to_array();
        let expected = [
            Ok(0.5),
            Ok(0.25),
            Err(Unavailable::OneClassUsed),
            Ok(-0.125),
            Err(Unavailable::OneClassAsked),
        ];
        assert_eq!(measures, expected);
        let text = report.to_json();
        assert_eq!(serde_json::from_slice::<Report>(&text).unwrap(), report);
        let (same, written): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(RESULT).unwrap(), serde_json::from_slice(&text).unwrap());
        assert_eq!(same, written);
    }

    #[test]
    fn a_null_needs_a_known_reason() {
        for (known, other) in [
            ("all answers name the same class", "it was Tuesday"),
            (", \"fleiss_kappa_reason\": \"all answers name the same class\"", ""),
            ("\"observed\": 0.5, ", ""),
            ("nobody else answered its items", "nobody knows"),
        ] {
            assert!(RESULT.contains(known));
            let text = RESULT.replace(known, other);
            assert!(serde_json::from_str::<Report>(&text).is_err(), "{known} -> {other}");
        }
    }
}
