//! Files that a program creates once and must not lose: written whole or not at all, synced to disk, never overwritten.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::durable::{self, Access};

/// Why a file or folder could not be created.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreateError {
    /// The file exists.
    #[error(
        "cannot write {0}: a file of this name exists already and is never overwritten; choose another name or folder, or move it away"
    )]
    Exists(PathBuf),
    /// The system refuses to create it.
    #[error("cannot write {path}: {reason}")]
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
        reason: String,
    },
}

impl CreateError {
    fn new(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Failed {
                path,
                reason: error.to_string(),
            },
        }
    }
}

/// Creates a file that only its owner can read (mode 0600 on Unix). When this returns, the file and its name are on disk.
///
/// # Errors
/// The file exists or cannot be written; then no part of it is left.
pub fn create_private(path: &Path, contents: &[u8]) -> Result<(), CreateError> {
    durable::write_new(path, contents, Access::Private).map_err(|error| CreateError::new(path, &error))
}

/// The files and folders that a command has created so far. Unless [`keep`](Self::keep) is called, all of them are removed again,
/// so that a command that fails halfway can be repeated.
#[derive(Debug, Default)]
pub struct CreatedFiles {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl CreatedFiles {
    /// Creates a folder and the missing folders above it. A folder that exists is not an error.
    ///
    /// # Errors
    /// A folder cannot be created, or a file has its name.
    pub fn folder(&mut self, path: &Path) -> Result<(), CreateError> {
        let folders = &mut self.folders;
        durable::create_folders(path, Access::Public, |folder| folders.push(folder.to_owned()))
            .map_err(|error| CreateError::new(path, &error))
    }

    /// Creates a file as [`create_private`] does.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn file(&mut self, path: PathBuf, contents: &[u8]) -> Result<(), CreateError> {
        create_private(&path, contents)?;
        self.files.push(path);
        Ok(())
    }

    /// Keeps everything that was created.
    pub fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for CreatedFiles {
    fn drop(&mut self) {
        // The error that led here is the one to report, not that of a removal. A folder that holds other files stays.
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::tests::names;

    #[test]
    fn a_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        create_private(&path, b"whole").unwrap();
        assert_eq!(create_private(&path, b"other"), Err(CreateError::Exists(path.clone())));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(folder.path()), ["identity.key"]);
        let missing = folder.path().join("no/such");
        assert!(matches!(create_private(&missing, b""), Err(CreateError::Failed { path, .. }) if path == missing));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        create_private(&path, b"secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_was_created_is_removed_unless_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b"));
        for kept in [false, true] {
            let mut created = CreatedFiles::default();
            created.folder(&inner).unwrap();
            created.file(inner.join("one"), b"1").unwrap();
            assert!(created.file(inner.join("one"), b"2").is_err());
            if kept {
                created.keep();
            } else {
                drop(created);
            }
            assert_eq!(outer.exists(), kept);
        }
        // Files of others stay, and so do their folders.
        let mut created = CreatedFiles::default();
        created.folder(&outer.join("c")).unwrap();
        created.file(outer.join("c/mine"), b"1").unwrap();
        std::fs::write(outer.join("c/theirs"), "2").unwrap();
        drop(created);
        assert_eq!(names(&outer.join("c")), ["theirs"]);
    }
}
