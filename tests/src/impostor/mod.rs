//! Impostors: members that a test plays with the keys of their folders, and that send what no honest program sends.

pub mod coordinator;
pub mod greeter;
pub mod lanes;
pub mod node;
pub mod raw;
pub mod work;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tacit_program::key_file;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;

use crate::api_client::cluster_file;
use crate::cluster::TestCluster;

/// Any free port on loopback.
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The identity key in a member's folder.
pub fn identity(folder: &Path) -> SecretKey {
    SecretKey::from_bytes(&key_file::read_seed(&folder.join("identity.key")).unwrap())
}

/// The cluster of the cluster file.
pub fn cluster_of(cluster: &TestCluster) -> Arc<Cluster> {
    Arc::new(cluster_file(cluster))
}
