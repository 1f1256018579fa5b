//! Buyers, who may open jobs. The coordinator knows the hashes of their bearer tokens, never the tokens.

use std::path::Path;

use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};
use tacit_mpc_core::digest::Digest;
use zeroize::Zeroizing;

use crate::random::{NoRandomness, random};
use crate::toml_file::{self, FileError};

/// The buyers, from the file of hashed tokens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buyers(Vec<Buyer>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Buyer {
    name: String,
    token_hash: Digest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuyersFile {
    #[serde(default, rename = "buyer")]
    buyers: Vec<Buyer>,
}

/// Draws a new token.
///
/// # Errors
/// The operating system provides no random bytes.
pub(crate) fn new_token() -> Result<Zeroizing<String>, NoRandomness> {
    Ok(Zeroizing::new(hex::encode(random()?.as_slice())))
}

/// The hash of a token, as it stands in the file.
fn token_hash(token: &str) -> Digest {
    Digest::of("tacit/v1 buyer token", &[token.as_bytes()])
}

impl Buyers {
    /// Reads the file of hashed tokens.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a file.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let file: BuyersFile = toml_file::read(path, "the buyers' hashed tokens, field `buyers`")?;
        Ok(Self(file.buyers))
    }

    /// The text of a file with one buyer.
    pub(crate) fn file_text(name: &str, token: &str) -> String {
        format!(
            "# Who may open jobs. These are hashes of tokens: nobody can open a job with this file alone.\n\n{}",
            Self::entry(name, token)
        )
    }

    /// A buyer's entry in the file.
    pub(crate) fn entry(name: &str, token: &str) -> String {
        let name = toml::Value::from(name);
        format!("[[buyer]]\nname = {name}\ntoken_hash = \"{}\"\n", token_hash(token))
    }

    /// The name of the buyer with this token. The time it takes does not depend on which buyer that is.
    pub(crate) fn name_of(&self, token: &str) -> Option<&str> {
        let hash = token_hash(token);
        let mut found = None;
        for buyer in &self.0 {
            let same: Choice = buyer.token_hash.as_bytes().ct_eq(hash.as_bytes());
            if same.into() {
                found = Some(buyer.name.as_str());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_by_their_hash_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("buyers.toml");
        let text = Buyers::file_text("first", "secret");
        assert!(!text.contains("secret"));
        std::fs::write(&path, text).unwrap();
        let buyers = Buyers::read(&path).unwrap();
        assert_eq!(buyers.name_of("secret"), Some("first"));
        assert_eq!(buyers.name_of("other"), None);
        assert_eq!(buyers.name_of(&token_hash("secret").to_string()), None);
        assert_eq!(Buyers::default().name_of(""), None);
    }

    #[test]
    fn entries_are_added_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("buyers.toml");
        let odd = "the \"other\" one\\";
        let text = Buyers::file_text("first", "a") + "\n" + &Buyers::entry(odd, "b");
        std::fs::write(&path, text).unwrap();
        let buyers = Buyers::read(&path).unwrap();
        assert_eq!((buyers.name_of("a"), buyers.name_of("b")), (Some("first"), Some(odd)));
        assert_ne!(*new_token().unwrap(), *new_token().unwrap());
    }

    #[test]
    fn a_bad_hash_is_reported_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("buyers.toml");
        std::fs::write(&path, "[[buyer]]\nname = \"a\"\ntoken_hash = \"zz\"\n").unwrap();
        let error = Buyers::read(&path).unwrap_err().to_string();
        assert!(error.contains("buyers.toml, line 3"), "{error}");
    }
}
