//! The jobs that were created on this machine. The digest of a job's terms is kept when the job is created, and whatever is later
//! fetched for the job must be of these terms: an id alone does not say what was computed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::{Job, JobId};
use thiserror::Error;

use crate::files::{self, Access, FileError};

/// The environment variable that names the folder for what the client keeps.
const FOLDER: &str = "TACIT_STATE";

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
        }
    }

    /// The job of this id, if it was created on this machine.
    ///
    /// # Errors
    /// The file that keeps it cannot be read.
    pub fn look_up(job: &JobId) -> Result<Option<Self>, KnownJobError> {
        match folder() {
            Some(folder) => read(&folder.join(file_name(job))),
            None => Ok(None),
        }
    }

    /// Keeps the job beside its spec, and in the user's folder, where [`Self::look_up`] finds it.
    ///
    /// # Errors
    /// Another job was kept under this id, or a file cannot be written.
    pub fn keep(&self, spec: &Path) -> Result<(), KnownJobError> {
        if let Some(folder) = folder() {
            files::make_folder(&folder, Access::Private)?;
        }
        let paths = self.paths(spec);
        for path in &paths {
            if read(path)?.is_some_and(|kept| kept != *self) {
                return Err(KnownJobError::IdTaken {
                    path: path.clone(),
                    job: self.job.clone(),
                });
            }
        }
        let text = serde_json::to_vec_pretty(self).map_err(|_| KnownJobError::Damaged(spec.to_owned()))?;
        for path in &paths {
            files::write(path, &text, Access::Public)?;
        }
        Ok(())
    }

    /// Removes what [`Self::keep`] has written, because the coordinator refused to open the job.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn forget(&self, spec: &Path) -> Result<(), KnownJobError> {
        for path in self.paths(spec) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(FileError::new(&path, &error).into()),
                _ => {}
            }
        }
        Ok(())
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

/// The folder for what the client keeps; `None` where the user has no home.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable(FOLDER)
        .or_else(|| Some(variable("XDG_STATE_HOME")?.join("tacit")))
        .or_else(|| Some(variable("HOME")?.join(".local/state/tacit")))
}

fn read(path: &Path) -> Result<Option<KnownJob>, KnownJobError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| KnownJobError::Damaged(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(path, &error).into()),
    }
}
