//! A node that a test plays up to its hello: it shows a node's key and sends any bytes as its hello.

use std::sync::{Arc, Mutex};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{ConnectionError, Endpoint};
use rustls::ServerConfig;
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use tacit_link::read_frame;
use tacit_protocol::hello::{Hello, MAX_HELLO_BYTES};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};
use tokio::runtime::Runtime;

use super::raw::{ALPN, Anyone, certified, milliseconds, provider};
use super::{LOCAL, cluster_of, identity};
use crate::cluster::TestCluster;

/// All bytes to send on the stream of hellos; `None` to send nothing and to leave the stream open.
pub type Saying = Option<Vec<u8>>;

/// A node that sends the same to everyone, until it is dropped.
#[derive(Debug)]
pub struct Greeter {
    runtime: Option<Runtime>,
    endpoint: Endpoint,
    heard: Heard,
}

/// The hellos that were received, and how the other end closed each connection.
type Heard = Arc<Mutex<Vec<(Vec<u8>, ConnectionError)>>>;

impl Greeter {
    /// Takes the place of a node of a cluster. `say` is called for every connection.
    pub fn start(cluster: &TestCluster, node: usize, say: impl Fn() -> Saying + Send + Sync + 'static) -> Self {
        let runtime = Runtime::new().unwrap();
        let key = identity(&cluster.node_folder(node));
        let endpoint = runtime.block_on(async { Endpoint::server(server(&key), LOCAL).unwrap() });
        cluster.lead_node(node, endpoint.local_addr().unwrap());
        let heard = Heard::default();
        runtime.spawn(greet_all(endpoint.clone(), Arc::new(say), Arc::clone(&heard)));
        Self {
            runtime: Some(runtime),
            endpoint,
            heard,
        }
    }

    /// The hellos that were received, and how each connection ended.
    pub fn heard(&self) -> Vec<(Vec<u8>, ConnectionError)> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.endpoint.close(0u32.into(), b"over");
        runtime.block_on(self.endpoint.wait_idle());
        runtime.shutdown_background();
    }
}

async fn greet_all(endpoint: Endpoint, say: Arc<impl Fn() -> Saying + Send + Sync + 'static>, heard: Heard) {
    while let Some(incoming) = endpoint.accept().await {
        let (say, heard) = (Arc::clone(&say), Arc::clone(&heard));
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            let Ok((mut send, mut recv)) = connection.accept_bi().await else {
                return;
            };
            if let Some(bytes) = say() {
                let _ = send.write_all(&bytes).await;
                let _ = send.finish();
            }
            let hello = read_frame(&mut recv, MAX_HELLO_BYTES).await.ok().flatten().unwrap_or_default();
            let ended = connection.closed().await;
            heard.lock().unwrap().push((hello, ended));
        });
    }
}

fn server(key: &SecretKey) -> quinn::ServerConfig {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Anyone))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config).unwrap()))
}

/// A valid hello of a member of this cluster, after `alter`.
pub fn hello(cluster: &TestCluster, alter: impl FnOnce(&mut Hello)) -> Vec<u8> {
    let mut hello = Hello {
        versions: PROTOCOL_VERSIONS,
        cluster: cluster_of(cluster).digest(),
        clock: milliseconds(),
        probe: false,
    };
    alter(&mut hello);
    hello.to_bytes()
}

/// Bytes as a frame.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    [(bytes.len() as u32).to_le_bytes().as_slice(), bytes].concat()
}

/// The range of versions from `first` to `last` after this program's newest version.
pub fn versions_after(first: u32, last: u32) -> Versions {
    Versions {
        min: PROTOCOL_VERSIONS.max + first,
        max: PROTOCOL_VERSIONS.max + last,
    }
}
