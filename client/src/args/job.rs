//! `job`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand, ValueEnum};
use tacit_protocol::job::JobId;

use super::Network;

const HELP: &str = "\
Examples:
  export TACIT_CLUSTER=cluster.toml TACIT_BUYER_KEY=buyer.key
  tacit keygen --out buyer.key
  tacit job create signs.toml --token-file token    prints the job's id
  tacit job watch 0199d9a4-6d5e-7c3a-a5cb-3f6f1d7d2f11
  tacit job close ID                                says what it will publish; asks if nobody answered
  tacit job close ID --yes                          for scripts: does not ask
  tacit job result ID                               tables, after everything was verified
  tacit job result ID --csv payouts > payouts.csv   or agreement, class-totals, labels, scores
  tacit job result ID --out result                  result.json, payouts.csv, certificate.json";

const CREATE_HELP: &str = "\
A spec is TOML, or JSON of the same fields if its name ends in .json:

  name = \"street signs, week 14\"
  question = { kind = \"categorical\", classes = [\"stop\", \"yield\"], text = \"Which sign?\" }
  items = \"items.csv\"              # beside the spec: id, and what is shown; or a list here
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

The file of items has a row for each: id, and what contributors see, in columns text (or url), or image and image_sha256 (as `sha256sum` prints it) \
and perhaps image_alt for screen readers, or left and right for two texts to compare, left_image, left_image_sha256, left_image_alt, and the same for right. \
Images have https addresses on at most 16 hosts, which must let pages of other hosts read them (CORS).

Gold answers leave this machine only as shares, each sealed to one node, as contributors' answers do: nobody else learns which items have gold. \
They are signed with a key that is made beside the spec, in SPEC.gold.key; what was sent is stored in SPEC.gold.key.JOB.d.";

/// `job`.
#[derive(Debug, Group)]
#[command(after_help = HELP)]
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
    /// Follow a job until it is published (exit code 0), has failed (8) or was cancelled (9). Connects again when the coordinator goes away.
    Watch {
        /// The id of the job.
        id: JobId,
        /// Give up, with exit code 7, when the coordinator has given no answer for so long.
        #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
        timeout: u64,
    },
    /// Close a job: no more submissions, compute the result. Says what the job will publish, and asks first if nobody has answered, or no
    /// item has answers of two people.
    Close {
        /// The id of the job.
        id: JobId,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
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
    /// measure,value,reason
    Agreement,
    /// class,answers
    ClassTotals,
    /// contributor,key,answers,agreement_with_label,agreement,beyond_chance,gold
    Scores,
}
