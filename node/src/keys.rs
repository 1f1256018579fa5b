//! The node's identity key.

use std::path::Path;

use tacit_program::key_file::{self, KeyFileError};
use tacit_protocol::identity::SecretKey;
use zeroize::Zeroizing;

/// The text of the file with the identity key, under a header.
pub(crate) fn identity_text(header: &str, key: &SecretKey) -> Zeroizing<String> {
    key_file::seed_text(header, &key.to_bytes())
}

/// Reads the identity key.
pub(crate) fn read_identity(path: &Path) -> Result<SecretKey, KeyFileError> {
    Ok(SecretKey::from_bytes(&*key_file::read_seed(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;
    use tacit_program::create_private;

    #[test]
    fn a_key_round_trips() {
        let folder = tempfile::tempdir().unwrap();
        let identity = SecretKey::generate(&mut UnwrapErr(SysRng));
        for (header, demo) in [(String::new(), false), (key_file::header("2026-11-24T03:00:00Z", true), true)] {
            let path = folder.path().join(format!("identity.{demo}"));
            create_private(&path, identity_text(&header, &identity).as_bytes()).unwrap();
            assert_eq!(read_identity(&path).unwrap().public(), identity.public());
            assert_eq!(key_file::is_made_by_demo(&path), demo);
        }
    }
}
