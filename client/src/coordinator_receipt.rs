//! The receipt that the coordinator signs for a submission when it takes it.

use tacit_protocol::api::{Receipt, ReceiptStatement};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::Purpose;
use tacit_protocol::submission::Header;
use thiserror::Error;

/// A receipt is not signed by the coordinator, or is for something else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the receipt for submission {submission} is not valid: {reason}; do not rely on it, and tell the operators")]
pub struct InvalidReceipt {
    /// The submission's id.
    pub submission: String,
    /// What is wrong with the receipt.
    pub reason: &'static str,
}

/// Checks that a receipt is signed by the coordinator and is for this submission.
///
/// # Errors
/// What is wrong with it.
pub fn check_receipt(cluster: &Cluster, header: &Header, receipt: &Receipt) -> Result<(), InvalidReceipt> {
    let statement = &header.statement;
    let wrong = |reason| InvalidReceipt {
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
