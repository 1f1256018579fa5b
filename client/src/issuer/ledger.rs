//! What an issuer has signed with its key, kept beside the key: nobody gets the issuer's signature for a second number, and no number is
//! signed for two people, whichever files the other issuers send.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::Issuers;
use tacit_protocol::identity::PublicKey;
use thiserror::Error;

use crate::files::{self, Access, FileError};
use crate::text::one_line;

/// Everything that one key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    path: PathBuf,
    pools: BTreeMap<Digest, BTreeMap<u32, Signed>>,
}

/// Whom a number was signed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    person: String,
    invitation: PublicKey,
}

/// Why an issuer does not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not hold a ledger.
    #[error("{0}: damaged: it should hold what this issuer's key has signed")]
    Damaged(PathBuf),
    /// The person has another number.
    #[error("{}: number {serial} is to be `{}`, who was signed as number {earlier} of the pool before: nobody gets two", path.display(), one_line(person))]
    Twice {
        /// The path of the ledger.
        path: PathBuf,
        /// The person.
        person: String,
        /// The number that was to be signed.
        serial: u32,
        /// The number that was signed before.
        earlier: u32,
    },
    /// The number is another person's, or of another invitation.
    #[error("{}: number {serial} of the pool was signed for `{}` and another invitation before: it cannot be given again", path.display(), one_line(person))]
    Taken {
        /// The path of the ledger.
        path: PathBuf,
        /// Whom it was signed for.
        person: String,
        /// The number.
        serial: u32,
    },
}

impl Ledger {
    /// The ledger of the key in this file; an empty one if the key has signed nothing.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(key: &Path) -> Result<Self, LedgerError> {
        let mut name = key.as_os_str().to_owned();
        name.push(".signed.json");
        let path = PathBuf::from(name);
        let pools = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| LedgerError::Damaged(path.clone()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(FileError::new(&path, &error).into()),
        };
        Ok(Self { path, pools })
    }

    /// Notes that these numbers are signed for these people: person, number and public key of the invitation. When this returns, it is on
    /// disk, so call it before any signature leaves.
    ///
    /// # Errors
    /// A person would have two numbers, or a number two people; then nothing is noted. Or the file cannot be written.
    pub fn note<'a>(&mut self, issuers: &Issuers, people: impl Iterator<Item = (&'a str, u32, PublicKey)>) -> Result<(), LedgerError> {
        let pool = self.pools.get(&issuers.digest()).cloned().unwrap_or_default();
        let mut numbers: BTreeMap<String, u32> = pool.iter().map(|(serial, signed)| (signed.person.clone(), *serial)).collect();
        let mut noted = pool;
        for (person, serial, invitation) in people {
            let signed = Signed {
                person: person.to_owned(),
                invitation,
            };
            if let Some(earlier) = numbers.insert(person.to_owned(), serial).filter(|earlier| *earlier != serial) {
                return Err(LedgerError::Twice {
                    path: self.path.clone(),
                    person: person.to_owned(),
                    serial,
                    earlier,
                });
            }
            if let Some(earlier) = noted.insert(serial, signed.clone()).filter(|earlier| *earlier != signed) {
                return Err(LedgerError::Taken {
                    path: self.path.clone(),
                    person: earlier.person,
                    serial,
                });
            }
        }
        let mut pools = self.pools.clone();
        pools.insert(issuers.digest(), noted);
        let text = serde_json::to_vec_pretty(&pools).map_err(|_| LedgerError::Damaged(self.path.clone()))?;
        files::write(&self.path, &text, Access::Private)?;
        self.pools = pools;
        Ok(())
    }
}
