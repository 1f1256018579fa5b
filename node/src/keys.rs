//! The node's key files: written once with mode 0600, never overwritten, never printed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tacit_mpc_core::heading::{self, below};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::sealing::{Suite, UnsealingKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct SealingFile {
    #[zeroize(skip)]
    suite: Suite,
    secret_key: String,
}

/// Writes an identity key under a heading: nothing, or lines of comment.
pub fn write_identity(path: &Path, heading: &str, key: &SecretKey) -> Result<()> {
    let seed = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
    let text = Zeroizing::new(format!("{heading}{}\n", seed.as_str()));
    write_new(path, text.as_bytes())
}

/// Reads an identity key.
pub fn read_identity(path: &Path) -> Result<SecretKey> {
    let text = read_private(path)?;
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(below(&text).trim(), seed.as_mut_slice())
        .map_err(|_| anyhow::anyhow!("key file {}: expected 32 bytes in hexadecimal", path.display()))?;
    Ok(SecretKey::from_bytes(&seed))
}

/// Writes a sealing key under a heading.
pub fn write_sealing(path: &Path, heading: &str, key: &UnsealingKey) -> Result<()> {
    let file = SealingFile {
        suite: key.suite(),
        secret_key: hex::encode(key.to_bytes()),
    };
    let fields = Zeroizing::new(toml::to_string(&file)?);
    let text = Zeroizing::new(format!("{heading}{}", fields.as_str()));
    write_new(path, text.as_bytes())
}

/// Reads a sealing key.
pub fn read_sealing(path: &Path) -> Result<UnsealingKey> {
    let text = read_private(path)?;
    // The parser's message could repeat the line that holds the key.
    let file: SealingFile =
        toml::from_str(&text).map_err(|_| anyhow::anyhow!("key file {}: expected the fields `suite` and `secret_key`", path.display()))?;
    let secret = hex::decode(&file.secret_key).map(Zeroizing::new);
    secret
        .ok()
        .and_then(|secret| UnsealingKey::from_bytes(file.suite, &secret).ok())
        .with_context(|| {
            format!(
                "key file {}: field `secret_key` is not a key of its suite in hexadecimal",
                path.display()
            )
        })
}

/// Whether `tacit demo` made a file.
pub fn is_of_demo(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    text.is_ok_and(|text| heading::is_of_demo(&text))
}

/// Whether others than the owner can read a file. Where root hands a key to a service that is not root, read-only and through a group or
/// an access list (systemd's `LoadCredential`, Kubernetes' `fsGroup`), the mode is 0440.
fn readable_by_others(path: &Path) -> Result<bool> {
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read the key file {}", path.display()))?;
    let mode = metadata.permissions().mode() & 0o777;
    let handed = metadata.uid() == 0 && mode == 0o440;
    Ok(mode & 0o077 != 0 && !handed)
}

fn read_private(path: &Path) -> Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.with_context(|| {
        format!(
            "cannot read the key file {}: run this as the user the node runs as; if it is lost, restore it from its backup",
            path.display()
        )
    })?;
    if readable_by_others(path)? {
        bail!(
            "key file {} can be read by others than its owner: run `chmod 600 {}`",
            path.display(),
            path.display()
        );
    }
    Ok(text)
}

/// Writes a file that must not exist yet, whole or not at all, for the owner's eyes.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(context)?;
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
        let _ = std::fs::remove_file(path);
        return Err(error).with_context(context);
    }
    if let Some(folder) = path.parent() {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;

    #[test]
    fn keys_round_trip_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = UnwrapErr(SysRng);
        let identity = SecretKey::generate(&mut rng);
        let path = folder.path().join("identity.key");
        write_identity(&path, "", &identity).unwrap();
        assert_eq!(read_identity(&path).unwrap().public(), identity.public());
        assert!(write_identity(&path, "", &identity).is_err() && !is_of_demo(&path));

        let sealing = UnsealingKey::generate(Suite::XWing, &mut rng);
        let path = folder.path().join("sealing.key");
        write_sealing(&path, "", &sealing).unwrap();
        assert_eq!(read_sealing(&path).unwrap().public(), sealing.public());

        let heading = heading::heading("2026-11-24T03:00:00Z", true);
        let (one, other) = (folder.path().join("demo.identity"), folder.path().join("demo.sealing"));
        write_identity(&one, &heading, &identity).unwrap();
        write_sealing(&other, &heading, &sealing).unwrap();
        assert_eq!(read_identity(&one).unwrap().public(), identity.public());
        assert_eq!(read_sealing(&other).unwrap().public(), sealing.public());
        assert!(is_of_demo(&one) && is_of_demo(&other));
    }

    #[test]
    fn errors_name_the_file_and_never_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing.key");
        write_new(&path, b"suite = \"x-wing\"\nsecret_key = \"c0ffee\"\n").unwrap();
        let message = format!("{:#}", read_sealing(&path).unwrap_err());
        assert!(message.contains("sealing.key") && !message.contains("c0ffee"), "{message}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:#}", read_sealing(&path).unwrap_err()).contains("chmod 600"));
    }

    #[test]
    fn a_group_may_read_only_what_root_hands_over_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        write_new(&path, hex::encode([7; 32]).as_bytes()).unwrap();
        let by_root = std::fs::metadata(&path).unwrap().uid() == 0;
        for (mode, read) in [(0o400, true), (0o440, by_root), (0o640, false), (0o444, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_identity(&path).is_ok(), read, "{mode:o}");
        }
    }
}
