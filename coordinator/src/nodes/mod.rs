//! The nodes: a connection to each that is kept up, and a forwarder for each that brings it what it
//! does not have.

mod ask;
mod channel;
mod forward;
mod keep;
mod trouble;

pub use ask::{ask, open_job};
#[cfg(test)]
pub use channel::Answers;
pub use channel::{Channel, Dial};
pub use forward::forward;
pub use keep::{keep, with_jitter};
pub use trouble::Trouble;

use std::sync::Arc;
use std::time::Instant;

use tacit_protocol::cluster::Cluster;
use tokio::sync::{Notify, watch};

/// Whether a node can be talked to.
#[derive(Clone)]
pub enum LinkState {
    /// It can.
    Up(Arc<dyn Channel>),
    /// It cannot.
    Down {
        /// Why.
        trouble: Trouble,
        /// Since when.
        since: Instant,
    },
}

/// One node, as the coordinator sees it.
pub struct Node {
    name: String,
    link: watch::Sender<LinkState>,
    work: Notify,
}

/// The nodes of the cluster, in its order.
pub struct Nodes(Vec<Node>);

impl Node {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be talked to.
    pub fn state(&self) -> LinkState {
        self.link.borrow().clone()
    }

    /// The connection, when there is one.
    pub fn channel(&self) -> Option<Arc<dyn Channel>> {
        match &*self.link.borrow() {
            LinkState::Up(channel) => Some(Arc::clone(channel)),
            LinkState::Down { .. } => None,
        }
    }

    /// Follows its state.
    pub fn follow(&self) -> watch::Receiver<LinkState> {
        self.link.subscribe()
    }

    fn set_up(&self, channel: Arc<dyn Channel>) {
        self.link.send_replace(LinkState::Up(channel));
    }

    fn set_down(&self, trouble: Trouble) {
        self.link.send_modify(|state| {
            let since = match state {
                LinkState::Up(_) => Instant::now(),
                LinkState::Down { since, .. } => *since,
            };
            *state = LinkState::Down { trouble, since };
        });
    }
}

impl Nodes {
    /// The nodes of a cluster, none connected.
    pub fn new(cluster: &Cluster) -> Self {
        let node = |name: &str| {
            let down = LinkState::Down {
                trouble: Trouble::NotConnected,
                since: Instant::now(),
            };
            Node {
                name: name.to_owned(),
                link: watch::Sender::new(down),
                work: Notify::new(),
            }
        };
        Self(cluster.nodes().iter().map(|entry| node(&entry.name)).collect())
    }

    /// The nodes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    /// The node of this index.
    pub fn get(&self, index: usize) -> Option<&Node> {
        self.0.get(index)
    }

    /// How many can be talked to.
    pub fn connected(&self) -> usize {
        self.iter().filter(|node| node.channel().is_some()).count()
    }

    /// Tells the forwarders that there may be something to bring.
    pub fn wake(&self) {
        self.iter().for_each(|node| node.work.notify_one());
    }
}
