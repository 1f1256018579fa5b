//! Why a job is refused.

use thiserror::Error;

use crate::identity::IdentityError;
use crate::question::QuestionError;

/// Why a job is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// The text is not a job.
    #[error("not a job: {0}")]
    Syntax(String),
    /// The value of a field cannot be used.
    #[error("field `{field}` {problem}")]
    Field {
        /// The field of the spec or of the terms.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The budget is below the most that can fall due.
    #[error(
        "field `payout.budget` is {budget}, but up to {needed} micro-units can fall due: raise it to that, or lower the pay or the answers"
    )]
    Budget {
        /// The budget of the job, in micro-units.
        budget: u64,
        /// The least budget that covers everything that can fall due.
        needed: u128,
    },
    /// The buyer's signature does not verify.
    #[error(
        "the buyer has not signed these terms for this cluster: {0}; sign the spec with the buyer's key and the cluster file that the operators use"
    )]
    Signature(IdentityError),
}

impl JobError {
    pub(super) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl From<QuestionError> for JobError {
    fn from(QuestionError { field, problem }: QuestionError) -> Self {
        Self::field(field, problem)
    }
}
