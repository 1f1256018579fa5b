//! Connects to the coordinator that the command line names, and checks that it belongs to the right cluster.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tacit_client::authenticity::{check_coordinator, load_cluster};
use tacit_client::files;
use tacit_client::http::Api;
use tacit_protocol::cluster::Cluster;
use zeroize::Zeroizing;

use crate::args::Network;

const TOKEN: &str = "TACIT_TOKEN";

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

/// The buyer's token from its file or the environment, if there is one.
pub(super) fn token(file: Option<&Path>) -> Result<Option<Zeroizing<String>>> {
    let Some(file) = file else {
        return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Zeroizing::new));
    };
    let bytes = Zeroizing::new(files::read(file)?);
    let text = std::str::from_utf8(&bytes).ok().map(str::trim).filter(|text| !text.is_empty());
    let text = text.with_context(|| format!("{}: not a token: expected one line of text", file.display()))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Fails early if there is neither a token nor a key, and the coordinator would refuse the request.
pub(super) fn need_buyer(api: &Api) -> Result<()> {
    if api.is_authenticated() {
        Ok(())
    } else {
        bail!("this needs its buyer: give --token-file FILE, or set {TOKEN}, or give --buyer-key FILE and --cluster")
    }
}

/// Fails early if there is no token and the coordinator would refuse the request.
pub(super) fn need_token(api: &Api) -> Result<()> {
    if api.has_token() {
        Ok(())
    } else {
        bail!("this needs a buyer's token: give --token-file FILE, or set {TOKEN}")
    }
}
