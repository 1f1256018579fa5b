//! Makes the folders of a cluster, as its operators would on their own machines.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tacit_client::text::one_line;
use tacit_program::key_file::DEMO_MARK;
use tacit_protocol::card::{Card, cluster_text};
use tacit_protocol::cluster::Cluster;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::binaries::Binaries;
use super::ports::{Lifetime, Ports};

/// The cluster to make.
pub(crate) struct ClusterShape<'a> {
    /// A name for people.
    pub name: &'a str,
    /// How long its ports will be used.
    pub ports: Lifetime,
    /// The number of nodes.
    pub nodes: usize,
    /// How many nodes may be corrupt.
    pub threshold: usize,
    /// The addresses at which others reach the nodes, if these are not the addresses at which the nodes listen.
    pub addresses: Option<&'a [SocketAddr]>,
    /// The memory that each node reserves at its start, in megabytes.
    pub reserve_memory_mb: usize,
}

/// A cluster's folders, ready to run.
pub(crate) struct ClusterFolders {
    pub cluster: Cluster,
    /// The bytes of `cluster.toml`.
    pub cluster_bytes: Vec<u8>,
    /// The buyer's token.
    pub token: Zeroizing<String>,
    /// The coordinator's folder.
    pub coordinator: PathBuf,
    pub nodes: Vec<NodeFolder>,
}

/// A node's folder, ready to run.
pub(crate) struct NodeFolder {
    /// The node's name.
    pub name: String,
    /// The node's folder.
    pub folder: PathBuf,
    /// The address at which it will listen.
    pub listen: SocketAddr,
}

impl ClusterFolders {
    /// Removes the folders with their keys, before the start is tried again.
    pub(crate) fn remove(&self) -> Result<()> {
        for folder in self.nodes.iter().map(|node| &node.folder).chain([&self.coordinator]) {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        Ok(())
    }
}

/// Makes the folders with keys and configs, and the same cluster file in each.
///
/// Do not drop the future halfway: an `init` that is being killed may still write a key while its folder is removed.
pub(crate) async fn make_folders(shape: &ClusterShape<'_>, binaries: &Binaries, work: &Path) -> Result<ClusterFolders> {
    let ports = Ports::find(shape.nodes, shape.ports)?;
    let coordinator = work.join("coordinator");
    let (listen, admin) = (ports.api.to_string(), ports.admin.to_string());
    let init = [
        OsStr::new("init"),
        "--demo".as_ref(),
        "--dir".as_ref(),
        coordinator.as_ref(),
        "--listen".as_ref(),
        listen.as_ref(),
        "--admin".as_ref(),
        admin.as_ref(),
    ];
    let (card, said) = run_init(&binaries.coordinator, &init).await?;
    let token = token_in(&said).with_context(|| format!("{} init prints no token", binaries.coordinator.display()))?;

    let (mut cards, mut nodes) = (vec![card], Vec::new());
    for (index, (listen, admin)) in ports.nodes.iter().enumerate() {
        let name = format!("node-{}", index + 1);
        let operator = format!("{} operator {}", shape.name, index + 1);
        let address = shape.addresses.and_then(|all| all.get(index)).unwrap_or(listen).to_string();
        let (listens, admin) = (listen.to_string(), admin.to_string());
        let reserve = shape.reserve_memory_mb.to_string();
        let folder = work.join(&name);
        let init = [
            OsStr::new("init"),
            "--demo".as_ref(),
            "--dir".as_ref(),
            folder.as_ref(),
            "--name".as_ref(),
            name.as_ref(),
            "--operator".as_ref(),
            operator.as_ref(),
            "--address".as_ref(),
            address.as_ref(),
            // Only loopback: this cluster is not reachable from other machines.
            "--listen".as_ref(),
            listens.as_ref(),
            "--admin".as_ref(),
            admin.as_ref(),
            "--reserve-memory-mb".as_ref(),
            reserve.as_ref(),
        ];
        let (card, _) = run_init(&binaries.node, &init).await?;
        cards.push(card);
        nodes.push(NodeFolder {
            name,
            folder,
            listen: *listen,
        });
    }

    let text = format!(
        "{DEMO_MARK}\n\n{}",
        cluster_text(shape.name, shape.threshold, cards).context("cluster.toml")?
    );
    let cluster_bytes = text.into_bytes();
    let cluster = Cluster::parse(&cluster_bytes).context("cluster.toml")?;
    for folder in nodes.iter().map(|node| &node.folder).chain([&coordinator]) {
        files::write(&folder.join("cluster.toml"), &cluster_bytes, Access::Public)?;
    }
    Ok(ClusterFolders {
        cluster,
        cluster_bytes,
        token,
        coordinator,
        nodes,
    })
}

/// Runs `init`. Returns the card it prints, and its standard error.
async fn run_init(binary: &Path, args: &[&OsStr]) -> Result<(Card, Zeroizing<String>)> {
    let program = binary.display();
    let output = Command::new(binary)
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.with_context(|| format!("{program} cannot be run"))?;
    let said = Zeroizing::new(String::from_utf8_lossy(&output.stderr).into_owned());
    if !output.status.success() {
        bail!("{program} init failed: {}", one_line(&said));
    }
    let card = Card::parse(&output.stdout).with_context(|| format!("{program} init"))?;
    Ok((card, said))
}

/// The buyer's token in the standard error of the coordinator's `init`.
fn token_in(said: &str) -> Option<Zeroizing<String>> {
    let token = said.lines().find_map(|line| line.strip_prefix("buyer_token = "))?;
    Some(Zeroizing::new(token.trim_matches('"').to_owned()))
}
