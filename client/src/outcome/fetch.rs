//! Asking the coordinator which answers of a submission count.

use tacit_protocol::api::Receipt;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::submission::Header;
use thiserror::Error;

use super::{Outcome, OutcomeError, read};
use crate::coordinator_receipt::check_receipt;
use crate::http::{Api, ApiError};

/// A submission that was sent, and its receipt.
#[derive(Debug)]
pub struct Sent {
    /// The header of the submission, as the coordinator lists it.
    pub header: Header,
    /// The stored receipt.
    pub receipt: Receipt,
}

/// Why the outcome of a submission is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// The request to the coordinator failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What the coordinator reports is refused.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
}

/// The outcome of a submission's answers; `None` until the job is published.
///
/// # Errors
/// The request failed, or what the coordinator says is refused.
pub async fn fetch(api: &Api, cluster: &Cluster, sent: &Sent) -> Result<Option<Outcome>, FetchError> {
    let statement = &sent.header.statement;
    // Nothing is asked about a submission whose receipt is not valid.
    check_receipt(cluster, &sent.header, &sent.receipt).map_err(OutcomeError::from)?;
    let status = api.submission(&statement.job, &statement.id).await?;
    Ok(read(cluster, &sent.header, &sent.receipt, status)?)
}
