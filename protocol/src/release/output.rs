//! The outputs a job can open, and the form in which a node releases them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61};

use super::layout::{AgreementLayout, independent};
use super::plan;
use crate::accepted::PublicFacts;
use crate::check::Check;
use crate::job::Terms;

/// The outputs a job can open.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputName {
    /// How often each class was answered; in a sensitive job of two classes the first alone, with noise.
    ClassTotals,
    /// The sums that agreement is read from: see [`AgreementLayout`].
    Agreement,
    /// `A` of the pay rules for each contributor: how far it agrees with its peers.
    ContributorAgreement,
    /// `Q` of the pay rules for each contributor: how far it agrees with its peers beyond chance.
    ContributorBeyondChance,
    /// For each contributor, the share of its answers to items with gold that are right, as a quotient in the field: the
    /// scoring crate's `GoldScore` reads it.
    ContributorGold,
    /// The label of each item, by item: 0 if there is no consensus, else the index of the class plus 1.
    Labels,
    /// For each contributor, how many of its answers are the labels of their items.
    ContributorLabelAgreement,
}

impl OutputName {
    /// How many elements the output has.
    pub fn len(self, terms: &Terms, facts: &PublicFacts) -> usize {
        match self {
            Self::ClassTotals if self.has_noise(terms) => independent(terms.question.width()),
            Self::ClassTotals => terms.question.width(),
            Self::Agreement => AgreementLayout::new(terms, facts).elements(),
            Self::ContributorAgreement | Self::ContributorBeyondChance | Self::ContributorGold | Self::ContributorLabelAgreement => {
                facts.contributors.len()
            }
            Self::Labels => terms.items as usize,
        }
    }

    /// Whether every element of the output carries noise: numbers about all answers, in a sensitive job.
    pub fn has_noise(self, terms: &Terms) -> bool {
        terms.sensitive && matches!(self, Self::ClassTotals | Self::Agreement) && Check::Noise.is_made()
    }

    /// Whether the nodes open the output among themselves before they release it, and release it as it is: labels, and the numbers
    /// about single contributors, of which the nodes certify the pay. A sensitive job has no such numbers.
    pub fn is_opened(self) -> bool {
        self == Self::Labels || self.is_about_contributors()
    }

    /// Whether the output has one element for each contributor, in the order of the public facts.
    pub fn is_about_contributors(self) -> bool {
        match self {
            Self::ContributorAgreement | Self::ContributorBeyondChance | Self::ContributorGold | Self::ContributorLabelAgreement => true,
            Self::ClassTotals | Self::Agreement | Self::Labels => false,
        }
    }

    /// The outputs a job opens, in order.
    pub fn of_job(terms: &Terms, facts: &PublicFacts) -> Vec<Self> {
        plan::outputs_of(terms, facts)
    }
}

/// The name as it stands in a certificate.
impl fmt::Display for OutputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One output in a release or in a certificate.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasedOutput {
    /// The name of the output.
    pub name: OutputName,
    /// The elements of the output, or components of them.
    pub values: OutputValues,
}

/// The elements of an output.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputValues {
    /// Shares: in a release the components that the node holds, in a certificate all components, which add up to the elements.
    #[serde(deserialize_with = "ascending")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, Vec<u64>>))]
    Components(BTreeMap<u8, Vec<Fp61>>),
    /// The elements themselves, which every honest participant has seen opened.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    Opened(Vec<Fp61>),
}

impl OutputValues {
    /// How many elements the output has; `None` if components differ in that, or there are none.
    pub fn elements(&self) -> Option<usize> {
        match self {
            Self::Opened(values) => Some(values.len()),
            Self::Components(components) => {
                let mut lengths = components.values().map(Vec::len);
                let first = lengths.next()?;
                lengths.all(|len| len == first).then_some(first)
            }
        }
    }

    /// The elements: the sum of all components, or what was opened.
    pub(crate) fn sum(&self) -> Vec<Fp61> {
        match self {
            Self::Opened(values) => values.clone(),
            Self::Components(components) => {
                let mut components = components.values();
                let mut total = components.next().cloned().unwrap_or_default();
                // All components have the same length: `elements` was checked.
                components.for_each(|values| Fp61::add_vector(&mut total, values));
                total
            }
        }
    }
}

impl ReleasedOutput {
    /// Whether the output is opened if it has to be, and otherwise has exactly these components, in ascending order; and whether
    /// it has as many elements as it must.
    pub(crate) fn has_form(&self, terms: &Terms, facts: &PublicFacts, components: impl Iterator<Item = usize>) -> bool {
        let complete = match &self.values {
            OutputValues::Opened(_) => self.name.is_opened(),
            OutputValues::Components(of) => !self.name.is_opened() && of.keys().map(|c| usize::from(*c)).eq(components),
        };
        complete && self.values.elements() == Some(self.name.len(terms, facts))
    }

    /// The part of a certificate's output that a node with these components released.
    pub fn part(&self, held: &[usize]) -> Self {
        let values = match &self.values {
            OutputValues::Opened(values) => OutputValues::Opened(values.clone()),
            OutputValues::Components(components) => {
                let holds = |component: &u8| held.contains(&usize::from(*component));
                let part = components.iter().filter(|(component, _)| holds(component));
                OutputValues::Components(part.map(|(component, values)| (*component, values.clone())).collect())
            }
        };
        Self { name: self.name, values }
    }
}

/// Digests of an output's elements: what a node signs of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct OutputDigests {
    name: OutputName,
    values: ValueDigests,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
enum ValueDigests {
    Components(Vec<(u8, Digest)>),
    Opened(Digest),
}

impl OutputDigests {
    /// The digests of all components, or of the opened elements.
    pub(crate) fn of(output: &ReleasedOutput) -> Self {
        let values = match &output.values {
            OutputValues::Opened(values) => ValueDigests::Opened(Digest::of_vector("tacit/v1 opened output", values)),
            OutputValues::Components(components) => {
                let digest = |(component, values): (&u8, &Vec<Fp61>)| (*component, Digest::of_vector("tacit/v1 output", values));
                ValueDigests::Components(components.iter().map(digest).collect())
            }
        };
        Self { name: output.name, values }
    }

    /// The digests that a node signs if it holds these components.
    pub(crate) fn part(&self, held: &[usize]) -> Self {
        let values = match &self.values {
            ValueDigests::Opened(digest) => ValueDigests::Opened(*digest),
            ValueDigests::Components(digests) => {
                let part = digests.iter().filter(|(component, _)| held.contains(&usize::from(*component)));
                ValueDigests::Components(part.copied().collect())
            }
        };
        Self { name: self.name, values }
    }
}

/// Reads components in ascending order, the one in which they are written. In any other order, or with a component twice, the
/// same value would have several encodings.
fn ascending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u8, Vec<Fp61>>, D::Error> {
    struct Ascending(PhantomData<Fp61>);
    impl<'de> Visitor<'de> for Ascending {
        type Value = BTreeMap<u8, Vec<Fp61>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("components in ascending order")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut components = BTreeMap::new();
            while let Some((component, values)) = map.next_entry::<u8, Vec<Fp61>>()? {
                if components.last_key_value().is_some_and(|(last, _)| *last >= component) {
                    return Err(A::Error::custom("components are out of order"));
                }
                components.insert(component, values);
            }
            Ok(components)
        }
    }
    deserializer.deserialize_map(Ascending(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    fn output(components: &[u8]) -> ReleasedOutput {
        let values = |component: &u8| (*component, vec![Fp61::reduce(u64::from(*component))]);
        ReleasedOutput {
            name: OutputName::ClassTotals,
            values: OutputValues::Components(components.iter().map(values).collect()),
        }
    }

    #[test]
    fn outputs_are_called_as_in_a_certificate() {
        let name = OutputName::ContributorBeyondChance;
        assert_eq!(serde_json::to_value(name).unwrap(), name.to_string());
    }

    #[test]
    fn components_have_one_encoding() {
        let bytes = encode(&output(&[1, 2]));
        assert_eq!(decode::<ReleasedOutput>(&bytes, "an output").unwrap(), output(&[1, 2]));
        // Name, kind and count, then component, length and one element each.
        let (head, entries) = bytes.split_at(4 + 4 + 8);
        let (one, two) = entries.split_at(1 + 8 + 8);
        assert!(decode::<ReleasedOutput>(&[head, two, one].concat(), "an output").is_err());
        assert!(decode::<ReleasedOutput>(&[head, one, one].concat(), "an output").is_err());
    }

    #[test]
    fn opened_values_are_never_taken_for_components() {
        let opened = ReleasedOutput {
            name: OutputName::Labels,
            values: OutputValues::Opened(vec![Fp61::reduce(1), Fp61::reduce(0)]),
        };
        assert_eq!(decode::<ReleasedOutput>(&encode(&opened), "an output").unwrap(), opened);
        assert_eq!(opened.part(&[0]), opened);
        let components = ReleasedOutput {
            name: OutputName::Labels,
            values: OutputValues::Components(BTreeMap::from([(0, vec![Fp61::reduce(1), Fp61::reduce(0)])])),
        };
        assert_ne!(encode(&OutputDigests::of(&opened)), encode(&OutputDigests::of(&components)));
    }

    #[test]
    fn components_of_several_lengths_have_none() {
        let values = OutputValues::Components(BTreeMap::from([(0, vec![Fp61::ZERO]), (1, Vec::new())]));
        assert_eq!(values.elements(), None);
        assert_eq!(OutputValues::Components(BTreeMap::new()).elements(), None);
    }
}
