//! `check-config`: what would keep the node from running, one line each with the mend.

use std::net::UdpSocket;
use std::path::Path;

use anyhow::{Result, bail};
use tacit_core::cluster::Cluster;

use crate::config::Config;
use crate::keys;

/// Prints every finding; an error when there is any.
pub fn check_config(path: &Path) -> Result<()> {
    let config = Config::load(path)?;
    let findings = findings(&config);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("ok");
        return Ok(());
    }
    bail!("{} finding(s) in {}", findings.len(), path.display())
}

/// This node's index in the cluster, if its keys are the ones the cluster file names for it.
pub fn own_index(config: &Config, cluster: &Cluster) -> Result<usize> {
    let identity = keys::read_identity(&config.identity_key)?.public();
    let Some(index) = cluster.node_of(&identity) else {
        bail!(
            "the key in {} (public {identity}) is not that of any node in {}: put this node's card into the cluster file",
            config.identity_key.display(),
            config.cluster.display()
        );
    };
    let sealing = keys::read_sealing(&config.sealing_key)?.public()?;
    if cluster.nodes()[index].sealing != sealing {
        bail!(
            "the key in {} is not the sealing key of node `{}` in {}: put this node's card into the cluster file",
            config.sealing_key.display(),
            cluster.node_name(index),
            config.cluster.display()
        );
    }
    Ok(index)
}

fn findings(config: &Config) -> Vec<String> {
    let mut findings = Vec::new();
    let mut note = |result: Result<()>| findings.extend(result.err().map(|error| format!("{error:#}")));
    note(keys::read_identity(&config.identity_key).map(drop));
    note(keys::read_sealing(&config.sealing_key).map(drop));
    match config.load_cluster() {
        Err(error) => note(Err(error)),
        Ok(cluster) => {
            if config.identity_key.exists() && config.sealing_key.exists() {
                note(own_index(config, &cluster).map(drop));
            }
        }
    }
    note(UdpSocket::bind(config.listen).map(drop).map_err(|error| {
        anyhow::anyhow!(
            "cannot listen on UDP {}: {error}: by this node, if it is running; else stop what uses it, or change `listen`",
            config.listen
        )
    }));
    note(std::net::TcpListener::bind(config.admin).map(drop).map_err(|error| {
        anyhow::anyhow!(
            "cannot listen on TCP {}: {error}: by this node, if it is running; else stop what uses it, or change `admin`",
            config.admin
        )
    }));
    findings
}
