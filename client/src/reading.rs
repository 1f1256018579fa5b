//! How a contributor reads a job: coordinators show jobs to their buyers and contributors only, so the request is signed with the key
//! that will answer, or with that of the invitation as long as there is no other.

use std::path::Path;

use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::{Invitation, Shown};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};

use crate::authenticity::{self, AuthenticityError};
use crate::credentials::{self, HolderError};
use crate::http::Api;
use crate::keys;

/// A key, and what says that it is of a person who may read a job.
pub struct Pass {
    key: SecretKey,
    shown: Option<Shown>,
}

impl Pass {
    /// As whoever has the invitation.
    pub fn of_invitation(invitation: &Invitation) -> Self {
        Self {
            key: invitation.key.clone(),
            shown: Some(Shown::invitation(invitation)),
        }
    }

    /// As whoever has a key that is enrolled.
    pub fn of_key(key: SecretKey) -> Self {
        Self { key, shown: None }
    }

    /// All that a key file and the credentials beside it allow: as a person of each pool, and as one who is enrolled.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn of_file(path: &Path, cluster: &Cluster) -> Result<Vec<Self>, HolderError> {
        let key = keys::load(path)?;
        let in_pools = credentials::beside(path, cluster)?.into_iter().map(|credential| Self {
            key: key.clone(),
            shown: Some(Shown::Credential(credential)),
        });
        Ok(in_pools.chain([Self::of_key(key.clone())]).collect())
    }

    fn sign(&self, api: &Api, cluster: &Cluster) -> Api {
        api.clone().signed_as(self.key.clone(), cluster.digest(), self.shown.as_ref())
    }
}

/// Fetches and checks a job, with the first pass to which the coordinator shows it; without any, as anybody can read public jobs.
///
/// # Errors
/// As for [`authenticity::fetch_job`]; that there is no such job if it is shown to none.
pub async fn fetch_job(api: &Api, cluster: &Cluster, id: &JobId, passes: &[Pass]) -> Result<Job, AuthenticityError> {
    let (last, first) = match passes.split_last() {
        Some((last, first)) => (last.sign(api, cluster), first),
        None => (api.clone(), passes),
    };
    for pass in first {
        match authenticity::fetch_job(&pass.sign(api, cluster), cluster, id).await {
            Err(error) if error.is_unknown() => {}
            other => return other,
        }
    }
    authenticity::fetch_job(&last, cluster, id).await
}
