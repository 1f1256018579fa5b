//! The file of a pool: its name, the issuers' keys and how many must sign. A job spec names the same file.

use std::path::{Path, PathBuf};

use tacit_protocol::credential::{Issuers, IssuersError};
use tacit_protocol::identity::PublicKey;
use thiserror::Error;

use crate::files::{self, FileError};

/// Why the file of a pool cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not TOML of these fields.
    #[error("{path}: not the file of a pool (fields `pool`, `keys` and `need`): {reason}")]
    Syntax {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, as the parser reports it.
        reason: String,
    },
    /// A field cannot be used.
    #[error("{path}: {error}")]
    Field {
        /// The path of the file.
        path: PathBuf,
        /// The field and its problem.
        error: IssuersError,
    },
}

/// Reads the file of a pool. The keys may stand in any order.
///
/// # Errors
/// It cannot be read or used.
pub fn load(path: &Path) -> Result<Issuers, PoolError> {
    parse(path, &files::read(path)?)
}

/// As [`load`], of the bytes of the file.
///
/// # Errors
/// They are not the file of a pool, or it cannot be used.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Issuers, PoolError> {
    let syntax = |reason: String| PoolError::Syntax {
        path: path.to_owned(),
        reason: reason.replace('\n', " "),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| syntax("it is not UTF-8".to_owned()))?;
    let issuers: Issuers = toml::from_str(text).map_err(|e| syntax(e.message().to_owned()))?;
    let issuers = sorted(issuers);
    issuers.check().map_err(|error| PoolError::Field {
        path: path.to_owned(),
        error,
    })?;
    Ok(issuers)
}

/// The same issuers, with their keys in the order that is signed.
pub fn sorted(mut issuers: Issuers) -> Issuers {
    issuers.keys.sort_unstable();
    issuers
}

/// The pool of one issuer.
pub fn alone(pool: &str, key: PublicKey) -> Issuers {
    Issuers {
        pool: pool.to_owned(),
        keys: vec![key],
        need: 1,
    }
}
