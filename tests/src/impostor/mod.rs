//! Impostors: members that a test plays with the keys of their folders, and that send what no honest program sends.

pub mod coordinator;
pub mod greeter;
pub mod lanes;
pub mod node;
pub mod raw;
pub mod work;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tacit_protocol::cluster::Cluster;

use crate::api_client::cluster_file;
use crate::cluster::TestCluster;
pub use crate::stored::identity;

/// Any free port on loopback.
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The cluster of the cluster file.
pub fn cluster_of(cluster: &TestCluster) -> Arc<Cluster> {
    Arc::new(cluster_file(cluster))
}
