//! What a Tacit cluster computes of shared answers, and what follows from what it opens.
//!
//! [`run()`] is a job's whole computation at one node, on shares: [`program`] folds over the [`statistic`]s that the job opens.
//! [`report`] is public: from a certificate to `result.json` and `payouts.csv`. [`plain`] computes the same results from plain answers,
//! for tests and benchmarks.

mod absence;
mod asked;
mod batch;
#[cfg(any(test, feature = "testing"))]
pub mod certificate_vectors;
pub mod error;
pub mod input;
pub mod noise;
pub mod payout;
pub mod plain;
pub mod program;
mod progress;
pub mod records;
pub mod report;
pub mod rows;
pub mod run;
pub mod statistic;
pub mod submissions;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod validity;

pub use asked::Asked;
pub use error::{Dispute, GoldError, ScoringError};
pub use run::{Scored, run};
pub use submissions::Submissions;
