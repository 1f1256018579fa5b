//! The receipts of nodes that have erased a submission which its contributor took back.

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::Purpose;
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
    of(cluster, &Erasure::of(header), receipts)
}

/// The receipts that nodes of the cluster have signed for exactly this erasure, in the order of the nodes.
pub fn of(cluster: &Cluster, due: &Erasure, receipts: Vec<ErasureReceipt>) -> Erased {
    let signer = |receipt: &ErasureReceipt| {
        let signed = |key| receipt.value == *due && receipt.verify(Purpose::Erasure, key).is_ok();
        cluster.nodes().iter().position(|node| signed(&node.identity))
    };
    let mut by_node: Vec<Option<ErasureReceipt>> = vec![None; cluster.nodes().len()];
    for receipt in receipts {
        if let Some(place) = signer(&receipt).and_then(|node| by_node.get_mut(node)) {
            *place = Some(receipt);
        }
    }
    let without = by_node.iter().zip(cluster.nodes()).filter(|(receipt, _)| receipt.is_none());
    Erased {
        missing: without.map(|(_, node)| node.name.clone()).collect(),
        receipts: by_node.into_iter().flatten().collect(),
    }
}
