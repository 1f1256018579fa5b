//! `tacit-coordinator purge`: removes what is stored of a job that has ended.

use std::path::{Path, PathBuf};

use tacit_protocol::job::JobId;
use thiserror::Error;

use crate::config::{self, ConfigError};
use crate::store::{Purged, Store, StoreError};

/// Why a job is not purged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PurgeError {
    /// The config file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such job.
    #[error("the store in {data} has no job {job}")]
    Unknown {
        /// The folder of the store.
        data: PathBuf,
        job: JobId,
    },
    /// The job has not ended.
    #[error("job {0} has not ended: let its buyer cancel it (`tacit job cancel`), or wait")]
    NotEnded(JobId),
}

/// Purges a job, and returns what there is to say.
///
/// # Errors
/// The job is not there or has not ended, or the store fails.
pub(crate) fn purge(config: &Path, job: &JobId) -> Result<String, PurgeError> {
    let data = config::read(config)?.data;
    match Store::purge_in(&data, job)? {
        Purged::Unknown => Err(PurgeError::Unknown { data, job: job.clone() }),
        Purged::NotEnded => Err(PurgeError::NotEnded(job.clone())),
        Purged::Done(waiting) if waiting.is_empty() => Ok(format!("{job} purged")),
        Purged::Done(waiting) => Ok(format!(
            "{job} purged; {} nodes still hold the job. They erase it when the buyer cancels it or when it is older than `max_job_age_days`.",
            waiting.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_job_that_is_there_is_purged() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        let error = purge(&config, &"signs".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("no job signs") && error.contains("data"), "{error}");
        std::fs::write(&config, "[retention]\nresult_days = 1").unwrap();
        let error = purge(&config, &"signs".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("result_days"), "{error}");
    }
}
