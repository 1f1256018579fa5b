//! A node's sealing key, out of the node's folder. The demo made the folder, so it can show what the node really holds.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use tacit_program::key_file;
use tacit_protocol::sealing::{Suite, UnsealingKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The fields of the file that are needed here. The node writes it, see `node/src/sealing_key_files.rs`.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct KeyFile {
    #[zeroize(skip)]
    suite: Suite,
    secret_key: String,
}

/// Reads the key of an epoch from the folder of a node.
pub(super) fn read(node: &Path, epoch: u64) -> Result<UnsealingKey> {
    let path = node.join("data").join("sealing").join(format!("{epoch}.key"));
    let text = key_file::read(&path)?;
    // The errors of the parsers could repeat the key.
    let file: Option<KeyFile> = toml::from_str(&text).ok();
    let key = file.and_then(|file| {
        let secret = Zeroizing::new(hex::decode(&file.secret_key).ok()?);
        UnsealingKey::from_bytes(file.suite, &secret).ok()
    });
    key.with_context(|| format!("{}: holds no sealing key as nodes write them", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_key_is_named_and_not_shown() {
        let node = tempfile::tempdir().unwrap();
        let folder = node.path().join("data/sealing");
        std::fs::create_dir_all(&folder).unwrap();
        let secret = "ab".repeat(31);
        for text in [
            format!("suite = \"x-wing\"\nsecret_key = \"{secret}\"\n"),
            format!("secret_key = {secret}\n"),
        ] {
            tacit_program::create_private(&folder.join("7.key"), text.as_bytes()).unwrap();
            let error = format!("{:#}", read(node.path(), 7).unwrap_err());
            assert!(error.contains("7.key") && !error.contains(&secret), "{error}");
            std::fs::remove_file(folder.join("7.key")).unwrap();
        }
        assert!(format!("{:#}", read(node.path(), 8).unwrap_err()).contains("8.key"));
    }
}
