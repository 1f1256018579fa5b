//! The commands that run a whole cluster on this machine.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};
use tacit_protocol::job::PayRule;

const DEMO_HELP: &str = "\
Answers are a CSV file with the header item,contributor,answer (or task,worker,label), in any order; \
other columns are ignored; an empty answer is no answer. Without --answers: the bundled data set DICES-350, \
123 people on the safety of 350 chatbot answers (CC BY 4.0).

Examples:
  tacit demo
  tacit demo --explain --report demo.html
  tacit demo --answers votes.csv --classes yes,no --nodes 5 --threshold 2
  tacit demo --release-scores --pay-rule flat --base 50000 --out out

Ctrl-C (exit code 130), SIGTERM (143) and a closed terminal or SIGHUP (129) stop all processes and remove the temporary folder with their keys. \
After SIGKILL, which no program can handle, the other processes stop by themselves, and the folder tacit-cluster-* stays in /tmp: remove it.";

const BENCH_HELP: &str = "\
One coordinator and N nodes run as separate processes on this machine, over QUIC and HTTP on loopback. Made-up contributors, each right about \
four times of five, answer a job that releases everything: labels, agreement, class totals, scores, pay. The certified result is \
compared with that of the answers in the clear; if they differ, the exit code is 1. Linux only.

Phases, one row each:
  share          this process, on one core: shares, seals and signs all answers; they wait on disk
  ingest         uploads until every node has stored every submission; CPU of all processes, bytes brought to the node that got most
  accepted_set, keys, validate, labels, agreement, verify, release
                 the nodes' own, each with all its time, by their metrics: wall of the slowest node, CPU of all nodes, rounds, bytes sent by the \
node that sent most. CPU is read about every 50 ms and goes to the phases of the rounds since: where phases are shorter, it is an estimate
  certificate    what is left of the time to the certificate, and the coordinator's CPU
Not counted: start, opening the job, enrolment. When they start, nodes take the memory that the job needs, like nodes that have computed such a job before; \
`--reserve-memory-mb 0` measures the first job of a node that reserves nothing. The processor clock counts in hundredths of a second. Loopback only: no file system or network of a cloud.

--delay puts a relay in front of each node that delays every datagram by this many milliseconds; the round-trip time is twice that. \
It also holds between coordinator and nodes. Relays run in this process, beside everything else on the machine.

Examples:
  tacit bench
  tacit bench --items 100000 --out before.json
  tacit bench --items 100000 --compare before.json
  tacit bench --items 100000 --delay 40

Signals end it as they end `tacit demo`: see there.";

#[cfg(target_os = "linux")]
const UP_HELP: &str = "\
A coordinator, the nodes and the page for browsers run on ports of this machine that others cannot reach, each with a folder in DIR. They run until `tacit down` or the end of the \
system, also after the terminal is closed. DIR also has cluster.toml, the buyer's token and key, an issuer's pool with invitations, and an example of a job. Logs are in DIR/NAME/log.txt.

If everything runs already, the command says so and exits with 0. If something has ended, it starts that again, with the same ports, keys and jobs. \
If it fails or is interrupted, it stops what it has started itself. Exit codes: 130, 143 and 129 if SIGINT, SIGTERM or SIGHUP interrupted it; 3 if \
`tacit-node` or `tacit-coordinator` is not beside `tacit`.

One person controls all nodes here, so answers are protected from nobody who controls this machine: for trying out only.

Examples:
  tacit up
  tacit up --dir seven --nodes 7 --threshold 3
  tacit up --monitor
  tacit down";

/// `demo`.
#[derive(Debug, Group)]
#[command(after_help = DEMO_HELP)]
pub(crate) struct Demo {
    /// A CSV file of answers; by default the bundled data set.
    #[arg(long, value_name = "FILE.csv")]
    pub answers: Option<PathBuf>,
    /// The classes, separated by commas; in a tie, the label is the class listed first. By default the classes that occur, sorted.
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub classes: Option<Vec<String>>,
    /// The number of nodes.
    #[arg(long, default_value_t = 3)]
    pub nodes: usize,
    /// How many nodes may be corrupt without learning or changing anything: below half of the nodes.
    #[arg(long, default_value_t = 1)]
    pub threshold: usize,
    /// Release each contributor's agreement scores too.
    #[arg(long)]
    pub release_scores: bool,
    /// How pay follows from answers.
    #[arg(long, value_enum, value_name = "RULE", default_value_t = Rule::PeerAgreementBeyondChance)]
    pub pay_rule: Rule,
    /// Base pay for each answer, in micro-units (10^-6 of the currency).
    #[arg(long, value_name = "MICRO", default_value_t = 20_000)]
    pub base: u64,
    /// Bonus for each answer, in micro-units, at most the base; by default 20000 or the base, whichever is less.
    #[arg(long, value_name = "MICRO")]
    pub bonus: Option<u64>,
    /// The currency of the pay.
    #[arg(long, default_value = "EUR")]
    pub currency: String,
    /// Show what became of one answer: its shares, what node-1 holds of it, and the verified numbers beside those computed in the clear. The
    /// answer is the first one in the file. Fails if the numbers differ.
    #[arg(long)]
    pub explain: bool,
    /// Write all of this with plots to one HTML page, which needs no network. A file that no earlier run wrote is never overwritten.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Where result.json, payouts.csv, certificate.json and cluster.toml are written.
    #[arg(long, value_name = "DIR", default_value = "tacit-demo-out")]
    pub out: PathBuf,
    /// Keep the folders of nodes and coordinator here, with their logs; by default they are temporary.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Fail after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

/// `bench`.
#[derive(Debug, Group)]
#[command(after_help = BENCH_HELP)]
pub(crate) struct Bench {
    /// The number of items.
    #[arg(long, value_name = "M", default_value_t = 10_000)]
    pub items: usize,
    /// How many answers each item gets, at least 2.
    #[arg(long, value_name = "R", default_value_t = 5)]
    pub answers_per_item: usize,
    /// How many classes, at least 2.
    #[arg(long, value_name = "K", default_value_t = 10)]
    pub classes: usize,
    /// The number of contributors; by default one for each 100 items, but at least twice as many as answer an item.
    #[arg(long, value_name = "C")]
    pub contributors: Option<usize>,
    /// How many issuers have signed the credential of each contributor; with none, contributors are enrolled.
    #[arg(long, value_name = "I", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=16))]
    pub issuers: u8,
    /// The number of nodes.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub nodes: usize,
    /// How many nodes may be corrupt: below half of the nodes.
    #[arg(long, value_name = "t", default_value_t = 1)]
    pub threshold: usize,
    /// The seed of the answers: the same seed gives the same answers.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Delay every datagram between members of the cluster by this many milliseconds, in each direction.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub delay: u64,
    /// Megabytes of memory that each node reserves at its start; by default as much as the job needs, like nodes that have computed such a job
    /// before.
    #[arg(long, value_name = "MB")]
    pub reserve_memory_mb: Option<usize>,
    /// Write what was measured to this file, as --json prints it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print ratios to what an earlier run wrote with --out, new over old; with --json there are none.
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// Keep the folders of nodes and coordinator here, with their logs; by default they are temporary.
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Fail after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

/// Where `up` makes a cluster unless it is told otherwise.
#[cfg(target_os = "linux")]
pub(crate) const STANDING_CLUSTER: &str = "tacit-cluster";

/// `up`.
#[cfg(target_os = "linux")]
#[derive(Debug, Group)]
#[command(after_help = UP_HELP)]
pub(crate) struct Up {
    /// The folder of the cluster: a new or empty one, or that of an earlier `tacit up`.
    #[arg(long, value_name = "DIR", default_value = STANDING_CLUSTER)]
    pub dir: PathBuf,
    /// The number of nodes of a new cluster; by default 3.
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// How many nodes of a new cluster may be corrupt: below half of the nodes; by default 1.
    #[arg(long, value_name = "T")]
    pub threshold: Option<usize>,
    /// Also run Prometheus with the rules for operators, where it is installed; from then on always with this cluster.
    #[arg(long)]
    pub monitor: bool,
}

/// `down`.
#[cfg(target_os = "linux")]
#[derive(Debug, Group)]
pub(crate) struct Down {
    /// The folder of the cluster.
    #[arg(long, value_name = "DIR", default_value = STANDING_CLUSTER)]
    pub dir: PathBuf,
}

/// A pay rule.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Rule {
    /// The base for every answer.
    Flat,
    /// A bonus for agreeing with peers.
    PeerAgreement,
    /// A bonus for agreeing with peers more than answers to other items would.
    PeerAgreementBeyondChance,
}

impl From<Rule> for PayRule {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Flat => Self::Flat,
            Rule::PeerAgreement => Self::PeerAgreement,
            Rule::PeerAgreementBeyondChance => Self::PeerAgreementBeyondChance,
        }
    }
}
