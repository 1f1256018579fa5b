//! The nodes: the state of the connection to each of them, and requests to them.

mod ask;
mod channel;
mod error;

pub(crate) use ask::{ask, open_job};
#[cfg(test)]
pub(crate) use channel::Answers;
pub(crate) use channel::{Channel, Dial};
pub(crate) use error::NodeError;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tacit_protocol::cluster::Cluster;
use tacit_protocol::sealing_epoch::SignedEpoch;
use tokio::sync::{Notify, watch};

/// The state of the connection to a node.
#[derive(Clone)]
pub(crate) enum LinkState {
    /// The node is connected.
    Up(Arc<dyn Channel>),
    /// The node is not connected.
    Down {
        /// Why the last connection or attempt failed.
        error: NodeError,
        /// When the last connection was lost, or when the coordinator started.
        since: Instant,
    },
}

/// One node of the cluster.
pub(crate) struct Node {
    name: String,
    link: watch::Sender<LinkState>,
    work: Notify,
    sealing_key: Mutex<Option<SignedEpoch>>,
}

/// The nodes of the cluster, in its order.
pub(crate) struct Nodes(Vec<Node>);

impl Node {
    /// The node's name in the cluster file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The state of its connection.
    pub(crate) fn state(&self) -> LinkState {
        self.link.borrow().clone()
    }

    /// The connection, if the node is connected.
    pub(crate) fn channel(&self) -> Option<Arc<dyn Channel>> {
        match &*self.link.borrow() {
            LinkState::Up(channel) => Some(Arc::clone(channel)),
            LinkState::Down { .. } => None,
        }
    }

    /// Notifies of every change of its state.
    pub(crate) fn follow(&self) -> watch::Receiver<LinkState> {
        self.link.subscribe()
    }

    /// Notes that the node is connected.
    pub(crate) fn set_up(&self, channel: Arc<dyn Channel>) {
        self.link.send_replace(LinkState::Up(channel));
    }

    /// The newest key that contributors seal to, if one is known.
    pub(crate) fn sealing_key(&self) -> Option<SignedEpoch> {
        self.sealing_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the newest key that contributors seal to.
    pub(crate) fn set_sealing_key(&self, signed: SignedEpoch) {
        *self.sealing_key.lock().unwrap_or_else(PoisonError::into_inner) = Some(signed);
    }

    /// Waits until [`Nodes::wake`] says that there may be something to deliver.
    pub(crate) async fn has_work(&self) {
        self.work.notified().await;
    }

    /// Notes why the node is not connected.
    pub(crate) fn set_down(&self, error: NodeError) {
        self.link.send_modify(|state| {
            let since = match state {
                LinkState::Up(_) => Instant::now(),
                LinkState::Down { since, .. } => *since,
            };
            *state = LinkState::Down { error, since };
        });
    }
}

impl Nodes {
    /// The nodes of a cluster, none of them connected.
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let node = |name: &str| {
            let down = LinkState::Down {
                error: NodeError::NotConnected,
                since: Instant::now(),
            };
            Node {
                name: name.to_owned(),
                link: watch::Sender::new(down),
                work: Notify::new(),
                sealing_key: Mutex::default(),
            }
        };
        Self(cluster.nodes().iter().map(|entry| node(&entry.name)).collect())
    }

    /// The nodes, in the order of the cluster file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    /// The node with this index in the cluster file.
    pub(crate) fn get(&self, index: usize) -> Option<&Node> {
        self.0.get(index)
    }

    /// How many nodes are connected.
    pub(crate) fn connected(&self) -> usize {
        self.iter().filter(|node| node.channel().is_some()).count()
    }

    /// Tells all delivery loops that there may be something to deliver.
    pub(crate) fn wake(&self) {
        self.iter().for_each(|node| node.work.notify_one());
    }
}
