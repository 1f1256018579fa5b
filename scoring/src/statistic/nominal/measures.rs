//! The public formulas: from the opened sums to the statistics, and their place in `result.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::{PublicFacts, Scales};
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::release::{AGREEMENT_SUMS, OutputName};

/// Why a statistic has no value. The texts are part of `result.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    /// No item has two or more answers, so nothing can agree.
    #[serde(rename = "no item has two or more answers")]
    NoPairs,
    /// All answers name one class: agreement by chance is certain, and κ and α divide by zero.
    #[serde(rename = "all answers name the same class")]
    OneClassUsed,
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
    /// From the opened output: matching pairs plain, weighted for the item mean, weighted for α,
    /// `Σ n_k²`, then the summed share of each class.
    ///
    /// `None` if there are not [`AGREEMENT_SUMS`] values and one for each class.
    pub fn from_opened(opened: &[Fp61], facts: &PublicFacts, classes: usize) -> Option<Self> {
        let (&[pairs, observed, coincidence, squares], shares) = opened.split_first_chunk::<AGREEMENT_SUMS>()?;
        if shares.len() != classes {
            return None;
        }
        let scales = Scales::new(&facts.redundancy);
        let paired = || {
            facts
                .redundancy
                .iter()
                .filter(|(r, _)| **r >= 2)
                .map(|(r, items)| (u128::from(*r), u128::from(*items)))
        };
        let items: u128 = paired().map(|(_, items)| items).sum();
        let answers: u128 = paired().map(|(r, items)| r * items).sum();
        let all_pairs: u128 = paired().map(|(r, items)| r * (r - 1) * items).sum();
        if items == 0 {
            let none = Err(Unavailable::NoPairs);
            return Some(Self {
                observed: none,
                observed_pooled: none,
                fleiss_kappa: none,
                krippendorff_alpha: none,
                gwet_ac1: none,
            });
        }

        let integer = |element: Fp61| u128::from(element.to_u64());
        let scaled = |element: Fp61, scale: u64| integer(element) as f64 / scale as f64;
        let mean = scaled(observed, scales.observed.value) / items as f64;

        let total: u128 = shares.iter().copied().map(integer).sum();
        let proportions = || shares.iter().map(|share| integer(*share) as f64 / total as f64);
        let one_class = shares.iter().filter(|share| integer(**share) > 0).count() < 2;
        let beyond_chance = |expected: f64| (mean - expected) / (1.0 - expected);
        let fleiss_kappa = if one_class {
            Err(Unavailable::OneClassUsed)
        } else {
            Ok(beyond_chance(proportions().map(|p| p * p).sum()))
        };
        let gwet_ac1 = if classes < 2 {
            Err(Unavailable::OneClassAsked)
        } else {
            Ok(beyond_chance(
                proportions().map(|p| p * (1.0 - p)).sum::<f64>() / (classes - 1) as f64,
            ))
        };

        // α = 1 - (n-1)(n - Σ o_cc) / (n² - Σ n_k²); the differences are taken among integers.
        let expected = (answers * answers).saturating_sub(integer(squares));
        let krippendorff_alpha = if expected == 0 {
            Err(Unavailable::OneClassUsed)
        } else {
            let scale = u128::from(scales.coincidence.value);
            let mismatches = (answers * scale) as i128 - integer(coincidence) as i128;
            Ok(1.0 - (answers - 1) as f64 * (mismatches as f64 / scale as f64) / expected as f64)
        };
        Some(Self {
            observed: Ok(mean),
            observed_pooled: Ok(integer(pairs) as f64 / all_pairs as f64),
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        })
    }
}

/// The agreement statistics in `result.json`: null with a reason beside it where one has no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgreementReport(pub AgreementMeasures);

impl AgreementReport {
    /// From the opened output; `None` where the job does not open it.
    ///
    /// # Errors
    /// The output has another length than it must.
    pub(crate) fn read(opened: &OpenedOutputs, certificate: &Certificate) -> Result<Option<Self>, CertificateError> {
        let name = OutputName::Agreement;
        let Some(values) = opened.get(name) else { return Ok(None) };
        let measures = AgreementMeasures::from_opened(values, &certificate.facts, certificate.terms.classes().len());
        measures.map(|measures| Some(Self(measures))).ok_or(CertificateError::Shape(name))
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
