//! The folders of a cluster: what its operators would make, each on their own machine.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tacit_client::files::{self, Access};
use tacit_client::http::one_line;
use tacit_core::cluster::{Cluster, ClusterFile, CoordinatorEntry, NodeEntry, PROTOCOL_VERSION};
use tacit_core::identity::PublicKey;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::args;

/// The programs of operators.
pub struct Binaries {
    /// `tacit-node`.
    pub node: PathBuf,
    /// `tacit-coordinator`.
    pub coordinator: PathBuf,
}

/// A cluster's folders, ready to run.
pub struct Laid {
    /// The cluster.
    pub cluster: Cluster,
    /// `cluster.toml`, byte for byte.
    pub cluster_bytes: Vec<u8>,
    /// The buyer's token.
    pub token: Zeroizing<String>,
    /// The coordinator's folder.
    pub coordinator: PathBuf,
    /// The nodes' folders with their names.
    pub nodes: Vec<(String, PathBuf)>,
}

/// What `tacit-node init` prints.
#[derive(Deserialize)]
struct NodeCard {
    node: Vec<NodeEntry>,
}

/// What `tacit-coordinator init` prints.
#[derive(Deserialize)]
struct CoordinatorCard {
    identity: PublicKey,
    buyer_token: String,
}

impl Binaries {
    /// The programs beside this one.
    pub fn find() -> Result<Self> {
        let own = std::env::current_exe().context("where this program is cannot be found out")?;
        let beside = |name: &str| {
            let path = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            ensure!(
                path.is_file(),
                "{} is missing: the demo runs it. Build all programs with `cargo build --release`, or install it there",
                path.display()
            );
            Ok(path)
        };
        Ok(Self {
            node: beside("tacit-node")?,
            coordinator: beside("tacit-coordinator")?,
        })
    }
}

impl Laid {
    /// Removes the folders, keys and all, before another try.
    pub fn remove(&self) -> Result<()> {
        for folder in self.nodes.iter().map(|(_, folder)| folder).chain([&self.coordinator]) {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        Ok(())
    }
}

/// Makes the folders: keys, configs, and the same cluster file in each.
pub async fn lay_out(args: &args::Demo, binaries: &Binaries, work: &Path) -> Result<Laid> {
    // Held until all are known, so that they differ.
    let udp = (0..args.nodes)
        .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .context("no free UDP port")?;
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free TCP port")?;

    let coordinator = work.join("coordinator");
    let listen = tcp.local_addr().context("a port")?.to_string();
    let init = [
        OsStr::new("init"),
        "--dir".as_ref(),
        coordinator.as_ref(),
        "--listen".as_ref(),
        listen.as_ref(),
        "--admin".as_ref(),
        "127.0.0.1:0".as_ref(),
    ];
    let CoordinatorCard { identity, buyer_token } = card(&binaries.coordinator, &init).await?;

    let (mut entries, mut nodes) = (Vec::new(), Vec::new());
    for (index, socket) in udp.iter().enumerate() {
        let name = format!("node-{}", index + 1);
        let operator = format!("demo operator {}", index + 1);
        let address = socket.local_addr().context("a port")?.to_string();
        let folder = work.join(&name);
        let init = [
            OsStr::new("init"),
            "--dir".as_ref(),
            folder.as_ref(),
            "--name".as_ref(),
            name.as_ref(),
            "--operator".as_ref(),
            operator.as_ref(),
            "--address".as_ref(),
            address.as_ref(),
            // Nothing of the demo is reachable from elsewhere.
            "--listen".as_ref(),
            address.as_ref(),
            "--admin".as_ref(),
            "127.0.0.1:0".as_ref(),
        ];
        let NodeCard { node } = card(&binaries.node, &init).await?;
        entries.extend(node);
        nodes.push((name, folder));
    }

    let file = ClusterFile {
        protocol: PROTOCOL_VERSION,
        name: "demo".to_owned(),
        threshold: args.threshold,
        coordinator: CoordinatorEntry {
            url: format!("http://{listen}"),
            identity,
        },
        nodes: entries,
    };
    let text = format!(
        "# The cluster of one run of `tacit demo`: its nodes, their keys, and how many of them may be corrupt.\n\n{}",
        toml::to_string(&file).context("cluster.toml")?
    );
    let cluster_bytes = text.into_bytes();
    let cluster = Cluster::parse(&cluster_bytes).context("cluster.toml")?;
    for folder in nodes.iter().map(|(_, folder)| folder).chain([&coordinator]) {
        files::write(&folder.join("cluster.toml"), &cluster_bytes, Access::Public)?;
    }
    Ok(Laid {
        cluster,
        cluster_bytes,
        token: Zeroizing::new(buyer_token),
        coordinator,
        nodes,
    })
}

/// Runs an `init` and reads the card it prints.
async fn card<T: serde::de::DeserializeOwned>(binary: &Path, args: &[&OsStr]) -> Result<T> {
    let program = binary.display();
    let output = Command::new(binary)
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.with_context(|| format!("{program} cannot be run"))?;
    if !output.status.success() {
        bail!("{program} init failed: {}", one_line(&String::from_utf8_lossy(&output.stderr)));
    }
    let text = Zeroizing::new(String::from_utf8(output.stdout).with_context(|| format!("{program} init: its output is not text"))?);
    // What the parser would quote may be a secret.
    toml::from_str(&text).map_err(|e| anyhow::anyhow!("{program} init: its output is not a card: {}", e.message()))
}
