//! The jobs that were created on this machine. The digest of a job's terms is kept when the job is created, and whatever is later
//! fetched for the job must be of these terms: an id alone does not say what was computed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::check::Check;
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
    /// The digest of its terms; `None` if the coordinator has refused every job that was to have this id.
    pub digest: Option<Digest>,
    /// The digest of the cluster file that it was signed for, or the last refused one.
    pub cluster: Digest,
    /// The key of the buyer who signed it, or the last refused one.
    pub buyer: PublicKey,
    /// The digests of the terms that the coordinator has refused to open under this id. It holds the signed terms all the same and may open
    /// them later, so none of these digests is ever forgotten; but the id is free for another job.
    pub refused: Vec<Digest>,
}

/// Why a job cannot be kept, or is not the one that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KnownJobError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not hold a known job.
    #[error(
        "{0}: damaged: it should hold the digest of a job that was created here; restore it from a backup. Once it is removed, nothing here \
         says any more whose terms a result of this job is of"
    )]
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
    /// The coordinator refused every job that was to have this id, and something is of another job.
    #[error(
        "job {job}: the job that you tried to open under this id was refused; {what} is another one, whose terms have the digest {theirs}"
    )]
    Another {
        /// The id.
        job: JobId,
        /// What was compared.
        what: &'static str,
        /// The digest of its terms.
        theirs: Digest,
    },
}

impl KnownJob {
    /// What is kept of a job that is signed for the cluster of this digest.
    pub fn of(job: &Job, cluster: Digest) -> Self {
        Self {
            job: job.id().clone(),
            digest: Some(job.digest()),
            cluster,
            buyer: job.terms().buyer,
            refused: Vec::new(),
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
            // A job that was refused is nothing that a result of another cluster could be mistaken for.
            (Some(known), Some(theirs)) if known.cluster != *theirs && known.digest.is_some() => Err(KnownJobError::OtherCluster {
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
    /// What was refused before under this id stays in the list.
    ///
    /// # Errors
    /// Another job was kept under this id and not refused, or a file cannot be written.
    pub fn keep(&mut self, spec: &Path) -> Result<bool, KnownJobError> {
        if let Some(folder) = folder() {
            files::make_folder(&folder, Access::Private)?;
        }
        let paths = self.paths(spec);
        let mut is_new = true;
        for path in &paths {
            let Some(kept) = read(path, &self.job)? else { continue };
            if kept.digest.is_some() {
                if kept.digest != self.digest {
                    return Err(KnownJobError::IdTaken {
                        path: path.clone(),
                        job: self.job.clone(),
                    });
                }
                is_new = false;
            }
            kept.refused.into_iter().for_each(|digest| self.add_refused(digest));
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
        if let Some(digest) = self.digest.take() {
            self.add_refused(digest);
        }
        self.paths(spec).iter().try_for_each(|path| self.write(path))
    }

    /// Forgets a new job whose id belongs to somebody else's. Only what was refused before under this id stays.
    ///
    /// # Errors
    /// A file cannot be written or removed.
    pub fn forget(mut self, spec: &Path) -> Result<(), KnownJobError> {
        self.digest = None;
        for path in &self.paths(spec) {
            if self.refused.is_empty() {
                std::fs::remove_file(path).map_err(|error| FileError::new(path, &error))?;
            } else {
                self.write(path)?;
            }
        }
        Ok(())
    }

    fn add_refused(&mut self, digest: Digest) {
        if !self.refused.contains(&digest) {
            self.refused.push(digest);
        }
    }

    fn write(&self, path: &Path) -> Result<(), KnownJobError> {
        Ok(files::write_json(path, self, Access::Public)?)
    }

    fn paths(&self, spec: &Path) -> Vec<PathBuf> {
        let beside = files::with_suffix(spec, &format!(".{}.job", self.job));
        let in_folder = folder().map(|folder| folder.join(file_name(&self.job)));
        [Some(beside), in_folder].into_iter().flatten().collect()
    }

    /// Checks that something is of the terms of this job, or of terms that were refused if no job of this id is open.
    ///
    /// # Errors
    /// [`KnownJobError::OtherTerms`] and [`KnownJobError::Another`].
    pub fn check(&self, what: &'static str, digest: &Digest) -> Result<(), KnownJobError> {
        if self.is_this(what, digest)? {
            return Ok(());
        }
        Err(KnownJobError::Another {
            job: self.job.clone(),
            what,
            theirs: *digest,
        })
    }

    /// Whether something is of a job that was created here. It is not if all that was created here under this id was refused: then
    /// anybody may have opened a job of this id.
    ///
    /// # Errors
    /// [`KnownJobError::OtherTerms`]: a job was created here and not refused, and this is of another one.
    pub fn is_this(&self, what: &'static str, digest: &Digest) -> Result<bool, KnownJobError> {
        match self.digest {
            None => Ok(self.refused.contains(digest)),
            Some(ours) if ours == *digest || !Check::KnownTerms.is_made() => Ok(true),
            Some(ours) => Err(KnownJobError::OtherTerms {
                job: self.job.clone(),
                what,
                theirs: *digest,
                ours,
            }),
        }
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
    match files::read_json::<KnownJob, _>(path, KnownJobError::Damaged)? {
        Some(known) if known.job != *job => Err(KnownJobError::Damaged(path.to_owned())),
        known => Ok(known),
    }
}
