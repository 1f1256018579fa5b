//! Why a certificate is refused.

use thiserror::Error;

use crate::identity::IdentityError;
use crate::job::JobError;
use crate::release::OutputName;

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The text is not the canonical text of a certificate.
    #[error("not a certificate: {0}")]
    Syntax(String),
    /// A part is not the one that the subject, which the nodes signed, names.
    #[error("{what} is not the one the nodes signed for")]
    Binding {
        /// The part, for example "the job".
        what: &'static str,
    },
    /// The buyer has not signed these terms for this cluster.
    #[error("the buyer has not signed the terms for this cluster: {0}")]
    Buyer(IdentityError),
    /// The set of participants or of signatures is not one that can certify.
    #[error("{0}")]
    Participants(String),
    /// An output or one of its components is missing, extra, or of the wrong length.
    #[error("the output `{0}` does not have the components and lengths the job asks for")]
    Shape(OutputName),
    /// An output holds a number that no answers give.
    #[error("the output `{0}` holds a number that no answers give")]
    Value(OutputName),
    /// The outputs are not those the job opens.
    #[error("the outputs are not those the job opens")]
    Outputs,
    /// Two nodes released different copies of one component, or of an opened output.
    #[error(
        "nodes `{first}` and `{second}` released different copies of a component of the output `{output}`: at least one of them deviates"
    )]
    Copies {
        /// The name of the node that released the first copy.
        first: String,
        /// The name of the node whose copy differs.
        second: String,
        /// The output that the component is of.
        output: OutputName,
    },
    /// Two nodes signed different trees of contributors' records.
    #[error("nodes `{first}` and `{second}` signed different roots of the contributors' records: at least one of them deviates")]
    Records {
        /// The name of the first node.
        first: String,
        /// The name of the node whose root differs.
        second: String,
    },
    /// No job can have these terms.
    #[error("no job has such terms: {0}")]
    Terms(JobError),
    /// No accepted set of the job can have these facts.
    #[error("no answers to the job have such facts: {0}")]
    PublicFacts(&'static str),
    /// The signature of the node of this name does not verify.
    #[error("the signature of node `{0}` does not verify")]
    Signature(String),
    /// The payouts add up to more than the budget.
    #[error("the payouts add up to {total} micro-units, above the budget of {budget}")]
    Budget {
        /// The sum of all payouts, in micro-units.
        total: u128,
        /// The budget of the job, in micro-units.
        budget: u64,
    },
}
