//! Connects to the coordinator that the command line names, and checks that it belongs to the right cluster.

use anyhow::{Context, Result, bail};
use tacit_client::authenticity::check_coordinator;
use tacit_client::cluster_file::load_cluster;
use tacit_client::http::Api;
use tacit_protocol::cluster::Cluster;

use crate::args::Network;

/// A client of the coordinator, and the cluster file if one is given; then it is checked that the coordinator has the same file.
pub(super) async fn connect(network: &Network, token: Option<&str>) -> Result<(Api, Option<Cluster>)> {
    let cluster = network.cluster.as_deref().map(load_cluster).transpose()?;
    let url = match (&network.coordinator, &cluster) {
        (Some(url), _) => url.clone(),
        (None, Some(cluster)) => cluster.file().coordinator.url.clone(),
        (None, None) => {
            bail!("which coordinator? Give --cluster cluster.toml (or TACIT_CLUSTER), or --coordinator URL (or TACIT_COORDINATOR)")
        }
    };
    let api = if network.insecure {
        Api::insecure(&url, token)?
    } else {
        Api::new(&url, token)?
    };
    match &cluster {
        Some(cluster) => check_coordinator(&api, cluster).await?,
        // Without a cluster file, check at least that both speak a common protocol version.
        None => drop(api.cluster().await?),
    }
    Ok((api, cluster))
}

/// The cluster of a command that cannot do without; `why` says what it needs it for.
pub(super) fn need_cluster<C>(cluster: Option<C>, why: &str) -> Result<C> {
    cluster.with_context(|| format!("give --cluster cluster.toml (or TACIT_CLUSTER): {why}"))
}
