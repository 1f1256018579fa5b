//! Reading files, and writing them whole or not at all.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
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
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::IsADirectory => "is a folder; name a file in it".to_owned(),
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

/// Reads a file; `None` if there is none.
pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new(path, &error)),
    }
}

/// Reads a file of JSON; `None` if there is none. `damaged` makes the error for a file that holds something else.
pub fn read_json<T: DeserializeOwned, E: From<FileError>>(path: &Path, damaged: impl FnOnce(PathBuf) -> E) -> Result<Option<T>, E> {
    let Some(bytes) = read_if_exists(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| damaged(path.to_owned()))
}

/// The path with a text at the end of the file's name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Makes a folder and its missing parents. When this returns, they are on disk.
pub fn make_folder(path: &Path, access: Access) -> Result<(), FileError> {
    durable::create_folders(path, access, |_| {}).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => FileError {
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

/// Writes a value as JSON, as [`write()`] does.
pub fn write_json<T: Serialize>(path: &Path, value: &T, access: Access) -> Result<(), FileError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|e| FileError::new(path, &e.into()))?;
    write(path, &bytes, access)
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

    #[test]
    fn a_missing_file_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = with_suffix(&folder.path().join("a.key"), ".json");
        assert_eq!(path, folder.path().join("a.key.json"));
        let read = |path: &Path| {
            read_json::<Vec<u32>, FileError>(path, |path| FileError {
                path,
                reason: "damaged".to_owned(),
            })
        };
        assert_eq!(read(&path), Ok(None));
        write_json(&path, &[1, 2], Access::Public).unwrap();
        assert_eq!(read(&path), Ok(Some(vec![1, 2])));
        assert!(read(folder.path()).unwrap_err().reason.contains("is a folder"));
        std::fs::write(&path, "[1, 2").unwrap();
        assert_eq!(read(&path).unwrap_err().reason, "damaged");
    }
}
