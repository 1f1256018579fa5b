//! The command line.

mod issuer;
mod local;

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use tacit_program::Manual;
use tacit_protocol::job::JobId;
use tacit_protocol::submission::SubmissionId;

pub(crate) use issuer::{Issuer, IssuerCommand, PlatformKind, Pool, Serve};
pub(crate) use local::{Bench, Demo};
#[cfg(target_os = "linux")]
pub(crate) use local::{Down, STANDING_CLUSTER, Up};

const EXAMPLES: &str = "\
Examples:
  tacit demo                                        see it run, on this machine, with real data
  tacit demo --answers mine.csv --out result        the same with your answers
  tacit bench --items 100000                        what a job of this size takes on this machine
  tacit up                                          a cluster on this machine that keeps running, for all that follows
  tacit keygen --out buyer.key
  tacit job create signs.toml --cluster cluster.toml --token-file token --buyer-key buyer.key
  tacit answer JOB --answers mine.csv --key my.key --cluster cluster.toml
  export TACIT_CLUSTER=cluster.toml TACIT_BUYER_KEY=buyer.key
  tacit job close JOB; tacit job watch JOB; tacit job result JOB --out result
  tacit verify result/result.json --cluster cluster.toml

Every command exits with 0 when it did what it says, 1 when not (one line on standard error says why), \
2 on wrong usage. `demo`, `bench` and `up` exit with 3 if `tacit-node` or `tacit-coordinator` is not installed beside `tacit`, and with 130, 143 or 129 if \
SIGINT (Ctrl-C), SIGTERM or SIGHUP (a closed terminal) ended them. `receipt` has exit codes of its own, which its help lists.";

const JOB_HELP: &str = "\
Examples:
  export TACIT_CLUSTER=cluster.toml TACIT_BUYER_KEY=buyer.key
  tacit keygen --out buyer.key
  tacit job create signs.toml --token-file token    prints the job's id
  tacit job watch 0199d9a4-6d5e-7c3a-a5cb-3f6f1d7d2f11
  tacit job result ID --csv payouts > payouts.csv
  tacit job result ID --out result                  result.json, payouts.csv, certificate.json";

const CREATE_HELP: &str = "\
A spec is TOML, or JSON of the same fields if its name ends in .json:

  name = \"street signs, week 14\"
  question = { kind = \"categorical\", classes = [\"stop\", \"yield\"], text = \"Which sign?\" }
  items = \"items.csv\"              # beside the spec: id[, text or url]; or a list here
  answers_per_item = 7             # at least 7 for labels of a sensitive job
  closes_at = 2026-12-01T00:00:00Z # optional
  sensitive = true                 # the default; false: answers are as good as public, no floors
  public = false                   # true: anyone may read spec, result and payouts
  release = [\"agreement\", \"class_totals\", \"payouts\"]     # also: labels; scores if not sensitive
  quorum = 3                       # optional: votes that a label needs, else no consensus; for labels
  label_rule = \"plurality\"         # or weighted
  weights = \"weights.csv\"          # for weighted: key,weight; or an earlier result.json with scores
  gold = \"gold.csv\"                # optional, beside the spec: item,answer
  issuers = \"pool.toml\"            # who vouches for contributors: see `tacit issuer`; needed if sensitive
  [payout]
  rule = \"peer_agreement_beyond_chance\"                # or peer_agreement, gold, flat
  currency = \"EUR\"
  base_per_item = 20000            # micro-units: 20000 are 0.02 EUR
  bonus_per_item = 20000
  budget = 500000000               # must cover the most that can fall due

Gold answers leave this machine only as shares, each sealed to one node, as contributors' answers do: nobody else learns which items have gold. \
They are signed with a key that is made beside the spec, in SPEC.gold.key; what was sent is stored in SPEC.gold.key.JOB.d.";

const ANSWER_HELP: &str = "\
Answers leave this machine only as shares, each sealed to one node. What is sent is stored beside the key, \
in KEY.JOB.d, so that the command can be run again after any interruption: it goes on where it stopped, and sends nothing twice.

Examples:
  tacit keygen --out alice.key
  tacit answer JOB --answers alice.csv --key alice.key --cluster cluster.toml
  tacit answer JOB --answers all.csv --key alice.key --contributor alice --cluster cluster.toml
Where the job names issuers, with the code that came from them, once:
  tacit answer JOB --answers alice.csv --invitation-file code.txt --cluster cluster.toml

Once the job is published, `tacit receipt` says which answers count, and why the others do not.";

const RECEIPT_HELP: &str = "\
Once the job is published, the signatures of all nodes are checked against the cluster file, every submission that has a receipt must be \
in what they signed, and the pay is worked out again from the terms that were answered. Nothing is taken on the coordinator's word \
but which items the answers that do not count are for: the nodes sign how many, and why.

Exit codes: 10 the nodes have not signed this, or for other terms; \
11 a record, or whom it says has refused a submission, does not fit what they signed, or is somebody else's; \
12 a submission was left out; 13 the numbers contradict each other; 14 the pay does not follow from them; \
15 a submission that was withdrawn is certified; 1 anything else.

Examples:
  tacit receipt JOB --key alice.key --cluster cluster.toml";

const WITHDRAW_HELP: &str = "\
Examples:
  tacit withdraw JOB --key alice.key --cluster cluster.toml";

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
#[command(name = "tacit", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
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
    /// Share and submit one contributor's answers to a job.
    Answer(Answer),
    /// Check what the nodes certify to one contributor: which answers count, and the pay.
    Receipt(Receipt),
    /// Take one contributor's answers back, before the job closes, with receipts of the nodes that have erased them.
    Withdraw(Withdraw),
    /// Verify a result offline, with the cluster file alone.
    Verify(Verify),
    /// Invite people to jobs, vouch for them and revoke: for issuers, who are not the buyer.
    Issuer(Issuer),
    /// Make the key of a contributor or of a buyer.
    Keygen(Keygen),
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

/// `job`.
#[derive(Debug, Group)]
#[command(after_help = JOB_HELP)]
pub(crate) struct Job {
    #[command(flatten)]
    pub network: Network,
    /// The file of the buyer's token; by default the token is read from the environment variable TACIT_TOKEN.
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// The buyer's key file, see `tacit keygen`; by default the one that the environment variable TACIT_BUYER_KEY names. Without a token, it
    /// signs requests for jobs whose terms it signed. Needs --cluster.
    #[arg(long, value_name = "FILE", global = true)]
    pub buyer_key: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: JobCommand,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// Open a job from a spec, and print its id. Needs the buyer's token, its key, which signs the job's terms, and --cluster.
    #[command(after_help = CREATE_HELP)]
    Create {
        /// The path of the spec, a TOML or JSON file.
        spec: PathBuf,
        /// The job's id: lower-case letters, digits and dashes; by default a new UUID. The same id with the same spec is no error.
        #[arg(long)]
        id: Option<JobId>,
    },
    /// List your jobs, newest first.
    List,
    /// Show the status of a job.
    Status {
        /// The id of the job.
        id: JobId,
    },
    /// Follow a job until it is published, cancelled or failed.
    Watch {
        /// The id of the job.
        id: JobId,
    },
    /// Close a job: no more submissions, compute the result.
    Close {
        /// The id of the job.
        id: JobId,
    },
    /// Cancel a job: nothing of it is computed or released, and the nodes erase what they have of it. Needs the buyer's key and --cluster.
    Cancel {
        /// The id of the job.
        id: JobId,
    },
    /// Fetch the result of a published job, and verify it if a cluster file is given.
    Result {
        /// The id of the job.
        id: JobId,
        /// Print this part as CSV.
        #[arg(long, value_enum)]
        csv: Option<Part>,
        /// Save result.json, payouts.csv and certificate.json here.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// A part of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// contributor,key,pay,currency,reference
    Payouts,
    /// item,label
    Labels,
}

/// `answer`.
#[derive(Debug, Group)]
#[command(after_help = ANSWER_HELP)]
pub(crate) struct Answer {
    /// The id of the job.
    pub job: JobId,
    /// A CSV file: item,contributor,answer. If it has several contributors, the rows of --contributor are sent.
    #[arg(long, value_name = "FILE.csv")]
    pub answers: PathBuf,
    /// The contributor's key file: see `tacit keygen`. Where the job names issuers, by default one that is made for the pool.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The invitation's code, where the job names issuers; it is needed once.
    #[arg(long, value_name = "CODE", conflicts_with = "invitation_file")]
    pub invitation: Option<String>,
    /// A file that holds the invitation's code.
    #[arg(long, value_name = "FILE")]
    pub invitation_file: Option<PathBuf>,
    /// Agree that your answers are as good as public, where the job says so; without it you are asked.
    #[arg(long)]
    pub public_answers: bool,
    /// The contributor's name as in the payouts; by default the one in the file. Where the job names issuers, whose rows are sent.
    #[arg(long, value_name = "NAME")]
    pub contributor: Option<String>,
    #[command(flatten)]
    pub network: Network,
}

/// `receipt`.
#[derive(Debug, Group)]
#[command(after_help = RECEIPT_HELP)]
pub(crate) struct Receipt {
    /// The id of the job.
    pub job: JobId,
    /// The contributor's key file; the receipts are beside it.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// What the issuers have signed of the size of the job's pool: it is shown beside the number of contributors.
    #[arg(long, value_name = "FILE")]
    pub pool_size: Option<PathBuf>,
    #[command(flatten)]
    pub network: Network,
}

/// `withdraw`.
#[derive(Debug, Group)]
#[command(after_help = WITHDRAW_HELP)]
pub(crate) struct Withdraw {
    /// The id of the job.
    pub job: JobId,
    /// The contributor's key file; what was sent is beside it, and the nodes' receipts are stored there.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// One submission, as `tacit receipt` shows its id; by default all of them.
    #[arg(long, value_name = "ID")]
    pub submission: Option<SubmissionId>,
    /// How long to wait for nodes that have not answered.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait_seconds: u64,
    #[command(flatten)]
    pub network: Network,
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
    /// Print what was certified as JSON.
    #[arg(long)]
    pub json: bool,
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
