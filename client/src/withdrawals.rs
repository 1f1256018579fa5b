//! Taking submissions back. Every node signs that it has erased a submission; the receipts are checked and kept.

use std::time::Duration;

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt, Withdrawal};
use tokio::time::{Instant, sleep};

use crate::http::{Api, ApiError};

const PAUSE: Duration = Duration::from_millis(500);

/// How far a submission is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The receipts that hold, one of a node at most.
    pub receipts: Vec<ErasureReceipt>,
    /// The names of the nodes without one.
    pub missing: Vec<String>,
}

/// Takes back the submission of this header, and asks again until every node has signed that it has erased it, or the patience is at an end.
/// `known` are receipts from before.
///
/// # Errors
/// The coordinator refuses the withdrawal, or cannot be reached.
pub async fn withdraw(
    api: &Api,
    cluster: &Cluster,
    key: &SecretKey,
    header: &Header,
    known: Vec<ErasureReceipt>,
    patience: Duration,
) -> Result<Erased, ApiError> {
    let end = Instant::now() + patience;
    let statement = &header.statement;
    let signature = Withdrawal::of(header).sign(key);
    let mut receipts = known;
    loop {
        let status = api.withdraw(&statement.job, &statement.id, signature).await?;
        receipts.extend(status.erasures);
        let erased = checked(cluster, header, receipts);
        if erased.missing.is_empty() || Instant::now() >= end {
            return Ok(erased);
        }
        receipts = erased.receipts;
        sleep(PAUSE).await;
    }
}

/// The receipts that nodes of the cluster have signed for this submission, in the order of the nodes.
pub fn checked(cluster: &Cluster, header: &Header, receipts: Vec<ErasureReceipt>) -> Erased {
    let mut by_node: Vec<Option<ErasureReceipt>> = vec![None; cluster.nodes().len()];
    for receipt in receipts {
        if let Some(place) = Erasure::signer(&receipt, cluster, header).and_then(|node| by_node.get_mut(node)) {
            *place = Some(receipt);
        }
    }
    let without = by_node.iter().zip(cluster.nodes()).filter(|(receipt, _)| receipt.is_none());
    Erased {
        missing: without.map(|(_, node)| node.name.clone()).collect(),
        receipts: by_node.into_iter().flatten().collect(),
    }
}
