//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tacit_program::{Logging, Manual};

/// One operator's node of a Tacit cluster: holds secret shares of contributors' answers and computes
/// on them with its peers.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "First `init`, then send the printed card to whoever makes cluster.toml (`tacit cluster create`), put that file beside config.toml, \
                  then `check-config` and `run`."
)]
pub(crate) struct Args {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the node.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a folder with new keys and a config file, and print this node's card for cluster.toml.
    Init(Init),
    /// Run the node.
    Run(Run),
    /// Check the config, the files it names and whether the other nodes can be reached, one line for each finding.
    ///
    /// A running node is not disturbed. Exits with 0 if nothing was found.
    CheckConfig(Check),
    /// Draw the key that contributors seal to next, before it is time.
    ///
    /// A running node takes it up by itself and destroys older keys after `sealing_overlap_seconds`. Do this when somebody may have read
    /// a sealing key.
    RotateSealingKey(Check),
    /// Manual pages and shell completions.
    #[command(flatten)]
    Manual(Manual),
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder to make; existing files in it are never overwritten.
    #[arg(long)]
    pub dir: PathBuf,
    /// A short name, unique in the cluster.
    #[arg(long)]
    pub name: String,
    /// Who runs this node.
    #[arg(long)]
    pub operator: String,
    /// host:port under which peers and the coordinator reach this node over UDP.
    #[arg(long)]
    pub address: String,
    /// Where to listen; by default all interfaces, with the port of --address.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Where health and metrics are served.
    #[arg(long, default_value = "127.0.0.1:4480")]
    pub admin: SocketAddr,
    /// Where the cluster file will be; relative to --dir.
    #[arg(long, default_value = "cluster.toml")]
    pub cluster: PathBuf,
    /// The folder that holds the store; relative to --dir.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
    /// Megabytes of memory to take when the node starts, so that computations do not wait for them; docs/operations.md says how
    /// many.
    #[arg(long, value_name = "MB", default_value_t = 0)]
    pub reserve_memory_mb: usize,
    /// Mark the keys as made by a demo.
    #[arg(long, hide = true)]
    pub demo: bool,
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The config file.
    #[arg(long)]
    pub config: PathBuf,
    /// Where logs go.
    #[command(flatten)]
    pub logging: Logging,
    /// Stop when standard input ends, so that the node never outlives the program that started it.
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

/// Arguments of `check-config` and `rotate-sealing-key`.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The config file.
    #[arg(long)]
    pub config: PathBuf,
}
