//! The jobs that were created on this machine. The digest of a job's terms is kept when the job is created, and whatever is later
//! fetched for the job must be of these terms: an id alone does not say what was computed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::{Job, JobId};
use thiserror::Error;

use crate::files::{self, Access, FileError};
use crate::state_folder::state_folder;

/// A job that was created on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownJob {
    /// The id of the job.
    pub job: JobId,
    /// The digest of its terms.
    pub digest: Digest,
    /// The digest of the cluster file that it was signed for.
    pub cluster: Digest,
    /// The key of the buyer who signed it.
    pub buyer: PublicKey,
    /// Whether the coordinator has refused to open it, and so did not take the id. It holds the signed terms all the same and may open them
    /// later, so the digest is never forgotten; but another job of this id may take its place.
    pub refused: bool,
}

/// Why a job cannot be kept, or is not the one that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KnownJobError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not hold a known job.
    #[error("{0}: damaged: it should hold the digest of a job that was created here")]
    Damaged(PathBuf),
    /// Another job was created under this id.
    #[error("{path}: another job was created here under the id {job}: choose another id")]
    IdTaken {
        /// The file that holds the other job.
        path: PathBuf,
        /// The id.
        job: JobId,
    },
    /// The job of this id was created for another cluster.
    #[error("job {job} was created here for another cluster, of digest {ours}: give its cluster file, not the one of digest {theirs}")]
    OtherCluster {
        /// The id.
        job: JobId,
        /// The digest of the given cluster file.
        theirs: Digest,
        /// The digest of the cluster file that the job was signed for.
        ours: Digest,
    },
    /// Something is of another job with the same id.
    #[error(
        "job {job}: {what} is of other terms than the job that was created here: their digest is {theirs}, the one kept here {ours}; \
         do not use it, and tell the operators"
    )]
    OtherTerms {
        /// The id.
        job: JobId,
        /// What was compared.
        what: &'static str,
        /// The digest of its terms.
        theirs: Digest,
        /// The digest that was kept.
        ours: Digest,
    },
}

impl KnownJob {
    /// What is kept of a job that is signed for the cluster of this digest.
    pub fn of(job: &Job, cluster: Digest) -> Self {
        Self {
            job: job.id().clone(),
            digest: job.digest(),
            cluster,
            buyer: job.terms().buyer,
            refused: false,
        }
    }

    /// The job of this id, if it was created on this machine; `cluster` is the digest of the cluster file that is used, if there is one.
    ///
    /// # Errors
    /// The file that keeps it cannot be read, or the job was created for another cluster.
    pub fn look_up(job: &JobId, cluster: Option<&Digest>) -> Result<Option<Self>, KnownJobError> {
        let Some(folder) = folder() else { return Ok(None) };
        let known = read(&folder.join(file_name(job)), job)?;
        match (&known, cluster) {
            (Some(known), Some(theirs)) if known.cluster != *theirs => Err(KnownJobError::OtherCluster {
                job: job.clone(),
                theirs: *theirs,
                ours: known.cluster,
            }),
            _ => Ok(known),
        }
    }

    /// Keeps the job beside its spec, and in the user's folder, where [`Self::look_up`] finds it. Returns whether it was not kept before, or
    /// only as one that was refused.
    ///
    /// # Errors
    /// Another job was kept under this id and not refused, or a file cannot be written.
    pub fn keep(&self, spec: &Path) -> Result<bool, KnownJobError> {
        if let Some(folder) = folder() {
            files::make_folder(&folder, Access::Private)?;
        }
        let paths = self.paths(spec);
        let mut is_new = true;
        for path in &paths {
            match read(path, &self.job)?.filter(|kept| !kept.refused) {
                None => {}
                Some(kept) if kept == *self => is_new = false,
                Some(_) => {
                    return Err(KnownJobError::IdTaken {
                        path: path.clone(),
                        job: self.job.clone(),
                    });
                }
            }
        }
        for path in &paths {
            self.write(path)?;
        }
        Ok(is_new)
    }

    /// Keeps a new job as one that the coordinator has refused to open, so that another one may be created under its id.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn keep_as_refused(mut self, spec: &Path) -> Result<(), KnownJobError> {
        self.refused = true;
        self.paths(spec).iter().try_for_each(|path| self.write(path))
    }

    fn write(&self, path: &Path) -> Result<(), KnownJobError> {
        let text = serde_json::to_vec_pretty(self).map_err(|_| KnownJobError::Damaged(path.to_owned()))?;
        Ok(files::write(path, &text, Access::Public)?)
    }

    fn paths(&self, spec: &Path) -> Vec<PathBuf> {
        let mut beside = spec.as_os_str().to_owned();
        beside.push(format!(".{}.job", self.job));
        let in_folder = folder().map(|folder| folder.join(file_name(&self.job)));
        [Some(PathBuf::from(beside)), in_folder].into_iter().flatten().collect()
    }

    /// Checks that something is of the terms of this job.
    ///
    /// # Errors
    /// [`KnownJobError::OtherTerms`].
    pub fn check(&self, what: &'static str, digest: &Digest) -> Result<(), KnownJobError> {
        if *digest == self.digest {
            return Ok(());
        }
        Err(KnownJobError::OtherTerms {
            job: self.job.clone(),
            what,
            theirs: *digest,
            ours: self.digest,
        })
    }
}

fn file_name(job: &JobId) -> String {
    format!("{job}.json")
}

/// The folder of the user's jobs; `None` where the user has no home.
fn folder() -> Option<PathBuf> {
    Some(state_folder()?.join("jobs"))
}

/// The job of this id that a file keeps; `None` if there is no file.
fn read(path: &Path, job: &JobId) -> Result<Option<KnownJob>, KnownJobError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::new(path, &error).into()),
    };
    let known: Option<KnownJob> = serde_json::from_slice(&bytes).ok();
    match known {
        Some(known) if known.job == *job => Ok(Some(known)),
        _ => Err(KnownJobError::Damaged(path.to_owned())),
    }
}
