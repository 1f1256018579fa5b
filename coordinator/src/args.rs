//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tacit_program::{Logging, Manual};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;

use tacit_http_server::AddressRange;

/// The coordinator of a Tacit cluster: takes jobs and sealed answers, drives the nodes, publishes results.
#[derive(Debug, Parser)]
#[command(name = "tacit-coordinator", version, about)]
pub(crate) struct Args {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the coordinator.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a folder with a fresh identity key, a config file and a first buyer, and prints this coordinator's card for cluster.toml.
    ///
    /// The first buyer's token is printed on standard error: it is not stored and not shown again. Send the card to whoever makes
    /// cluster.toml (`tacit cluster create`), put that file beside config.toml, then `check-config` and `run`.
    Init(Init),
    /// Runs the coordinator until SIGTERM or SIGINT.
    Run {
        /// The config file.
        #[arg(long, env = "TACIT_COORDINATOR_CONFIG")]
        config: PathBuf,
        /// Where logs go.
        #[command(flatten)]
        logging: Logging,
        /// Stops when standard input ends, so that no process outlives the program that started it.
        #[arg(long, hide = true)]
        stop_with_stdin: bool,
    },
    /// Prints a new token and the entry that lets its holder open jobs.
    ///
    /// Give the token to the buyer: it is not stored and not shown again. Add the entry to the file of field `buyers` in the
    /// config file (buyers.toml) and restart the coordinator. To take the right back, remove the entry and restart.
    BuyerToken {
        /// The buyer's name, as it appears in logs.
        #[arg(long, default_value = "buyer")]
        name: String,
        /// The buyer's public key, as `tacit keygen` prints it. With it, token and key are the same buyer, and the token opens only jobs that
        /// this key has signed.
        #[arg(long)]
        key: Option<PublicKey>,
    },
    /// Reports everything that would keep the coordinator from running, and nodes it cannot reach, one line each.
    ///
    /// A running coordinator is not disturbed. Exits with 0 if nothing was found.
    CheckConfig {
        /// The config file.
        #[arg(long, env = "TACIT_COORDINATOR_CONFIG")]
        config: PathBuf,
    },
    /// Removes all that is stored of a job that has ended: results, names, pay, receipts. That there was the job stays, so that its id is
    /// not used again.
    ///
    /// A running coordinator need not be stopped. Without this command, jobs are purged after the time in field `retention`.
    Purge {
        /// The config file.
        #[arg(long, env = "TACIT_COORDINATOR_CONFIG")]
        config: PathBuf,
        /// The id of the job.
        job: JobId,
    },
    /// Manual pages and shell completions.
    #[command(flatten)]
    Manual(Manual),
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder; files in it are never overwritten.
    #[arg(long)]
    pub dir: PathBuf,
    /// Where buyers and contributors reach the HTTP API; by default http:// and --listen.
    #[arg(long)]
    pub url: Option<String>,
    /// Where the HTTP API listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where health and metrics are served; keep it private.
    #[arg(long, default_value = "127.0.0.1:4481")]
    pub admin: SocketAddr,
    /// An address, or a range such as 10.0.0.0/8, from which only reverse proxies connect to the HTTP API; may be given several times. To the
    /// coordinator a proxy is one client without a part of its own, so it has to limit its clients.
    #[arg(long = "proxy", value_name = "ADDRESSES")]
    pub proxies: Vec<AddressRange>,
    /// Where the cluster file will be; relative to --dir.
    #[arg(long, default_value = "cluster.toml")]
    pub cluster: String,
    /// The folder that holds the store; relative to --dir.
    #[arg(long, default_value = "data")]
    pub data: String,
    /// Marks the files as made by a demo.
    #[arg(long, hide = true)]
    pub demo: bool,
}
