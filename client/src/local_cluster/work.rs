//! Where the processes of a cluster have their folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tempfile::TempDir;

/// A folder for the cluster's folders.
pub enum Work {
    /// Removed in the end.
    Temporary(TempDir),
    /// Kept where the user said.
    Kept(PathBuf),
}

impl Work {
    /// Makes it: `kept` if that is given, which must be empty.
    pub fn make(kept: Option<&Path>) -> Result<Self> {
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    /// Says where the logs are, if they stay.
    pub fn keep_hint(&self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Self::Temporary(_) => error,
            Self::Kept(path) => anyhow::anyhow!("{error:#} (logs are in {})", path.display()),
        }
    }
}
