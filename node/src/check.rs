//! `check-config`: reports what would keep the node from running or from computing with its peers, one line each, with what to do.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tacit_link::probe_nodes;
use tacit_program::key_file;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;

use crate::config::Config;
use crate::keys;
use crate::sealing_key_files;
use crate::store::Store;

/// Prints every finding, and fails if there are any.
pub(crate) fn check_config(path: &Path) -> Result<()> {
    let findings = match Config::load(path) {
        Ok(config) => findings(&config)?,
        Err(error) => vec![format!("{error:#}")],
    };
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("ok");
        return Ok(());
    }
    bail!("{} finding(s) in {}", findings.len(), path.display())
}

/// This node's index in the cluster.
///
/// # Errors
/// The cluster file does not name this key.
pub(crate) fn own_index(config: &Config, cluster: &Cluster, identity: &SecretKey) -> Result<usize> {
    let identity = identity.public();
    let Some(index) = cluster.node_of(&identity) else {
        bail!(
            "the key in {} (public {identity}) is not that of any node in {}: put this node's card into the cluster file",
            config.identity_key.display(),
            config.cluster.display()
        );
    };
    Ok(index)
}

fn findings(config: &Config) -> Result<Vec<String>> {
    let mut findings = Findings::default();
    let identity = findings.of(keys::read_identity(&config.identity_key).map_err(Into::into));
    findings.of(sealing_key_files::inspect(&config.data).map_err(Into::into));
    let cluster = findings.of(config.load_cluster());
    for path in [&config.identity_key, &config.cluster] {
        if key_file::is_made_by_demo(path) {
            findings.add(format!(
                "{} was made by `tacit demo` or `tacit up`, for trying out only: make keys with `tacit-node init`, and a cluster file with `tacit cluster create`",
                path.display()
            ));
        }
    }
    if identity.as_ref().is_some_and(SecretKey::is_of_tests) {
        findings.add(format!(
            "{} holds a key that anyone can guess, as tests use them: make another with `tacit-node init`",
            config.identity_key.display()
        ));
    }
    if let Some(web) = &config.web {
        findings.of(web.certificate());
    }
    // If the store is in use, this node runs and listens on the ports itself.
    let running = findings.of(Store::inspect(&config.data).map_err(Into::into)).unwrap_or_default();
    if !running {
        findings.of(UdpSocket::bind(config.listen).map_err(|error| {
            anyhow::anyhow!(
                "cannot listen on UDP {}: {error}: stop what uses it, or change `listen`",
                config.listen
            )
        }));
        findings.of(std::net::TcpListener::bind(config.admin).map_err(|error| {
            anyhow::anyhow!(
                "cannot listen on TCP {}: {error}: stop what uses it, or change `admin`",
                config.admin
            )
        }));
        if let Some(web) = &config.web {
            findings.of(web.listener());
        }
    }
    if let (Some(identity), Some(cluster)) = (identity, cluster)
        && let Some(me) = findings.of(own_index(config, &cluster, &identity))
    {
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        let peers = runtime.block_on(probe_nodes(&identity, &Arc::new(cluster), Some(me)));
        peers.iter().for_each(|finding| findings.add(finding.to_string()));
    }
    Ok(findings.0)
}

/// Findings, one line each.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, finding: String) {
        self.0.push(finding);
    }

    fn of<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(format!("{error:#}"))).ok()
    }
}
