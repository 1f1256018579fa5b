//! What a contributor sends: its enrolment and its submissions, whose receipts are checked.

use tacit_protocol::api::{Enrolment, ProblemKind, Receipt, ReceiptStatement, enrolment_statement};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::{Purpose, SecretKey};
use tacit_protocol::submission::{Header, Submission};
use thiserror::Error;

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
    #[error("the receipt for submission {submission} is not valid: {reason}; do not rely on it, and tell the operators")]
    Receipt {
        /// The submission's id.
        submission: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Enrols a contributor's key under a name.
pub async fn enrol(api: &Api, cluster: &Cluster, contributor: &str, key: &SecretKey) -> Result<(), ApiError> {
    let signature = key.sign(Purpose::Enrolment, &enrolment_statement(&cluster.digest(), contributor));
    api.enrol(&Enrolment {
        contributor: contributor.to_owned(),
        key: key.public(),
        signature,
    })
    .await
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
        check_receipt(cluster, &share(cluster, false)?.header.value, &receipt)?;
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

/// Checks that a receipt is signed by the coordinator and is for this submission.
pub fn check_receipt(cluster: &Cluster, header: &Header, receipt: &Receipt) -> Result<(), SendError> {
    let statement = &header.statement;
    let wrong = |reason| SendError::Receipt {
        submission: statement.id.to_string(),
        reason,
    };
    let signed = receipt
        .verify(Purpose::Receipt, &cluster.file().coordinator.identity)
        .map_err(|_| wrong("it is not signed with the coordinator's key in the cluster file"))?;
    let due = ReceiptStatement {
        cluster: statement.cluster,
        job: statement.job.clone(),
        job_digest: statement.job_digest,
        submission: statement.id,
        digest: header.digest(),
        answers: statement.items.len() as u32,
        // The coordinator chooses the sequence number.
        sequence: signed.sequence,
    };
    if *signed == due {
        Ok(())
    } else {
        Err(wrong("it is for something else"))
    }
}
