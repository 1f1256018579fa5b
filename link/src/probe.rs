//! Checks that the nodes of a cluster can be reached, without disturbing their connections.

use std::sync::Arc;
use std::time::Duration;

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use thiserror::Error;
use tokio::task::JoinSet;

use crate::{Link, LinkError};

/// By how much two clocks may differ.
const MAX_SKEW: Duration = Duration::from_secs(5);

/// A problem with a node as seen from here, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeFinding {
    /// The node does not answer.
    #[error("{0}: see that it runs, and that nothing on the way keeps UDP from that address")]
    Unreachable(LinkError),
    /// What answers is not the node of the cluster file.
    #[error("{0}")]
    Refused(LinkError),
    /// The clocks differ.
    #[error(
        "the clock of node `{node}` is {}.{} s {} this machine's: set both by NTP, for instance with `timedatectl set-ntp true`",
        ahead.unsigned_abs() / 1000, ahead.unsigned_abs() % 1000 / 100, if *ahead > 0 { "ahead of" } else { "behind" }
    )]
    Clock {
        /// The node's name.
        node: String,
        /// A lower bound of how many milliseconds the node's clock is ahead; below 0 if it is behind.
        ahead: i64,
    },
}

/// Probes every node of a cluster except `own`, as the member that owns `key`. Returns the findings in the order of the nodes.
pub async fn probe_nodes(key: &SecretKey, cluster: &Arc<Cluster>, own: Option<usize>) -> Vec<ProbeFinding> {
    let link = match Link::bind_anywhere(key, Arc::clone(cluster)) {
        Ok(link) => link,
        Err(error) => return vec![ProbeFinding::Refused(error)],
    };
    let mut probes = JoinSet::new();
    for node in (0..cluster.nodes().len()).filter(|node| Some(*node) != own) {
        let link = link.clone();
        probes.spawn(async move { (node, link.probe(node).await) });
    }
    let mut outcomes = probes.join_all().await;
    outcomes.sort_by_key(|(node, _)| *node);
    link.close().await;
    let finding = |(node, outcome)| match outcome {
        Ok(ahead) => skewed(ahead).then(|| ProbeFinding::Clock {
            node: cluster.node_name(node),
            ahead,
        }),
        Err(error @ (LinkError::Unreachable { .. } | LinkError::Lost { .. })) => Some(ProbeFinding::Unreachable(error)),
        Err(error) => Some(ProbeFinding::Refused(error)),
    };
    outcomes.into_iter().filter_map(finding).collect()
}

fn skewed(ahead: i64) -> bool {
    u128::from(ahead.unsigned_abs()) > MAX_SKEW.as_millis()
}
