//! `issuer`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Group, Subcommand, ValueEnum};
use tacit_client::issuer::serve::PROLIFIC;

use super::Network;

const HELP: &str = "\
An issuer vouches that contributors are people, each with one number. A job's spec names a pool, the issuers' keys and how many must sign:

  issuers = { pool = \"staff-2026\", keys = [\"0b51...\", \"77aa...\", \"9c2e...\"], need = 2 }     # or \"pool.toml\" with these fields

Whom to trust with it: people who are not the buyer. See docs/security/issuers.md.

Examples, one issuer:
  tacit issuer keygen --out issuer.key
  tacit issuer invite people.csv --pool staff-2026 --key issuer.key --out invitations.csv
Two of three, each with the same pool.toml:
  tacit issuer invite people.csv --issuers pool.toml --key ann.key --out invitations.csv
  tacit issuer sign invitations.csv.request.json --key bob.key         at Bob's; he sends the file back
  tacit issuer invite people.csv --issuers pool.toml --key ann.key --out invitations.csv
Later:
  tacit issuer revoke 17 --issuers pool.toml --key ann.key --out revocation.json --cluster cluster.toml
  tacit issuer sign --count 200 --issuers pool.toml --key ann.key --out pool-size.json
  tacit issuer serve --pool prolific-7 --key issuer.key --study 60d9aadeb86739de712faee0 --token-file token --record given.jsonl";

/// `issuer`.
#[derive(Debug, Group)]
#[command(after_help = HELP)]
pub(crate) struct Issuer {
    /// What to do.
    #[command(subcommand)]
    pub command: IssuerCommand,
}

/// What an issuer does.
#[derive(Debug, Subcommand)]
pub(crate) enum IssuerCommand {
    /// Make an issuer's key, and print its public half.
    Keygen {
        /// The new file; an existing file is never overwritten.
        #[arg(long, value_name = "FILE", default_value = "issuer.key")]
        out: PathBuf,
    },
    /// Make an invitation for each person of a list; who has one keeps it. Takes over what other issuers have signed meanwhile.
    Invite {
        /// A CSV file with a column `person`, `email` or `name`.
        #[arg(value_name = "people.csv")]
        people: PathBuf,
        #[command(flatten)]
        pool: Pool,
        /// The file of invitations, with everybody's code: a secret that goes to each person alone.
        #[arg(long, value_name = "FILE", default_value = "invitations.csv")]
        out: PathBuf,
        /// Until when the new invitations are valid, like 2027-01-01T00:00:00Z: they are good in jobs that close by then.
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// Sign what another issuer has sent: invitations, a revocation or the size of a pool. Look into the file first: it is JSON.
    Sign {
        /// The file, which gets the signature; not with --count.
        #[arg(value_name = "FILE", required_unless_present = "count", conflicts_with = "count")]
        file: Option<PathBuf>,
        /// The issuer's key file.
        #[arg(long, value_name = "FILE", env = "TACIT_ISSUER_KEY")]
        key: PathBuf,
        /// Sign that the pool has so many credentials, into a new file.
        #[arg(long, value_name = "NUMBER", requires = "out")]
        count: Option<u32>,
        /// The name of a pool of which this key is the only issuer.
        #[arg(long, value_name = "NAME", requires = "count")]
        pool: Option<String>,
        /// The file of the pool: fields `pool`, `keys` and `need`.
        #[arg(long, value_name = "pool.toml", requires = "count", conflicts_with = "pool")]
        issuers: Option<PathBuf>,
        /// The new file.
        #[arg(long, value_name = "FILE", requires = "count")]
        out: Option<PathBuf>,
    },
    /// Revoke numbers of a pool: the coordinator and the nodes take no further answers of these people. What they hold counts.
    Revoke {
        /// The numbers; or, with --send, none.
        #[arg(value_name = "NUMBER", required_unless_present = "send", conflicts_with = "send")]
        numbers: Vec<u32>,
        /// Send a file that as many issuers as needed have signed.
        #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "pool", "issuers", "out"])]
        send: Option<PathBuf>,
        /// The issuer's key file.
        #[arg(long, value_name = "FILE", env = "TACIT_ISSUER_KEY", required_unless_present = "send")]
        key: Option<PathBuf>,
        /// The name of a pool of which this key is the only issuer.
        #[arg(long, value_name = "NAME", required_unless_present_any = ["send", "issuers"])]
        pool: Option<String>,
        /// The file of the pool: fields `pool`, `keys` and `need`.
        #[arg(long, value_name = "pool.toml", conflicts_with = "pool")]
        issuers: Option<PathBuf>,
        /// The new file. It is sent at once if --cluster or --coordinator is given and no other issuer must sign.
        #[arg(long, value_name = "FILE", default_value = "revocation.json")]
        out: PathBuf,
        #[command(flatten)]
        network: Network,
    },
    /// Run a service that invites whoever is active in a study of a platform that signs nothing.
    Serve(Serve),
}

/// A pool and the issuer's key.
#[derive(Debug, Group)]
pub(crate) struct Pool {
    /// The name of a pool of which this key is the only issuer.
    #[arg(long, value_name = "NAME", required_unless_present = "issuers")]
    pub pool: Option<String>,
    /// The file of the pool: fields `pool`, `keys` and `need`.
    #[arg(long, value_name = "pool.toml", conflicts_with = "pool")]
    pub issuers: Option<PathBuf>,
    /// The issuer's key file.
    #[arg(long, value_name = "FILE", env = "TACIT_ISSUER_KEY")]
    pub key: PathBuf,
}

/// `issuer serve`.
#[derive(Debug, Group)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub pool: Pool,
    /// The platform.
    #[arg(long, value_enum, default_value = "prolific")]
    pub platform: PlatformKind,
    /// Where the platform's API is.
    #[arg(long, value_name = "URL", default_value = PROLIFIC)]
    pub platform_url: String,
    /// The id of the study whose participants are invited.
    #[arg(long, value_name = "ID")]
    pub study: String,
    /// The file of the platform's token.
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
    /// The file that says who got which invitation: back it up, as the ledger beside the key. Without it nobody gets a code again.
    #[arg(long, value_name = "FILE")]
    pub record: PathBuf,
    /// Until when invitations are valid, like 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Where to listen. Put a proxy with TLS in front of it: codes are secrets.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    pub listen: SocketAddr,
}

/// A platform that the service can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlatformKind {
    /// prolific.com: the study's address has PROLIFIC_PID, STUDY_ID and SESSION_ID.
    Prolific,
}
