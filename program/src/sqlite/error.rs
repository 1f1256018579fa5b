//! What can go wrong with a store's file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why a store cannot be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// The folder or file cannot be opened.
    #[error("cannot open the store {path}: {reason}")]
    Open {
        /// The path of the file.
        path: PathBuf,
        /// The message of SQLite or the system.
        reason: String,
    },
    /// Another process uses the store.
    #[error("the store {path} is in use by another process: stop that process, or give this one its own `data` folder")]
    InUse {
        /// The path of the file.
        path: PathBuf,
    },
    /// A newer release wrote the file.
    #[error("the store {path} has schema version {found}, this program knows {known}: run the release that made it, or a later one")]
    Newer {
        /// The path of the file.
        path: PathBuf,
        /// The version of the file.
        found: i64,
        /// The newest version that this program knows.
        known: usize,
    },
    /// The file has a version that this program knows, but other tables.
    #[error(
        "the store {path} was not made by this program or one of its releases: it lacks {missing}; give this program its own `data` folder"
    )]
    Other {
        /// The path of the file.
        path: PathBuf,
        /// A table or column that should be in it.
        missing: String,
    },
    /// The file of an older release cannot be migrated.
    #[error(
        "the store {path} has schema version {found} and cannot be migrated to {known}: {reason}; it was left as it was: run the release that made it, and report this"
    )]
    Migration {
        /// The path of the file.
        path: PathBuf,
        /// The version of the file.
        found: usize,
        /// The version that it should get.
        known: usize,
        /// The message of SQLite.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "the disk of the store {path} is full: free or add space, or move the data folder; nothing was lost, and what failed can be repeated"
    )]
    Full {
        /// The path of the file.
        path: PathBuf,
    },
    /// Any other failure of SQLite.
    #[error("the store {path} failed: {reason}")]
    Failed {
        /// The path of the file.
        path: PathBuf,
        /// The message of SQLite.
        reason: String,
    },
}

impl DatabaseError {
    pub(super) fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::StorageFull => Self::Full { path },
            _ => Self::Open {
                path,
                reason: error.to_string(),
            },
        }
    }

    pub(super) fn opening(path: &Path, error: &rusqlite::Error) -> Self {
        match Self::in_query(path, error) {
            Self::Failed { path, reason } => Self::Open { path, reason },
            other => other,
        }
    }

    /// Turns an error of a query on this file into one that names the file and says what to do.
    pub fn in_query(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
            _ => Self::Failed {
                path,
                reason: error.to_string(),
            },
        }
    }
}
