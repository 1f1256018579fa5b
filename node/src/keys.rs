//! The node's two key files: its identity key and its sealing key.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tacit_program::key_file::{self, KeyFileError};
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

/// The text of the file with the identity key, under a header.
pub(crate) fn identity_text(header: &str, key: &SecretKey) -> Zeroizing<String> {
    key_file::seed_text(header, &key.to_bytes())
}

/// Reads the identity key.
pub(crate) fn read_identity(path: &Path) -> Result<SecretKey, KeyFileError> {
    Ok(SecretKey::from_bytes(&*key_file::read_seed(path)?))
}

/// The text of the file with the sealing key, under a header.
pub(crate) fn sealing_text(header: &str, key: &UnsealingKey) -> Result<Zeroizing<String>, toml::ser::Error> {
    let file = SealingFile {
        suite: key.suite(),
        secret_key: hex::encode(key.to_bytes()),
    };
    let fields = Zeroizing::new(toml::to_string(&file)?);
    Ok(Zeroizing::new(format!("{header}{}", fields.as_str())))
}

/// Reads the sealing key.
pub(crate) fn read_sealing(path: &Path) -> Result<UnsealingKey, KeyFileError> {
    let syntax = |expected: &'static str| KeyFileError::Syntax {
        path: path.to_owned(),
        expected,
    };
    let text = key_file::read(path)?;
    // The parser's own message could repeat the line with the key.
    let file: SealingFile = toml::from_str(&text).map_err(|_| syntax("the fields `suite` and `secret_key`"))?;
    let secret = hex::decode(&file.secret_key).map(Zeroizing::new);
    secret
        .ok()
        .and_then(|secret| UnsealingKey::from_bytes(file.suite, &secret).ok())
        .ok_or_else(|| syntax("a key of its suite in hexadecimal in field `secret_key`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;
    use tacit_program::create_private;

    #[test]
    fn keys_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = UnwrapErr(SysRng);
        let identity = SecretKey::generate(&mut rng);
        let sealing = UnsealingKey::generate(Suite::XWing, &mut rng);
        for (header, demo) in [(String::new(), false), (key_file::header("2026-11-24T03:00:00Z", true), true)] {
            let [one, other] = ["identity", "sealing"].map(|name| folder.path().join(format!("{name}.{demo}")));
            create_private(&one, identity_text(&header, &identity).as_bytes()).unwrap();
            create_private(&other, sealing_text(&header, &sealing).unwrap().as_bytes()).unwrap();
            assert_eq!(read_identity(&one).unwrap().public(), identity.public());
            assert_eq!(read_sealing(&other).unwrap().public(), sealing.public());
            assert_eq!([one, other].map(|path| key_file::is_made_by_demo(&path)), [demo; 2]);
        }
    }

    #[test]
    fn errors_name_the_file_and_never_the_key() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("short", "suite = \"x-wing\"\nsecret_key = \"c0ffee\"\n"),
            ("unknown", "suite = \"x-wing\"\nsecret = \"c0ffee\"\n"),
        ] {
            let path = folder.path().join(name);
            create_private(&path, text.as_bytes()).unwrap();
            let message = read_sealing(&path).unwrap_err().to_string();
            assert!(message.contains(name) && !message.contains("c0ffee"), "{message}");
        }
        let path = folder.path().join("short");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(read_sealing(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
