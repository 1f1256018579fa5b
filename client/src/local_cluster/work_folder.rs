//! The folder that contains the folders of a cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tempfile::TempDir;

use crate::interruption::Interrupted;

/// The folder of a whole cluster.
pub(crate) enum WorkFolder {
    /// A temporary folder, removed at the end.
    Temporary(TempDir),
    /// A folder that the user chose, which is kept.
    Kept(PathBuf),
}

impl WorkFolder {
    /// Makes the folder: `kept` if that is given, which must be empty, else a temporary one.
    pub(crate) fn make(kept: Option<&Path>) -> Result<Self> {
        let Some(path) = kept else {
            let folder = tempfile::Builder::new()
                .prefix("tacit-cluster-")
                .tempdir()
                .context("cannot make a temporary folder")?;
            return Ok(Self::Temporary(folder));
        };
        files::make_folder(path, Access::Private).context("--work")?;
        let mut entries = std::fs::read_dir(path).with_context(|| format!("--work: {}", path.display()))?;
        if entries.next().is_some() {
            bail!(
                "--work: {} is not empty: keys of an earlier run are never overwritten; choose another folder",
                path.display()
            );
        }
        Ok(Self::Kept(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    /// Adds to an error where the logs are, if they are kept.
    pub(crate) fn keep_hint(&self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Self::Temporary(_) => error,
            // Nobody looks for the cause of a signal in logs, and `tacit` has an exit code for it.
            Self::Kept(_) if error.is::<Interrupted>() => error,
            Self::Kept(path) => anyhow::anyhow!("{error:#} (logs are in {})", path.display()),
        }
    }
}
