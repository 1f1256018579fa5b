//! What is computed of a crowd's answers: on shares by the nodes, and the public formulas that turn
//! the opened integers into the field's statistics.

mod agreement;
mod contributor;
mod labels;
mod measures;
#[cfg(test)]
mod plain;
mod program;
mod tally;
#[cfg(test)]
mod tests;
mod validate;
mod weights;

pub use labels::{SharedLabels, plurality};
pub use measures::{AgreementMeasures, Measure, Unavailable};
pub(crate) use program::outputs_of;
pub use program::score;
pub use validate::malformed;
pub use weights::{Scale, Scales};
