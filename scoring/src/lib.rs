//! What a Tacit cluster computes of shared answers, and what follows from what it opens.
//!
//! [`run`] is a job's whole computation at one node, on shares. [`report`] is public: from a certificate to `result.json` and
//! `payouts.csv`.

pub mod payout;
pub mod report;
pub mod run;
pub mod statistics;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod verdicts;

pub use run::{GoldError, Scored, ScoringError, Submissions, run};
