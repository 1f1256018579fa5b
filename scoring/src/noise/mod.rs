//! Noise on the numbers about all answers that a sensitive job opens. It is drawn once for a job: its keys are kept with the record of
//! the accepted set, so a repeated computation opens the same numbers and nothing can be averaged.
//!
//! `docs/security/noise.md` has the argument.

mod add;
mod read;
mod record;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use add::Noise;
pub(crate) use read::{cut, cut_to_sum};
pub use record::Recorder;
pub use report::NoiseReport;
