//! The file with the coordinator's secret key: 32 bytes in hexadecimal, for the owner's eyes only.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use tacit_mpc_core::heading::below;
use tacit_protocol::identity::SecretKey;
use zeroize::Zeroizing;

use crate::config::{ConfigError, read_text};

/// Reads the key.
///
/// # Errors
/// The file cannot be read, others can read it, or it holds no key.
pub fn read(path: &Path) -> Result<SecretKey, ConfigError> {
    let shown = path.display().to_string();
    let text = Zeroizing::new(read_text(path, "the coordinator's secret key, field `identity_key`")?);
    let metadata = std::fs::metadata(path).map_err(|e| ConfigError::Read {
        what: "the coordinator's secret key",
        path: shown.clone(),
        reason: e.to_string(),
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    // Where root hands a key to a service that is not root, read-only and through a group or an access list (systemd's `LoadCredential`,
    // Kubernetes' `fsGroup`), the mode is 0440.
    let handed = metadata.uid() == 0 && mode == 0o440;
    if mode & 0o077 != 0 && !handed {
        return Err(ConfigError::Exposed { path: shown, mode });
    }
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(below(&text).trim(), seed.as_mut_slice()).map_err(|_| ConfigError::Key { path: shown })?;
    Ok(SecretKey::from_bytes(&seed))
}

/// Writes a new file that only the owner can read, whole or not at all; an existing one is an error.
///
/// # Errors
/// The file exists or cannot be written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    create_private(path, |file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })
}

fn create_private(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    fill(&mut file).inspect_err(|_| {
        // Half a file would keep the next try from writing a whole one.
        let _ = std::fs::remove_file(path);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_to_its_end_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        let full = create_private(&path, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(!path.exists());
        write_private(&path, "whole").unwrap();
        assert!(create_private(&path, |_| Ok(())).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
    }

    #[test]
    fn reads_what_init_writes_and_refuses_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        write_private(&path, &format!("{}\n", hex::encode([7; 32]))).unwrap();
        assert_eq!(read(&path).unwrap().public(), SecretKey::from_bytes(&[7; 32]).public());
        assert!(write_private(&path, "again").is_err());
        let marked = folder.path().join("demo.key");
        write_private(
            &marked,
            &format!(
                "{}{}\n",
                tacit_mpc_core::heading::heading("2026-11-24T03:00:00Z", true),
                hex::encode([7; 32])
            ),
        )
        .unwrap();
        assert_eq!(read(&marked).unwrap().public(), SecretKey::from_bytes(&[7; 32]).public());

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read(&path), Err(ConfigError::Exposed { mode: 0o644, .. })));
        let by_root = std::fs::metadata(&path).unwrap().uid() == 0;
        for (mode, can) in [(0o400, true), (0o440, by_root), (0o640, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), can, "{mode:o}");
        }

        let other = folder.path().join("other.key");
        write_private(&other, "not a key").unwrap();
        assert!(matches!(read(&other), Err(ConfigError::Key { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(ConfigError::Read { .. })));
    }
}
