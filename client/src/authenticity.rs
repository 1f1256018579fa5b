//! Checks that the coordinator and its jobs are authentic. The trust anchor is the cluster file.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Job, JobError, JobId};
use thiserror::Error;

use crate::http::{Api, ApiError};

/// Why a cluster or a job is not authentic.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthenticityError {
    /// The request to the coordinator failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The coordinator has another cluster file.
    #[error(
        "the coordinator at {url} is of another cluster: its cluster file has digest {theirs}, the one given here {ours}; \
             nothing was sent. Compare the two files with the operators"
    )]
    OtherCluster {
        /// The address of the coordinator.
        url: String,
        /// The digest of its file.
        theirs: Digest,
        /// The digest of ours.
        ours: Digest,
    },
    /// The spec is not that of a valid job.
    #[error("job {id}: the coordinator's spec is refused: {error}")]
    Job {
        /// The id of the job.
        id: JobId,
        /// What is wrong.
        error: JobError,
    },
    /// The spec does not have the job's digest.
    #[error("job {id}: the coordinator's spec is not the one it names in the job's digest; nothing was sent")]
    OtherSpec {
        /// The id of the job.
        id: JobId,
    },
}

impl AuthenticityError {
    /// The kind of problem that the coordinator has answered, if it has.
    pub fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Api(error) => error.kind(),
            _ => None,
        }
    }

    /// Whether the coordinator has answered that there is no such job, or none that may be read.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_unknown())
    }
}

/// Checks that the coordinator has the same cluster file, byte for byte.
pub async fn check_coordinator(api: &Api, cluster: &Cluster) -> Result<(), AuthenticityError> {
    let theirs = api.cluster().await?.digest;
    let ours = cluster.digest();
    if theirs == ours {
        Ok(())
    } else {
        Err(AuthenticityError::OtherCluster {
            url: api.url().to_owned(),
            theirs,
            ours,
        })
    }
}

/// Fetches a job's spec and checks that its buyer has signed it for this cluster, and that it has the job's digest.
pub async fn fetch_job(api: &Api, cluster: &Cluster, id: &JobId) -> Result<Job, AuthenticityError> {
    let status = api.status(id).await?;
    let spec = api.spec(id).await?;
    let job = Job::open(&cluster.digest(), id.clone(), spec).map_err(|error| AuthenticityError::Job { id: id.clone(), error })?;
    if job.digest() == status.digest {
        Ok(job)
    } else {
        Err(AuthenticityError::OtherSpec { id: id.clone() })
    }
}
