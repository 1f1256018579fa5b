//! What is computed of a crowd's answers: on shares by the nodes, and the public formulas that turn
//! the opened integers into the field's statistics.

mod agreement;
mod answers;
mod gold;
mod labels;
mod matches;
mod measures;
#[cfg(test)]
mod plain;
mod plurality;
mod program;
mod rows;
mod tally;
#[cfg(test)]
mod tests;
mod validate;

pub use answers::Answers;
pub use gold::GoldScore;
pub(crate) use labels::from_values as labels_from_values;
pub use measures::{AgreementMeasures, Measure, Unavailable};
pub use plurality::{SharedLabels, plurality};
pub use program::{Input, score};
pub use tally::{Tally, tally};
pub use validate::{gold_is_well_formed, malformed};
