//! Reading files, and writing them whole or not at all.

use std::path::{Path, PathBuf};

use tacit_program::durable;
use thiserror::Error;

pub use tacit_program::durable::Access;

/// A file or folder that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}")]
pub struct FileError {
    /// The path of the file.
    pub path: PathBuf,
    /// What failed, as the system reports it.
    pub reason: String,
}

impl FileError {
    /// An error of the operating system about `path`.
    pub fn new(path: &Path, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            std::io::ErrorKind::IsADirectory => "is a folder; name a file in it".to_owned(),
            _ => error.to_string(),
        };
        Self {
            path: path.to_owned(),
            reason,
        }
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|e| FileError::new(path, &e))
}

/// Makes a folder and its missing parents. When this returns, they are on disk.
pub fn make_folder(path: &Path, access: Access) -> Result<(), FileError> {
    durable::create_folders(path, access, |_| {}).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => FileError {
            path: path.to_owned(),
            reason: "is a file, not a folder".to_owned(),
        },
        _ => FileError::new(path, &e),
    })
}

/// Writes a file whole or not at all. When this returns, the file is on disk.
pub fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    durable::write(path, bytes, access).map_err(|e| FileError::new(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        write(&path, b"one", Access::Public).unwrap();
        write(&path, b"two", Access::Private).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let missing = folder.path().join("no/such");
        assert_eq!(write(&missing, b"", Access::Public).unwrap_err().path, missing);
        assert!(make_folder(&path, Access::Public).unwrap_err().reason.contains("not a folder"));
    }
}
