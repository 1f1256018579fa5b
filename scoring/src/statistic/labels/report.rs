//! Labels in `result.json`: a list of items, each with its label or null.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tacit_protocol::job::ItemIds;

use crate::absence::Absence;

/// The labels of all items. Two are equal if they give the same items the same labels.
#[derive(Debug, Clone, Default)]
pub struct LabelsReport {
    items: ItemIds,
    classes: Vec<String>,
    labels: Vec<Option<u32>>,
    /// The items that have too few answers for a label, by index, ascending.
    too_few: Vec<u32>,
}

/// The label of one item.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LabelReport<'a> {
    /// The item's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub item: &'a str,
    /// The class, or null where there is no consensus.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub label: Option<&'a str>,
    /// Why there is no label, where it is not for lack of a consensus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Absence>,
}

impl LabelsReport {
    /// The labels of these items, each the index of one of the classes; the shorter list ends both.
    pub fn new(items: ItemIds, classes: Vec<String>, labels: Vec<Option<u32>>) -> Self {
        Self {
            items,
            classes,
            labels,
            too_few: Vec::new(),
        }
    }

    /// The same, given the items, by index and ascending, that have too few answers for a label.
    pub fn with_too_few_answers(mut self, items: &[u32]) -> Self {
        self.too_few = items.to_vec();
        self
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len().min(self.labels.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = LabelReport<'_>> {
        self.items
            .iter()
            .zip(&self.labels)
            .enumerate()
            .map(|(index, (item, label))| LabelReport {
                item,
                label: label.and_then(|class| self.classes.get(class as usize)).map(String::as_str),
                reason: self
                    .too_few
                    .binary_search(&(index as u32))
                    .is_ok()
                    .then_some(Absence::TooFewAnswers),
            })
    }
}

impl PartialEq for LabelsReport {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LabelsReport {}

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
            reason: Option<Absence>,
        }
        let (mut items, mut labels, mut too_few) = (Vec::new(), Vec::new(), Vec::new());
        let mut classes: HashMap<String, u32> = HashMap::new();
        while let Some(One { item, label, reason }) = list.next_element()? {
            if reason.is_some() {
                too_few.push(labels.len() as u32);
            }
            let count = classes.len() as u32;
            labels.push(label.map(|class| *classes.entry(class.into_owned()).or_insert(count)));
            items.push(item);
        }
        let mut names: Vec<(String, u32)> = classes.into_iter().collect();
        names.sort_unstable_by_key(|(_, index)| *index);
        let classes = names.into_iter().map(|(class, _)| class).collect();
        Ok(LabelsReport::new(items.iter().collect::<ItemIds>(), classes, labels).with_too_few_answers(&too_few))
    }
}
