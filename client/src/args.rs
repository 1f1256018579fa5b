//! The command line.

mod contributor;
mod issuer;
mod job;
mod local;
mod web;

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand};
use tacit_program::Manual;

use crate::exit;
use crate::output::Format;
pub(crate) use contributor::{Answer, Consent, ConsentCommand, ContributorKey, Items, Receipt, Withdraw};
pub(crate) use issuer::{Issuer, IssuerCommand, PlatformKind, Pool, Serve};
pub(crate) use job::{Job, JobCommand, Part};
pub(crate) use local::{Bench, Demo};
#[cfg(target_os = "linux")]
pub(crate) use local::{Down, STANDING_CLUSTER, Up};
pub(crate) use web::Web;

const EXAMPLES: &str = "\
Examples:
  tacit demo                                        see it run, on this machine, with real data
  tacit demo --answers mine.csv --out result        the same with your answers
  tacit bench --items 100000                        what a job of this size takes on this machine
  tacit up                                          a cluster on this machine that keeps running, for all that follows
  tacit keygen --out buyer.key
  tacit job create signs.toml --cluster cluster.toml --token-file token --buyer-key buyer.key
  tacit items JOB --key my.key --contributor me --template mine.csv --cluster cluster.toml
  tacit answer JOB --answers mine.csv --key my.key --cluster cluster.toml
  export TACIT_CLUSTER=cluster.toml TACIT_BUYER_KEY=buyer.key
  tacit job close JOB; tacit job watch JOB; tacit job result JOB --out result
  tacit verify result/result.json --cluster cluster.toml
  tacit job status JOB --json | jq .contributors

A command that fails says why on one line of standard error. With --json standard output is one JSON document on one line, with the \
facts that the text shows; docs/command-line.md says which. `job watch --json` prints a document for each change, `completions` and `man` have no JSON.
";

const VERIFY_HELP: &str = "\
The cluster file is what you trust: get it from the operators, not from the coordinator. Everything else is \
recomputed: the nodes' signatures are checked, result.json and payouts.csv are made again from the certificate and compared byte for byte.

Examples:
  tacit verify tacit-demo-out/result.json --cluster tacit-demo-out/cluster.toml
  tacit verify result/result.json --cluster cluster.toml --spec signs.toml
  tacit verify certificate.json --cluster cluster.toml --json";

const CLUSTER_HELP: &str = "\
Every operator runs `tacit-node init`, whoever runs the coordinator `tacit-coordinator init`, and sends the card that it prints, \
which holds no secret. One of them makes cluster.toml from the cards and sends it to all. Then they meet, in a call where they know each other's voices: \
each runs `show` on its own copy, one reads the digest aloud, and each reads the fingerprint of its own keys, which its `init` printed as well. \
Whoever has the same digest has the same file.

Examples:
  tacit cluster create --name \"street signs\" --threshold 1 coordinator.toml node-1.toml node-2.toml node-3.toml
  cat cards/*.toml | tacit cluster create --name \"street signs\" --threshold 1 -
  tacit cluster show cluster.toml";

/// Scores the agreement of people who label data, without anyone seeing their answers.
#[derive(Debug, Parser)]
#[command(name = "tacit", version, after_help = after_help())]
pub(crate) struct Args {
    /// Print one JSON document on one line instead of text; an error is the last line of standard error, as JSON too.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

fn after_help() -> String {
    format!("{EXAMPLES}\n{}", exit::help())
}

impl Args {
    /// For whom the command prints what it has found or done.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole cluster on this machine: nodes, coordinator, contributors, a verified result.
    Demo(Demo),
    /// Measure a whole cluster on this machine: time, memory and messages of a job of a given size, by phase.
    Bench(Bench),
    /// Start a cluster on this machine that keeps running, with a token, keys and invitations to try everything; again, to go on with it.
    #[cfg(target_os = "linux")]
    Up(Up),
    /// Stop the cluster of `tacit up`. Its files, keys and jobs stay.
    #[cfg(target_os = "linux")]
    Down(Down),
    /// Make the cluster file from the members' cards, and show what to compare.
    Cluster(Cluster),
    /// Create, follow and close validation jobs, and fetch their results.
    Job(Job),
    /// Show what a job asks, pays and publishes, and its items; write a file of answers to fill in.
    Items(Items),
    /// Share and submit one contributor's answers to a job; later runs send what is new.
    Answer(Answer),
    /// Check what the nodes certify to one contributor: which answers count, and the pay.
    Receipt(Receipt),
    /// Show what a contributor has agreed to, so that anybody can check it.
    Consent(Consent),
    /// Take one contributor's answers back, before the job closes, with receipts of the nodes that have erased them.
    Withdraw(Withdraw),
    /// Verify a result offline, with the cluster file alone.
    Verify(Verify),
    /// Invite people to jobs, vouch for them and revoke: for issuers, who are not the buyer.
    Issuer(Issuer),
    /// Make the key of a contributor or of a buyer.
    Keygen(Keygen),
    /// Serve the page on which contributors answer and buyers run their jobs.
    Web(Web),
    /// Ask a node or coordinator whether it is alive or ready, as a container's health check: exit code 0 if it is.
    Probe(Probe),
    /// Manual pages and shell completions.
    #[command(flatten)]
    Manual(Manual),
}

/// `cluster`.
#[derive(Debug, Group)]
#[command(after_help = CLUSTER_HELP)]
pub(crate) struct Cluster {
    /// What to do.
    #[command(subcommand)]
    pub command: ClusterCommand,
}

/// What to do with cluster files.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make a cluster file from cards, with the nodes in the given order, and print what `show` prints.
    Create {
        /// A name for people.
        #[arg(long)]
        name: String,
        /// How many nodes may be corrupt without learning or changing anything: below half of the nodes.
        #[arg(long)]
        threshold: usize,
        /// The new file; an existing file is never overwritten.
        #[arg(long, value_name = "cluster.toml", default_value = "cluster.toml")]
        out: PathBuf,
        /// The cards that `tacit-node init` and `tacit-coordinator init` printed; - for standard input.
        #[arg(required = true, value_name = "CARD")]
        cards: Vec<PathBuf>,
    },
    /// Print a cluster file's digest and members, to compare them by voice.
    Show {
        /// The cluster file.
        #[arg(value_name = "cluster.toml")]
        file: PathBuf,
    },
}

/// The coordinator, and the cluster file that is trusted.
#[derive(Debug, Group)]
pub(crate) struct Network {
    /// The coordinator; by default the one in the cluster file.
    #[arg(long, value_name = "URL", env = "TACIT_COORDINATOR", global = true)]
    pub coordinator: Option<String>,
    /// The cluster file from the operators: what this command trusts. The coordinator must have the same file.
    #[arg(long, value_name = "cluster.toml", env = "TACIT_CLUSTER", global = true)]
    pub cluster: Option<PathBuf>,
    /// Allow http:// to another machine. Anyone on the network path can read the token and change what you see.
    #[arg(long, global = true)]
    pub insecure: bool,
}

/// `verify`.
#[derive(Debug, Group)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct Verify {
    /// A result.json or certificate.json; the files beside it are checked with it.
    pub path: PathBuf,
    /// The cluster file.
    #[arg(long, value_name = "cluster.toml", env = "TACIT_CLUSTER")]
    pub cluster: PathBuf,
    /// The job's spec as its buyer wrote it: verify that the result is of exactly that job.
    #[arg(long)]
    pub spec: Option<PathBuf>,
    /// What the issuers have signed of the size of the job's pool: see `tacit issuer sign --count`.
    #[arg(long, value_name = "FILE")]
    pub pool_size: Option<PathBuf>,
}

/// `keygen`.
#[derive(Debug, Group)]
pub(crate) struct Keygen {
    /// The new file; an existing file is never overwritten.
    #[arg(long, value_name = "FILE", default_value = "contributor.key")]
    pub out: PathBuf,
}

/// `probe`.
#[derive(Debug, Group)]
pub(crate) struct Probe {
    /// /livez or /readyz of an admin port, as in http://127.0.0.1:4480/readyz.
    pub url: String,
}
