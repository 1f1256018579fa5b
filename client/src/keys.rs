//! A contributor's or buyer's key file: the 32-byte seed in hexadecimal, readable by its owner only.

use std::path::Path;

use tacit_program::CreateError;
use tacit_program::key_file::{self, KeyFileError};
use tacit_protocol::identity::SecretKey;
use thiserror::Error;

/// Why a key file cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The file cannot be created.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The file cannot be used.
    #[error(transparent)]
    Use(#[from] KeyFileError),
}

/// Draws a key and writes it to a new file.
///
/// # Errors
/// The file exists, as a key is never overwritten, or cannot be written.
pub fn generate(path: &Path) -> Result<SecretKey, KeyError> {
    let key = SecretKey::generate(&mut rand::rng());
    key_file::create_seed(path, "", &key.to_bytes())?;
    Ok(key)
}

/// Reads a key file.
///
/// # Errors
/// The file cannot be read, other users can read it, or it does not hold a key.
pub fn load(path: &Path) -> Result<SecretKey, KeyError> {
    Ok(SecretKey::from_bytes(&*key_file::read_seed(path)?))
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
        assert_eq!(generate(&path).unwrap_err(), KeyError::Create(CreateError::Exists(path.clone())));
        assert_eq!(load(&path).unwrap().public(), key.public());
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
        let error = load(&path).unwrap_err();
        assert_eq!(error, KeyError::Use(KeyFileError::Exposed { path, mode: 0o640 }));
    }

    #[test]
    fn other_files_are_not_keys_and_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        generate(&path).unwrap();
        for text in ["", "zz", "not a key but a secret"] {
            std::fs::write(&path, text).unwrap();
            let error = load(&path).unwrap_err();
            assert!(matches!(&error, KeyError::Use(KeyFileError::Syntax { path: named, .. }) if *named == path));
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }
}
