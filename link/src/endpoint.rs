//! The QUIC endpoint of a member: it dials the nodes of the cluster file and accepts connections of its members.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionError, Endpoint, IdleTimeout, TransportConfig, VarInt};
use rustls::pki_types::CertificateDer;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::{PublicKey, SecretKey};

use crate::connection::Connection;
use crate::handshakes::{HandshakePlace, Handshakes};
use crate::hello::{Greeting, Side, exchange};
use crate::{LinkError, tls};

/// How long connecting, TLS and the exchange of hellos may take together.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(8);
/// How long the first message of a peer that connects may take, all of it. If a packet is lost, it is sent again after one second.
const HELLO_DEADLINE: Duration = Duration::from_secs(2);
/// A connection that is silent for this long counts as lost. Pings keep it open, three in this time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(12);
/// How long to wait until the peers have been told that the endpoint closes.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);
/// How many streams of each kind a peer may have open at once.
const MAX_STREAMS: u32 = 256;
/// How many bytes a peer may send on one stream before we read them.
const STREAM_WINDOW: u32 = 8 << 20;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 32 << 20;

/// A member of the cluster: contributors and buyers are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Member {
    /// The coordinator of the cluster.
    Coordinator,
    /// The node with this index in the cluster file.
    Node(usize),
}

/// The QUIC endpoint of one member.
#[derive(Clone)]
pub struct Link {
    endpoint: Endpoint,
    key: SecretKey,
    cluster: Arc<Cluster>,
    handshakes: Handshakes,
}

/// A connection that somebody opens to us, before the handshake shows who it is.
pub struct Incoming {
    incoming: quinn::Incoming,
    cluster: Arc<Cluster>,
    place: HandshakePlace,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?})", self.endpoint.local_addr().ok())
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({})", self.incoming.remote_address())
    }
}

impl Link {
    /// Listens on a UDP address as the member that owns `key`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be used, or TLS cannot be set up with the key.
    pub fn bind(address: SocketAddr, key: &SecretKey, cluster: Arc<Cluster>) -> Result<Self, LinkError> {
        let members = std::iter::once(cluster.file().coordinator.identity).chain(cluster.nodes().iter().map(|n| n.identity));
        let tls = tls::server(key, members.filter(|member| *member != key.public()).collect())?;
        let crypto = QuicServerConfig::try_from(tls).map_err(|e| LinkError::Tls(e.to_string()))?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        config.transport_config(transport());
        config.migration(false);
        let endpoint = Endpoint::server(config, address).map_err(|error| LinkError::Bind {
            address: address.to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            endpoint,
            key: key.clone(),
            handshakes: Handshakes::new(&cluster),
            cluster,
        })
    }

    /// The local address, with the port in use.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.endpoint.local_addr().ok()
    }

    /// Listens on a free port of all addresses, in order to dial nodes. An endpoint on `[::]` dials IPv4 as well; on machines without IPv6
    /// it listens on 0.0.0.0.
    pub fn bind_anywhere(key: &SecretKey, cluster: Arc<Cluster>) -> Result<Self, LinkError> {
        let any = |address: IpAddr| Self::bind(SocketAddr::new(address, 0), key, Arc::clone(&cluster));
        any(Ipv6Addr::UNSPECIFIED.into()).or_else(|_| any(Ipv4Addr::UNSPECIFIED.into()))
    }

    /// Connects to a node of the cluster file, which must own the key the file names.
    pub async fn connect(&self, node: usize) -> Result<Connection, LinkError> {
        Ok(self.dial(node, false).await?.0)
    }

    /// Checks that a node can be connected to, without replacing the connections it has. Returns a lower bound of how many milliseconds
    /// the node's clock is ahead of this one; below 0 if it is behind.
    pub async fn probe(&self, node: usize) -> Result<i64, LinkError> {
        Ok(self.dial(node, true).await?.1.ahead)
    }

    async fn dial(&self, node: usize, probe: bool) -> Result<(Connection, Greeting), LinkError> {
        let name = member_name(&self.cluster, Member::Node(node));
        let Some(entry) = self.cluster.nodes().get(node) else {
            return Err(LinkError::Unreachable {
                member: name,
                address: String::new(),
                reason: "the cluster has no such node".to_owned(),
            });
        };
        let unreachable = |reason: String| unreachable(&name, &entry.address, reason);
        let connecting = async {
            // An endpoint on an IPv4 address reaches IPv4 only; one on [::] reaches both.
            let reachable = |to: &SocketAddr| to.is_ipv4() || self.local_address().is_some_and(|own| own.is_ipv6());
            let address = tokio::net::lookup_host(&entry.address)
                .await
                .map_err(|error| unreachable(error.to_string()))?
                .find(reachable)
                .ok_or_else(|| unreachable("the name has no address that this endpoint reaches".to_owned()))?;
            let crypto = QuicClientConfig::try_from(tls::client(&self.key, entry.identity)?).map_err(|e| LinkError::Tls(e.to_string()))?;
            let mut config = quinn::ClientConfig::new(Arc::new(crypto));
            config.transport_config(transport());
            let connection = self
                .endpoint
                .connect_with(config, address, "tacit")
                .map_err(|error| unreachable(error.to_string()))?
                .await
                .map_err(|error| handshake_error(&name, &entry.address, &error))?;
            let mut connection = Connection::new(connection, Member::Node(node), name.clone());
            let greeting = exchange(&connection, &self.cluster, Side::Dials { probe }).await?;
            connection.set_protocol(greeting.version);
            Ok((connection, greeting))
        };
        tokio::time::timeout(HANDSHAKE_DEADLINE, connecting)
            .await
            .unwrap_or_else(|_| Err(unreachable("no answer in time".to_owned())))
    }

    /// The next connection that somebody opens; `None` when the endpoint is closed. Waits for no handshake:
    /// [`Incoming::establish`] does, and should run in a task of its own.
    ///
    /// There are places for a limited number of handshakes at once. If none is free, an older handshake loses its place and fails with
    /// [`LinkError::Overload`].
    pub async fn accept(&self) -> Option<Incoming> {
        self.handshakes.keep_names();
        loop {
            let incoming = self.endpoint.accept().await?;
            // Validate the sender's address first (RFC 9000, section 8.1): until then it gets a token and costs no memory.
            if !incoming.remote_address_validated() {
                let _ = incoming.retry();
                continue;
            }
            let cluster = Arc::clone(&self.cluster);
            let place = self.handshakes.enter(incoming.remote_address().ip());
            return Some(Incoming { incoming, cluster, place });
        }
    }

    /// Closes all connections and waits a moment until the peers have been told. Peers that are gone themselves are not waited for
    /// longer.
    pub async fn close(&self) {
        self.endpoint.close(VarInt::from_u32(0), b"shutting down");
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.endpoint.wait_idle()).await;
    }
}

impl Incoming {
    /// Completes the handshake within a deadline: the peer must own the key of a member. `None` if the peer only probed.
    pub async fn establish(self) -> Result<Option<Connection>, LinkError> {
        let Self {
            incoming,
            cluster,
            mut place,
        } = self;
        let from = incoming.remote_address().to_string();
        let peer = "a peer";
        let failed = |error: &ConnectionError| handshake_error(peer, &from, error);
        let establishing = async {
            let mut connecting = incoming.accept().map_err(|error| failed(&error))?;
            tokio::time::timeout(HELLO_DEADLINE, connecting.handshake_data())
                .await
                .map_err(|_| unreachable(peer, &from, "no whole first message in time".to_owned()))?
                .map_err(|error| failed(&error))?;
            let connection = connecting.await.map_err(|error| failed(&error))?;
            let member = presented(&connection)
                .and_then(|key| member_of(&cluster, &key))
                .ok_or_else(|| unknown_key(peer, &from))?;
            let mut connection = Connection::new(connection, member, member_name(&cluster, member));
            let greeting = exchange(&connection, &cluster, Side::Accepts).await?;
            connection.set_protocol(greeting.version);
            Ok((!greeting.probe).then_some(connection))
        };
        tokio::select! {
            established = tokio::time::timeout(HANDSHAKE_DEADLINE, establishing) => {
                established.unwrap_or_else(|_| Err(unreachable(peer, &from, "no handshake in time".to_owned())))
            }
            () = place.lost() => Err(LinkError::Overload { address: from.clone() }),
        }
    }
}

fn presented(connection: &quinn::Connection) -> Option<PublicKey> {
    let identity = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    tls::presented_key(&identity)
}

fn member_of(cluster: &Cluster, key: &PublicKey) -> Option<Member> {
    if cluster.file().coordinator.identity == *key {
        Some(Member::Coordinator)
    } else {
        cluster.node_of(key).map(Member::Node)
    }
}

fn member_name(cluster: &Cluster, member: Member) -> String {
    match member {
        Member::Coordinator => "the coordinator".to_owned(),
        Member::Node(index) => format!("node `{}`", cluster.node_name(index)),
    }
}

fn unreachable(member: &str, address: &str, reason: String) -> LinkError {
    LinkError::Unreachable {
        member: member.to_owned(),
        address: address.to_owned(),
        reason,
    }
}

fn unknown_key(member: &str, address: &str) -> LinkError {
    LinkError::UnknownKey {
        member: member.to_owned(),
        address: address.to_owned(),
    }
}

fn handshake_error(member: &str, address: &str, error: &ConnectionError) -> LinkError {
    match error {
        ConnectionError::TransportError(refused) if tls::refuses_the_key(refused.code) => unknown_key(member, address),
        // This end found the error: the peer speaks another TLS, or no TLS.
        ConnectionError::TransportError(_) => LinkError::Protocol {
            member: format!("{member} at {address}"),
            reason: format!("the TLS handshake failed ({error})"),
        },
        ConnectionError::ConnectionClosed(_) => {
            let reason = format!("it ended the TLS handshake: it may not know this program's key ({error})");
            unreachable(member, address, reason)
        }
        other => unreachable(member, address, other.to_string()),
    }
}

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config.max_concurrent_bidi_streams(VarInt::from_u32(MAX_STREAMS));
    config.max_concurrent_uni_streams(VarInt::from_u32(MAX_STREAMS));
    config.stream_receive_window(VarInt::from_u32(STREAM_WINDOW));
    config.receive_window(VarInt::from_u32(CONNECTION_WINDOW));
    config.send_window(u64::from(CONNECTION_WINDOW));
    config.keep_alive_interval(Some(IDLE_TIMEOUT / 3));
    config.max_idle_timeout(IdleTimeout::try_from(IDLE_TIMEOUT).ok());
    Arc::new(config)
}
