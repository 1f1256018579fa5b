//! Makes the folders of a cluster, as its operators would on their own machines.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
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

/// The cluster to make.
pub(crate) struct ClusterShape<'a> {
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
pub(super) async fn make_folders(shape: &ClusterShape<'_>, binaries: &Binaries, work: &Path) -> Result<ClusterFolders> {
    // Keep all sockets open until all ports are known, so that the ports differ.
    let udp = (0..shape.nodes)
        .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .context("no free UDP port")?;
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port")?;

    let coordinator = work.join("coordinator");
    let listen = tcp.local_addr().context("a port")?.to_string();
    let init = [
        OsStr::new("init"),
        "--demo".as_ref(),
        "--dir".as_ref(),
        coordinator.as_ref(),
        "--listen".as_ref(),
        listen.as_ref(),
        "--admin".as_ref(),
        "127.0.0.1:0".as_ref(),
    ];
    let (card, said) = run_init(&binaries.coordinator, &init).await?;
    let token = token_in(&said).with_context(|| format!("{} init prints no token", binaries.coordinator.display()))?;

    let (mut cards, mut nodes) = (vec![card], Vec::new());
    for (index, socket) in udp.iter().enumerate() {
        let name = format!("node-{}", index + 1);
        let operator = format!("demo operator {}", index + 1);
        let listen = socket.local_addr().context("a port")?;
        let address = shape.addresses.and_then(|all| all.get(index)).unwrap_or(&listen).to_string();
        let listens = listen.to_string();
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
            "127.0.0.1:0".as_ref(),
            "--reserve-memory-mb".as_ref(),
            reserve.as_ref(),
        ];
        let (card, _) = run_init(&binaries.node, &init).await?;
        cards.push(card);
        nodes.push(NodeFolder { name, folder, listen });
    }

    let text = format!(
        "{DEMO_MARK}\n\n{}",
        cluster_text("demo", shape.threshold, cards).context("cluster.toml")?
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
