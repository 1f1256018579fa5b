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

/// How often answers are sealed again in one run because the keys that they are sealed to are destroyed.
pub const RESEALS: u32 = 3;

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

/// What became of a submission that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It had a receipt, which holds.
    Before,
    /// It was sent now, and its receipt is stored.
    Now,
    /// The coordinator does not take it: it says that a node has destroyed the key that the submission is sealed to. The nodes have newer keys, which the
    /// cluster has now, and the answers can be sealed again. The coordinator may have the submission all the same: whoever takes the answers back
    /// has to withdraw this one, too.
    SealedTooLate,
}

/// Sends submission `index` of a folder, and stores its receipt, unless there is one; then it is checked again. `share` returns the submission for
/// a cluster with its sealing keys.
///
/// # Errors
/// The submission was not made or not sent. That it is sealed too late is an error if no node has signed a newer key.
pub async fn send_pending<E>(
    api: &Api,
    cluster: &mut Cluster,
    state: &State,
    index: usize,
    share: impl FnOnce(&Cluster) -> Result<Submission, E>,
) -> Result<Sent, E>
where
    E: From<SendError> + From<SealingKeysError> + From<StateError>,
{
    let (header, bytes) = encode(share(cluster)?);
    if let Some(receipt) = state.receipt(index)? {
        check_receipt(cluster, &header, &receipt).map_err(SendError::from)?;
        return Ok(Sent::Before);
    }
    match send(api, cluster, &header, bytes).await {
        Err(SendError::Api(error)) if error.kind() == Some(ProblemKind::SealingKeyExpired) => {
            *cluster = sealing_keys::fetch(api, cluster.clone()).await?;
            if has_newer_keys(cluster, &header) {
                Ok(Sent::SealedTooLate)
            } else {
                Err(SendError::Api(error).into())
            }
        }
        sent => {
            state.store_receipt(index, &sent?)?;
            Ok(Sent::Now)
        }
    }
}

/// Whether a node has signed a newer key than the one that the submission is sealed to. The coordinator alone cannot make anybody seal again.
fn has_newer_keys(cluster: &Cluster, header: &Header) -> bool {
    let keys = cluster.sealing_keys().iter().map(|key| key.number);
    keys.zip(&header.statement.epochs).any(|(newest, used)| newest > *used)
}

/// The public part and the bytes of a submission.
pub fn encode(submission: Submission) -> (Header, Vec<u8>) {
    let bytes = tacit_protocol::codec::encode(&submission);
    (submission.header.value, bytes)
}
