//! The receipts of nodes that have erased a submission which its contributor took back.

use tacit_protocol::cluster::Cluster;
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt};

/// How far a submission is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The receipts that hold, one of a node at most.
    pub receipts: Vec<ErasureReceipt>,
    /// The names of the nodes without one.
    pub missing: Vec<String>,
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
