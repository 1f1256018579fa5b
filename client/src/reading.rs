//! How a contributor reads a job: coordinators show jobs to their buyers and contributors only, so the request is signed with the key
//! that will answer, or with that of the invitation as long as there is no other.

use std::path::Path;

use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::{Invitation, Shown};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};

use crate::authenticity::{self, AuthenticityError};
use crate::credentials::{self, PoolContributorError};
use crate::http::Api;
use crate::keys;

/// As whom a job is read: a key, and what says that it is of a person of a pool if it is.
pub struct JobReader {
    key: SecretKey,
    shown: Option<Shown>,
}

impl JobReader {
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
    pub fn of_file(path: &Path, cluster: &Cluster) -> Result<Vec<Self>, PoolContributorError> {
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

/// Fetches and checks a job, as the first reader to whom the coordinator shows it; without any, as anybody can read public jobs.
///
/// # Errors
/// As for [`authenticity::fetch_job`]; that there is no such job if it is shown to none.
pub async fn fetch_job(api: &Api, cluster: &Cluster, id: &JobId, readers: &[JobReader]) -> Result<Job, AuthenticityError> {
    let (last, first) = match readers.split_last() {
        Some((last, first)) => (last.sign(api, cluster), first),
        None => (api.clone(), readers),
    };
    for reader in first {
        match authenticity::fetch_job(&reader.sign(api, cluster), cluster, id).await {
            Err(error) if error.is_unknown() => {}
            other => return other,
        }
    }
    authenticity::fetch_job(&last, cluster, id).await
}
