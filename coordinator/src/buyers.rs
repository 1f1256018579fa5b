//! Buyers, who may open jobs. The coordinator knows the hashes of their bearer tokens, never the tokens.

use std::path::Path;

use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::identity::PublicKey;
use zeroize::Zeroizing;

use crate::random::{NoRandomness, random};
use crate::toml_file::{self, FileError};

/// The buyers, from the file of hashed tokens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buyers(Vec<Entry>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    token_hash: Digest,
    #[serde(default)]
    key: Option<PublicKey>,
}

/// A buyer, as its token shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buyer {
    /// The buyer's name.
    pub name: String,
    /// The key that belongs to the token, if one does: all jobs of the buyer are signed with it.
    pub key: Option<PublicKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuyersFile {
    #[serde(default, rename = "buyer")]
    buyers: Vec<Entry>,
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
        for (index, entry) in file.buyers.iter().enumerate() {
            let Some(key) = entry.key else { continue };
            let other = file.buyers[..index]
                .iter()
                .find(|other| other.key == Some(key) && other.name != entry.name);
            if let Some(other) = other {
                return Err(FileError::Content {
                    path: path.to_owned(),
                    problem: format!(
                        "buyers `{}` and `{}` have the same `key`: a key is of one buyer",
                        other.name, entry.name
                    ),
                });
            }
        }
        Ok(Self(file.buyers))
    }

    /// The text of a file with one buyer.
    pub(crate) fn file_text(name: &str, token: &str) -> String {
        format!(
            "# Who may open jobs. These are hashes of tokens: nobody can open a job with this file alone.\n\n{}",
            Self::entry(name, token, None)
        )
    }

    /// A buyer's entry in the file, with the key that belongs to the token, if one does.
    pub(crate) fn entry(name: &str, token: &str, key: Option<&PublicKey>) -> String {
        let name = toml::Value::from(name);
        let key = key.map(|key| format!("key = \"{key}\"\n")).unwrap_or_default();
        format!("[[buyer]]\nname = {name}\ntoken_hash = \"{}\"\n{key}", token_hash(token))
    }

    /// The buyer with this token. The time it takes does not depend on which buyer that is.
    pub(crate) fn of_token(&self, token: &str) -> Option<Buyer> {
        let hash = token_hash(token);
        let mut found = None;
        for entry in &self.0 {
            let same: Choice = entry.token_hash.as_bytes().ct_eq(hash.as_bytes());
            if same.into() {
                found = Some(entry);
            }
        }
        found.map(|entry| Buyer {
            name: entry.name.clone(),
            key: entry.key,
        })
    }

    /// The name of the buyer to whom this key belongs.
    pub(crate) fn name_of_key(&self, key: &PublicKey) -> Option<&str> {
        let entry = self.0.iter().find(|entry| entry.key == Some(*key))?;
        Some(&entry.name)
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
        let first = Buyer {
            name: "first".to_owned(),
            key: None,
        };
        assert_eq!(buyers.of_token("secret"), Some(first));
        assert_eq!(buyers.of_token("other"), None);
        assert_eq!(buyers.of_token(&token_hash("secret").to_string()), None);
        assert_eq!(Buyers::default().of_token(""), None);
    }

    #[test]
    fn entries_are_added_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("buyers.toml");
        let odd = "the \"other\" one\\";
        let key = PublicKey::from_bytes([7; 32]);
        let text = Buyers::file_text("first", "a") + "\n" + &Buyers::entry(odd, "b", Some(&key));
        std::fs::write(&path, &text).unwrap();
        let buyers = Buyers::read(&path).unwrap();
        assert_eq!(buyers.of_token("a").unwrap().key, None);
        let second = buyers.of_token("b").unwrap();
        assert_eq!((second.name.as_str(), second.key), (odd, Some(key)));
        assert_eq!(buyers.name_of_key(&key), Some(odd));
        assert_eq!(buyers.name_of_key(&PublicKey::from_bytes([8; 32])), None);
        // A second token of the same buyer has the same key; another buyer cannot have it.
        std::fs::write(&path, text.clone() + &Buyers::entry(odd, "c", Some(&key))).unwrap();
        assert_eq!(Buyers::read(&path).unwrap().of_token("c").unwrap().key, Some(key));
        std::fs::write(&path, text + &Buyers::entry("third", "c", Some(&key))).unwrap();
        let error = Buyers::read(&path).unwrap_err().to_string();
        assert!(error.contains("`third` have the same `key`"), "{error}");
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
