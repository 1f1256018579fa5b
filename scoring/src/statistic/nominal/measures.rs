//! The agreement statistics, what they have in common with and without noise, and their place in `result.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tacit_protocol::accepted::PublicFacts;

/// Why a statistic has no value. The texts are part of `result.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    /// No item has two or more answers, so nothing can agree.
    #[serde(rename = "no item has two or more answers")]
    NoPairs,
    /// All answers name one class: agreement by chance is certain, and κ and α divide by zero.
    #[serde(rename = "all answers name the same class")]
    OneClassUsed,
    /// Behind the noise fewer than two classes seem to have answers.
    #[serde(rename = "too few answers: with the noise fewer than two classes have any")]
    Noise,
    /// The question has one class only.
    #[serde(rename = "the question has one class only")]
    OneClassAsked,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A statistic or the reason it has no value.
pub type Measure = Result<f64, Unavailable>;

/// The agreement statistics of a categorical job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgreementMeasures {
    /// Mean over items of the share of matching answer pairs.
    pub observed: Measure,
    /// Matching pairs over all pairs.
    pub observed_pooled: Measure,
    /// `(Pa-Pe)/(1-Pe)`, `Pa` observed, `Pe = Σ p_k²`, `p_k` the mean over items of the share of class
    /// k (Gwet's generalisation of Fleiss 1971).
    pub fleiss_kappa: Measure,
    /// Nominal α (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").
    pub krippendorff_alpha: Measure,
    /// As κ with `Pe = Σ p_k(1-p_k)/(K-1)` (Gwet 2008).
    pub gwet_ac1: Measure,
}

/// What an agreement statistic is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasureName {
    /// Its key in `result.json`.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
}

const fn name(key: &'static str, title: &'static str) -> MeasureName {
    MeasureName { key, title }
}

impl AgreementMeasures {
    /// The names of the statistics, in the order of `result.json`.
    pub const NAMES: [MeasureName; 5] = [
        name("observed", "observed agreement"),
        name("observed_pooled", "observed, pooled"),
        name("fleiss_kappa", "Fleiss' kappa"),
        name("krippendorff_alpha", "Krippendorff's alpha"),
        name("gwet_ac1", "Gwet's AC1"),
    ];

    /// The statistics in the order of [`Self::NAMES`].
    pub fn to_array(self) -> [Measure; 5] {
        let Self {
            observed,
            observed_pooled,
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        } = self;
        [observed, observed_pooled, fleiss_kappa, krippendorff_alpha, gwet_ac1]
    }

    /// The statistics from an array in the order of [`Self::NAMES`].
    pub fn from_array([observed, observed_pooled, fleiss_kappa, krippendorff_alpha, gwet_ac1]: [Measure; 5]) -> Self {
        Self {
            observed,
            observed_pooled,
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        }
    }
}

impl AgreementMeasures {
    /// The same reason for all statistics.
    pub(super) fn unavailable(reason: Unavailable) -> Self {
        Self::from_array([Err(reason); 5])
    }
}

/// The numbers of items with at least two answers.
pub(super) struct Paired {
    /// How many there are.
    pub items: u128,
    /// The answers to them.
    pub answers: u128,
    /// The ordered pairs of answers to the same item.
    pub pairs: u128,
}

impl Paired {
    pub(super) fn of(facts: &PublicFacts) -> Self {
        let paired = || {
            let paired = facts.redundancy.iter().filter(|(r, _)| **r >= 2);
            paired.map(|(r, items)| (u128::from(*r), u128::from(*items)))
        };
        Self {
            items: paired().map(|(_, items)| items).sum(),
            answers: paired().map(|(r, items)| r * items).sum(),
            pairs: paired().map(|(r, items)| r * (r - 1) * items).sum(),
        }
    }
}

/// Agreement beyond what is expected by chance, as a share of what is possible.
pub(super) fn beyond_chance(observed: f64, expected: f64) -> f64 {
    (observed - expected) / (1.0 - expected)
}

/// The agreement statistics in `result.json`: null with a reason beside it where one has no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgreementReport(pub AgreementMeasures);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for AgreementReport {
    /// Each statistic is a number or null, with the reason beside it.
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let object = utoipa::openapi::schema::ObjectBuilder::new().description(Some(
            "The agreement statistics. One that is not available is null, with the reason in the field of the same name and `_reason`.",
        ));
        let fields = AgreementMeasures::NAMES.iter().fold(object, |object, name| {
            object
                .property(name.key, Option::<f64>::schema())
                .required(name.key)
                .property(format!("{}_reason", name.key), String::schema())
        });
        fields.into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for AgreementReport {}

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
