//! Reading files that operators write: the errors name file, line and problem.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum FileError {
    /// The file cannot be read.
    #[error("cannot read {path} ({what}): {reason}")]
    Read {
        /// What the file holds, and the config field that names it.
        what: &'static str,
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// The file is not TOML, or does not have the expected fields.
    #[error("{path}, line {line}: {problem}")]
    Syntax {
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The parser's message, on one line.
        problem: String,
    },
    /// The fields do not go together.
    #[error("{path}: {problem}")]
    Content {
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a text file; `what` describes it in the error.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read_text(path: &Path, what: &'static str) -> Result<String, FileError> {
    std::fs::read_to_string(path).map_err(|error| FileError::Read {
        what,
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a TOML file.
///
/// # Errors
/// The file cannot be read, is not TOML, or does not have the fields of `T`.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, FileError> {
    let text = read_text(path, what)?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().map_or("", |span| &text[..span.start]);
        FileError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            problem: error.message().replace('\n', " "),
        }
    })
}
