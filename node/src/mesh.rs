//! Connections to the peers, one each: the node with the lower index dials. The coordinator dials every node; its connection is
//! accepted here too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tacit_link::{Connection, Link, LinkError, Member};
use tacit_program::{Backoff, LastReason};
use tacit_protocol::cluster::Cluster;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::lanes::Lanes;
use crate::metrics::{Metrics, Refused};
use crate::refusals::Refusals;
use crate::supply::Supplier;

/// The pauses between attempts to reach a peer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long after its start a node waits for peers that are not connected yet, where it must not miss one that remembers.
const SETTLING: Duration = Duration::from_secs(20);

/// The connections to the peers.
#[derive(Debug)]
pub(crate) struct Mesh {
    link: Link,
    cluster: Arc<Cluster>,
    me: usize,
    peers: BTreeMap<usize, watch::Sender<Option<Connection>>>,
    lanes: Arc<Lanes>,
    supplier: Arc<Supplier>,
    metrics: Metrics,
    refusals: Refusals,
    /// When this node started.
    since: Instant,
}

impl Mesh {
    /// A mesh that has no connections yet.
    pub(crate) fn new(
        link: Link,
        cluster: Arc<Cluster>,
        me: usize,
        (lanes, supplier): (Arc<Lanes>, Arc<Supplier>),
        metrics: Metrics,
    ) -> Self {
        let peers = (0..cluster.nodes().len())
            .filter(|peer| *peer != me)
            .map(|peer| (peer, watch::Sender::new(None)))
            .collect();
        Self {
            link,
            cluster,
            me,
            peers,
            lanes,
            supplier,
            metrics,
            refusals: Refusals::default(),
            since: Instant::now(),
        }
    }

    /// Whether peers may still be about to connect because this node has just started.
    pub(crate) fn is_settling(&self) -> bool {
        self.since.elapsed() < SETTLING
    }

    /// The connection to a peer. Waits for it until the deadline; `None` if there is none by then.
    pub(crate) async fn connection(&self, peer: usize, deadline: Instant) -> Option<Connection> {
        let mut current = self.peers.get(&peer)?.subscribe();
        let waiting = current.wait_for(|connection| connection.as_ref().is_some_and(|c| !c.is_closed()));
        tokio::time::timeout_at(deadline, waiting).await.ok()?.ok()?.clone()
    }

    /// The connection to a peer, if there is one now.
    pub(crate) fn connected_to(&self, peer: usize) -> Option<Connection> {
        let current = self.peers.get(&peer)?.borrow().clone();
        current.filter(|connection| !connection.is_closed())
    }

    /// The peers, connected or not.
    pub(crate) fn peers(&self) -> impl Iterator<Item = usize> {
        self.peers.keys().copied()
    }

    /// How many peers are connected.
    pub(crate) fn connected(&self) -> usize {
        self.round_trips().filter(|(_, round_trip)| round_trip.is_some()).count()
    }

    /// The name of every peer, with the round-trip time of its connection if it is connected.
    pub(crate) fn round_trips(&self) -> impl Iterator<Item = (String, Option<Duration>)> {
        self.peers.iter().map(|(peer, current)| {
            let connection = current.borrow();
            let open = connection.as_ref().filter(|connection| !connection.is_closed());
            (self.cluster.node_name(*peer), open.map(Connection::round_trip))
        })
    }

    /// Dials the peers with higher indices, accepts connections of the others, and passes connections of the coordinator to `coordinator`.
    /// Returns when `stop` is cancelled.
    pub(crate) async fn run<C>(self: Arc<Self>, stop: CancellationToken, coordinator: C)
    where
        C: Fn(Connection) + Send + Sync + 'static,
    {
        for peer in self.peers.keys().copied().filter(|peer| *peer > self.me) {
            tokio::spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&self).dial(peer)));
        }
        let coordinator = Arc::new(coordinator);
        while let Some(Some(incoming)) = stop.run_until_cancelled(self.link.accept()).await {
            let (mesh, coordinator) = (Arc::clone(&self), Arc::clone(&coordinator));
            let accepting = async move {
                match incoming.establish().await {
                    Err(error) => {
                        mesh.refusals.log(mesh.metrics.not_connected(&error), &error);
                    }
                    // A member has only tested that it can connect.
                    Ok(None) => {}
                    Ok(Some(connection)) => match connection.member() {
                        Member::Coordinator => coordinator(connection),
                        Member::Node(peer) if peer < mesh.me => mesh.serve_peer(peer, connection).await,
                        Member::Node(_) => {
                            mesh.metrics.refused(Refused::Protocol);
                            connection.close("the node with the lower index dials");
                        }
                    },
                }
            };
            tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        }
    }

    /// Connects to a peer with a higher index, and again whenever the connection ends. Never returns.
    async fn dial(self: Arc<Self>, peer: usize) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut last_reason: LastReason<LinkError> = LastReason::default();
        loop {
            match self.link.connect(peer).await {
                Ok(connection) => {
                    last_reason.clear();
                    let since = Instant::now();
                    self.serve_peer(peer, connection).await;
                    // Do not dial in a tight loop a peer that accepts connections and drops them at once.
                    if since.elapsed() > LONGEST_PAUSE {
                        backoff.reset();
                    }
                }
                Err(error) => {
                    self.metrics.not_connected(&error);
                    if last_reason.is_new(&error) {
                        warn!(%error, "a peer cannot be reached, trying again");
                    }
                }
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    /// Makes a connection the current one, and accepts the peer's lanes and questions from it until it ends.
    async fn serve_peer(&self, peer: usize, connection: Connection) {
        let Some(current) = self.peers.get(&peer) else { return };
        let name = self.cluster.node_name(peer);
        let replaced = current.send_replace(Some(connection.clone()));
        if let Some(replaced) = replaced {
            // Each peer has one connection, however many it opens.
            replaced.close("another connection took its place");
            self.metrics.peers.reconnected(&name);
        }
        info!(peer = %name, protocol = connection.protocol(), "connected");
        let lanes = async {
            loop {
                match connection.accept_lane().await {
                    Ok(lane) => self.lanes.arrived(peer, lane),
                    Err(error) => return error,
                }
            }
        };
        let questions = async {
            loop {
                match connection.accept_question().await {
                    Ok(question) => {
                        tokio::spawn(Arc::clone(&self.supplier).answer(peer, question));
                    }
                    Err(error) => return error,
                }
            }
        };
        let error = tokio::select! {
            error = lanes => error,
            error = questions => error,
        };
        info!(peer = %name, %error, "disconnected");
    }
}
