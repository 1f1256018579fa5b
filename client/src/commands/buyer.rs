//! Who the buyer is to the coordinator: its token, or the key that has signed its jobs. What the command line names goes before what the
//! environment names.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::CommandFactory;
use clap::error::ErrorKind;
use tacit_client::http::Api;
use tacit_client::keys;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use zeroize::Zeroizing;

use super::connect::connect;
use super::token;
use crate::args::{self, Args, JobCommand};
use crate::exit::Cause;

const TOKEN: &str = "TACIT_TOKEN";
const KEY: &str = "TACIT_BUYER_KEY";

/// What identifies a buyer.
pub(super) struct Buyer {
    /// What requests carry; without it, the key signs them.
    token: Option<Zeroizing<String>>,
    /// The path of the buyer's key.
    key: Option<PathBuf>,
    /// Whether the command line names the key, and no token.
    only_key: bool,
}

impl Buyer {
    /// What command line and environment say. To create a job, token and key are needed; elsewhere each is enough, and naming both on the
    /// command line is wrong usage.
    pub(super) fn of(args: &args::Job) -> Result<Self> {
        let creates = matches!(args.command, JobCommand::Create { .. });
        let only_key = args.buyer_key.is_some() && !creates;
        if only_key && args.token_file.is_some() {
            let text = "--token-file and --buyer-key both say who you are: give one of them (`job create` alone needs both)";
            return Err(Args::command().error(ErrorKind::ArgumentConflict, text).into());
        }
        let token = match &args.token_file {
            Some(file) => Some(token::read(file)?),
            None if only_key => None,
            None => std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Zeroizing::new),
        };
        let from_environment = || std::env::var_os(KEY).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Self {
            token,
            key: args.buyer_key.clone().or_else(from_environment),
            only_key,
        })
    }

    /// A client of the coordinator whose requests are the buyer's, and the cluster file if one is given.
    pub(super) async fn connect(&self, network: &args::Network) -> Result<(Api, Option<Cluster>)> {
        let (api, cluster) = connect(network, self.token.as_ref().map(|token| token.as_str())).await?;
        let api = match (&self.token, &self.key, &cluster) {
            (None, Some(file), Some(cluster)) => api.signed_with(keys::load(file)?, cluster.digest()),
            // Without a cluster file nothing says for which cluster to sign.
            _ => {
                ensure!(
                    !self.only_key,
                    "give --cluster cluster.toml (or TACIT_CLUSTER): requests are signed for the cluster that it names"
                );
                api
            }
        };
        Ok((api, cluster))
    }

    /// The key that signs terms and cancellations.
    pub(super) fn key(&self) -> Result<SecretKey> {
        let file = self
            .key
            .as_ref()
            .with_context(|| format!("give --buyer-key FILE (or {KEY}): the buyer's key signs this, see `tacit keygen`"))?;
        Ok(keys::load(file)?)
    }
}

/// Fails early if there is neither a token nor a key, and the coordinator would refuse the request.
pub(super) fn need_buyer(api: &Api) -> Result<()> {
    if api.is_authenticated() {
        Ok(())
    } else {
        let text = format!("this needs its buyer: give --token-file FILE, or set {TOKEN}, or give --buyer-key FILE and --cluster");
        Err(Cause::Unauthorized.error(text))
    }
}

/// Fails early if there is no token and the coordinator would refuse the request.
pub(super) fn need_token(api: &Api) -> Result<()> {
    if api.has_token() {
        Ok(())
    } else {
        Err(Cause::Unauthorized.error(format!("this needs a buyer's token: give --token-file FILE, or set {TOKEN}")))
    }
}
