//! Reading files, and writing them whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

/// A file or folder that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}")]
pub struct FileError {
    /// The path.
    pub path: PathBuf,
    /// What failed.
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

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The owner only.
    Private,
    /// Everybody, as far as the folder and the umask allow.
    Public,
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|e| FileError::new(path, &e))
}

/// Makes a folder and its missing parents.
pub fn make_folder(path: &Path, access: Access) -> Result<(), FileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if access == Access::Private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => FileError {
            path: path.to_owned(),
            reason: "is a file, not a folder".to_owned(),
        },
        _ => FileError::new(path, &e),
    })
}

/// Writes a file under another name first and renames it, so that neither readers nor a crash ever leave half of it.
pub fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), FileError> {
    let attempt = || {
        part(path, bytes, access)?.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    attempt().map_err(|e: std::io::Error| FileError::new(path, &e))
}

/// Writes a file whole or not at all; fails if it exists.
pub fn write_new(path: &Path, bytes: &[u8], access: Access) -> std::io::Result<()> {
    part(path, bytes, access)?.persist_noclobber(path).map_err(|e| e.error)?;
    Ok(())
}

/// A temporary file beside `path` that holds `bytes`; removed unless it is renamed.
fn part(path: &Path, bytes: &[u8], access: Access) -> std::io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tacit-").suffix(".part");
    #[cfg(unix)]
    if access == Access::Public {
        // The umask of the process applies, as for any new file.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
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
