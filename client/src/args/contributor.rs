//! The command line of contributors.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};
use tacit_protocol::job::JobId;
use tacit_protocol::submission::SubmissionId;

use super::Network;

const ANSWER_HELP: &str = "\
Answers leave this machine only as shares, each sealed to one node. What is sent is stored beside the key, \
in KEY.JOB.d, so that the command can be run again after any interruption, with more answers in the file or with another file: it sends \
what is new, and nothing twice. The coordinator is asked what this key has sent from elsewhere.

An answer that was sent is not replaced. If the file has another one now, the command says in which line, sends everything else, exits \
with 1, and \
names the command that takes the old answer back with its submission; then run this again, which sends the answers of that submission anew.

Examples:
  tacit keygen --out alice.key
  tacit items JOB --key alice.key --contributor alice --template alice.csv --cluster cluster.toml
  tacit answer JOB --answers alice.csv --key alice.key --cluster cluster.toml
  tacit answer JOB --answers all.csv --key alice.key --contributor alice --cluster cluster.toml
Where the job names issuers, with the code that came from them, once:
  tacit answer JOB --answers alice.csv --invitation-file code.txt --cluster cluster.toml

Once the job is published, `tacit receipt` says which answers count, and why the others do not.";

const RECEIPT_HELP: &str = "\
Once the job is published, the signatures of all nodes are checked against the cluster file, every submission that has a receipt must be \
in what they signed, and the pay is worked out again from the terms that were answered. Nothing is taken on the coordinator's word \
but which items the answers that do not count are for: the nodes sign how many, and why. On another machine with the same key the command \
says what it cannot check without what the first one has kept.

Exit codes: 10 the nodes have not signed this, or for other terms; \
11 a record, or whom it says has refused a submission, does not fit what they signed, or is somebody else's; \
12 a submission was left out; 13 the numbers contradict each other; 14 the pay does not follow from them; \
15 a submission that was withdrawn is certified; others as `tacit --help` lists them.

Examples:
  tacit receipt JOB --key alice.key --cluster cluster.toml";

const CONSENT_HELP: &str = "\
`tacit answer` says what a job publishes about you, and stores what you agree to, signed with your key, beside the key. Nobody else gets it. \
What is sent carries a salted digest of it, which the coordinator and the nodes sign with the rest: so you, and nobody else, can show later \
what you have agreed to, and anybody can check it with the cluster file.

Examples:
  tacit consent prove JOB --key alice.key --out consent.json --cluster cluster.toml
  tacit consent verify consent.json --cluster cluster.toml";

const WITHDRAW_HELP: &str = "\
What the same key has sent from another machine is taken back as well, as far as the coordinator says that there is some.

Examples:
  tacit withdraw JOB --key alice.key --cluster cluster.toml";

const ITEMS_HELP: &str = "\
A job that is not public is shown to its contributors only. If the key is not enrolled yet, --contributor enrols it under this name, for \
good; where the job names issuers, give the invitation once.

In the template, write an answer of the job's classes into the column `answer` of each item that you want to answer, and leave the \
others empty. `tacit answer` reads it as it is, in as many sittings as you like. It has no items that this key has answered before.

Examples:
  tacit items JOB --key alice.key --cluster cluster.toml
  tacit items JOB --key alice.key --csv > items.csv
  tacit items JOB --key alice.key --contributor alice --template alice.csv";

/// `items`.
#[derive(Debug, Group)]
#[command(after_help = ITEMS_HELP)]
pub(crate) struct Items {
    /// The id of the job.
    pub job: JobId,
    #[command(flatten)]
    pub who: ContributorKey,
    /// The contributor's name, for the template, and to enrol the key under if it has no name yet.
    #[arg(long, value_name = "NAME")]
    pub contributor: Option<String>,
    /// Print all items as CSV, and nothing else.
    #[arg(long, conflicts_with = "template")]
    pub csv: bool,
    /// Write a file to fill in: item,contributor,answer, and text where the items have one. An existing file is never overwritten.
    #[arg(long, value_name = "FILE.csv")]
    pub template: Option<PathBuf>,
    #[command(flatten)]
    pub network: Network,
}

/// With which key a contributor reads or answers a job.
#[derive(Debug, Group)]
pub(crate) struct ContributorKey {
    /// The contributor's key file: see `tacit keygen`. Where the job names issuers, by default one that is made for the pool.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The invitation's code, where the job names issuers; it is needed once.
    #[arg(long, value_name = "CODE", conflicts_with = "invitation_file")]
    pub invitation: Option<String>,
    /// A file that holds the invitation's code.
    #[arg(long, value_name = "FILE")]
    pub invitation_file: Option<PathBuf>,
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
    #[command(flatten)]
    pub who: ContributorKey,
    /// Agree that your answers are as good as public, where the job says so; without it you are asked.
    #[arg(long)]
    pub public_answers: bool,
    /// Whose rows of the file are sent; by default those of the only contributor in it, or those that were sent before. It is also the
    /// name in the payouts, unless the job names issuers.
    #[arg(long, value_name = "NAME")]
    pub contributor: Option<String>,
    /// The name that the key is enrolled under, and that stands in the payouts, where the file spells it in another way. A key has one
    /// name for good.
    #[arg(long, value_name = "NAME")]
    pub enrolled_as: Option<String>,
    /// Send answers that were withdrawn again, although they have not changed. Where everything was withdrawn, or an answer of the same
    /// submission has changed, they are sent without this.
    #[arg(long)]
    pub send_withdrawn: bool,
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

/// `consent`.
#[derive(Debug, Group)]
#[command(after_help = CONSENT_HELP)]
pub(crate) struct Consent {
    /// What to do.
    #[command(subcommand)]
    pub command: ConsentCommand,
}

/// What to do with consents.
#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Write a file that shows to anybody what you have agreed to, and who has signed for what you have sent under it.
    Prove {
        /// The id of the job.
        job: JobId,
        /// The contributor's key file; the record of consent is beside it.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The new file; an existing file is never overwritten.
        #[arg(long, value_name = "FILE.json")]
        out: PathBuf,
        #[command(flatten)]
        network: Network,
    },
    /// Check such a file, with the cluster file alone.
    Verify {
        /// The file.
        file: PathBuf,
        /// The cluster file.
        #[arg(long, value_name = "cluster.toml", env = "TACIT_CLUSTER")]
        cluster: PathBuf,
    },
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
