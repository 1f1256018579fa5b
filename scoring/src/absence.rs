//! Why a value of a result is null.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a value of a result is null. The texts are part of `result.json`.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absence {
    /// The job's spec does not list it under `release`.
    #[serde(rename = "the job does not release it")]
    NotReleased,
    /// A sensitive job in which too few contributors gave answers that count, or too few answers count.
    #[serde(rename = "fewer than 10 contributors or fewer than 100 answers count, too few for a sensitive job")]
    TooLittle,
    /// An item of a sensitive job with fewer answers than a label needs.
    #[serde(rename = "too few answers")]
    TooFewAnswers,
    /// The contributor answered only items that nobody else answered.
    #[serde(rename = "nobody else answered its items")]
    NoPeers,
    /// The job decides no labels.
    #[serde(rename = "the job has no labels")]
    NoLabels,
    /// The contributor has fewer than two answers on items that others answered too.
    #[serde(rename = "needs two answers on items that others answered")]
    TooFewPairedAnswers,
    /// The contributor answered none of the items with gold answers.
    #[serde(rename = "it answered no item with gold")]
    NoGoldItems,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
