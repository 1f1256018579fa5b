//! A contributor's key file: the 32-byte seed in hexadecimal, readable by its owner only.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tacit_protocol::identity::SecretKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{self, Access};

/// Why a key file cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is a file already.
    #[error("{0}: there is a file already, and a key is never overwritten: move it away or choose another name with --out")]
    Exists(PathBuf),
    /// The file cannot be written or read.
    #[error("{path}: {reason}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others can read it.
    #[error("{0}: other users of this machine can read this key: run `chmod 600 {0}`")]
    Open(PathBuf),
    /// It is not a key.
    #[error("{0}: not a key file: expected 64 hexadecimal digits, as `tacit keygen` writes them")]
    Syntax(PathBuf),
}

/// Draws a key and writes it to a new file.
pub fn generate(path: &Path) -> Result<SecretKey, KeyError> {
    let key = SecretKey::generate(&mut rand::rng());
    let mut text = Zeroizing::new(hex::encode(key.to_bytes()));
    text.push('\n');
    files::write_new(path, text.as_bytes(), Access::Private).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
        _ => io(path, &e),
    })?;
    Ok(key)
}

/// Reads a key file.
pub fn load(path: &Path) -> Result<SecretKey, KeyError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|e| io(path, &e))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open(path.to_owned()));
        }
    }
    let text = Zeroizing::new(std::fs::read(path).map_err(|e| io(path, &e))?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii_end(), seed.as_mut_slice()).map_err(|_| KeyError::Syntax(path.to_owned()))?;
    Ok(SecretKey::from_bytes(&seed))
}

fn io(path: &Path, error: &std::io::Error) -> KeyError {
    KeyError::Io {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_round_trips_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        let key = generate(&path).unwrap();
        assert_eq!(load(&path).unwrap().public(), key.public());
        assert_eq!(generate(&path).unwrap_err(), KeyError::Exists(path));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        generate(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(load(&path).unwrap_err(), KeyError::Open(path));
    }

    #[test]
    fn other_files_are_not_keys_and_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        generate(&path).unwrap();
        for text in ["", "zz", "not a key but a secret"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(load(&path).unwrap_err(), KeyError::Syntax(path.clone()));
        }
    }
}
