//! What a contributor sends: its enrolment and its submissions, whose receipts are checked.

use tacit_protocol::api::{Enrolment, ProblemKind, Receipt};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::submission::{Header, Submission};
use thiserror::Error;

use crate::coordinator_receipt::{InvalidReceipt, check_receipt};
use crate::http::{Api, ApiError};
use crate::sealing_keys::{self, SealingKeysError};
use crate::state::{State, StateError};

/// How often a submission is sealed again because it was sealed to a key whose time is over.
const RESEALS: u32 = 3;

/// Why it is not certain that a submission has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The request to the coordinator failed or was refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The receipt is not signed by the coordinator, or is for something else.
    #[error(transparent)]
    Receipt(#[from] InvalidReceipt),
}

/// Enrols a contributor's key under a name.
pub async fn enrol(api: &Api, cluster: &Cluster, contributor: &str, key: &SecretKey) -> Result<(), ApiError> {
    api.enrol(&Enrolment::new(&cluster.digest(), contributor, key)).await
}

/// Sends a submission. Returns its receipt, which is checked.
pub async fn send(api: &Api, cluster: &Cluster, header: &Header, bytes: Vec<u8>) -> Result<Receipt, SendError> {
    let receipt = api.submit(&header.statement.job, &header.statement.id, bytes).await?;
    check_receipt(cluster, header, &receipt)?;
    Ok(receipt)
}

/// Sends submission `index` of a folder, and stores its receipt, unless there is one; then it is checked again. Returns whether it was sent.
///
/// `share` returns the submission for a cluster with its sealing keys. If it is sealed to a key whose time is over, nothing of it was
/// stored: the newest keys are fetched, and `share` is called with true to make another one.
pub async fn send_pending<E>(
    api: &Api,
    cluster: &mut Cluster,
    state: &State,
    index: usize,
    mut share: impl FnMut(&Cluster, bool) -> Result<Submission, E>,
) -> Result<bool, E>
where
    E: From<SendError> + From<SealingKeysError> + From<StateError>,
{
    if let Some(receipt) = state.receipt(index)? {
        check_receipt(cluster, &share(cluster, false)?.header.value, &receipt).map_err(SendError::from)?;
        return Ok(false);
    }
    let mut reseals = 0;
    let receipt = loop {
        let (header, bytes) = encode(share(cluster, reseals > 0)?);
        match send(api, cluster, &header, bytes).await {
            Err(SendError::Api(error)) if reseals < RESEALS && error.kind() == Some(ProblemKind::SealingKeyExpired) => {
                *cluster = sealing_keys::fetch(api, cluster.clone()).await?;
                reseals += 1;
            }
            sent => break sent?,
        }
    };
    state.store_receipt(index, &receipt)?;
    Ok(true)
}

/// The public part and the bytes of a submission.
pub fn encode(submission: Submission) -> (Header, Vec<u8>) {
    let bytes = tacit_protocol::codec::encode(&submission);
    (submission.header.value, bytes)
}
