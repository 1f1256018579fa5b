//! Reading the cluster file, which is the trust anchor.

use std::path::{Path, PathBuf};

use tacit_protocol::cluster::{Cluster, ClusterError};
use thiserror::Error;

use crate::files::{self, FileError};

/// Why a cluster file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterFileError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a valid cluster file.
    #[error("{path}: {error}")]
    Cluster {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        error: ClusterError,
    },
}

/// Reads a cluster file.
///
/// # Errors
/// The file cannot be read, or is not a valid cluster file.
pub fn load_cluster(path: &Path) -> Result<Cluster, ClusterFileError> {
    Cluster::parse(&files::read(path)?).map_err(|error| ClusterFileError::Cluster {
        path: path.to_owned(),
        error,
    })
}
