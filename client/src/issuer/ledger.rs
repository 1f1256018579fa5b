//! What an issuer has signed with its key, kept beside the key: nobody gets the issuer's signature for a second number, and no number is
//! signed for two people, whichever files the other issuers send, and whether a command or the issuing service signs.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::Issuers;
use tacit_protocol::identity::PublicKey;
use thiserror::Error;

use crate::files::{self, Access, FileError};
use crate::text::one_line;

/// Everything that one key has signed. One process at a time has it: a second one would not see the numbers that the first one gives.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    pools: BTreeMap<Digest, Pool>,
    _lock: File,
}

/// What was signed of one pool, by number.
type Pool = BTreeMap<u32, Signed>;

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
    #[error(
        "{0}: damaged: it should hold what this issuer's key has signed; restore it from a backup. Without it the key could give a person two \
         numbers, or a number to two people: if there is no backup, make a new key and a new pool"
    )]
    Damaged(PathBuf),
    /// The person has another number.
    #[error("{}: number {serial} is to be `{}`, who was signed as number {earlier} of the pool before: nobody gets two; leave the person out", path.display(), one_line(person))]
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
    /// The ledger of the key in this file; an empty one if the key has signed nothing. Waits while another process has it.
    ///
    /// # Errors
    /// It cannot be read or locked.
    pub fn of(key: &Path) -> Result<Self, LedgerError> {
        // One ledger for one key, also where another path leads to it by a symbolic link.
        let key = &match std::fs::canonicalize(key) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => key.to_owned(),
            resolved => resolved.map_err(|error| FileError::new(key, &error))?,
        };
        // The ledger itself is replaced when it is written, so a lock on it would be lost.
        let lock = lock(&files::with_suffix(key, ".signed.lock"))?;
        let path = files::with_suffix(key, ".signed.json");
        let pools = files::read_json(&path, LedgerError::Damaged)?.unwrap_or_default();
        Ok(Self { path, pools, _lock: lock })
    }

    /// The first number after `last` that the key has not signed in this pool; `None` if there is none.
    pub fn next_number(&self, issuers: &Issuers, last: u32) -> Option<u32> {
        let signed = self.signed(issuers);
        let is_free = |serial: &u32| !signed.is_some_and(|pool| pool.contains_key(serial));
        (last.checked_add(1)?..=u32::MAX).find(is_free)
    }

    /// Whether exactly this is noted: person, number and public key of the invitation.
    pub fn has(&self, issuers: &Issuers, (person, serial, invitation): (&str, u32, PublicKey)) -> bool {
        let signed = self.signed(issuers).and_then(|pool| pool.get(&serial));
        signed.is_some_and(|signed| signed.person == person && signed.invitation == invitation)
    }

    /// Whether the key has signed a number of this pool for a person.
    pub fn knows(&self, issuers: &Issuers, person: &str) -> bool {
        self.signed(issuers)
            .is_some_and(|pool| pool.values().any(|signed| signed.person == person))
    }

    fn signed(&self, issuers: &Issuers) -> Option<&Pool> {
        self.pools.get(&issuers.digest())
    }

    /// Checks that these numbers can be signed for these people, as [`Self::note`] does, without noting it.
    ///
    /// # Errors
    /// A person would have two numbers, or a number two people.
    pub fn check<'a>(&self, issuers: &Issuers, people: impl Iterator<Item = (&'a str, u32, PublicKey)>) -> Result<(), LedgerError> {
        self.with(issuers, people).map(drop)
    }

    /// Notes that these numbers are signed for these people: person, number and public key of the invitation. When this returns, it is on
    /// disk, so call it before any signature leaves.
    ///
    /// # Errors
    /// A person would have two numbers, or a number two people; then nothing is noted. Or the file cannot be written.
    pub fn note<'a>(&mut self, issuers: &Issuers, people: impl Iterator<Item = (&'a str, u32, PublicKey)>) -> Result<(), LedgerError> {
        let noted = self.with(issuers, people)?;
        if self.signed(issuers) == Some(&noted) {
            return Ok(());
        }
        let mut pools = self.pools.clone();
        pools.insert(issuers.digest(), noted);
        files::write_json(&self.path, &pools, Access::Private)?;
        self.pools = pools;
        Ok(())
    }

    /// What is signed of the pool once these people are.
    fn with<'a>(&self, issuers: &Issuers, people: impl Iterator<Item = (&'a str, u32, PublicKey)>) -> Result<Pool, LedgerError> {
        let mut noted = self.signed(issuers).cloned().unwrap_or_default();
        let mut numbers: BTreeMap<String, u32> = noted.iter().map(|(serial, signed)| (signed.person.clone(), *serial)).collect();
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
        Ok(noted)
    }
}

/// Waits for a lock, which is given back when the file is closed.
fn lock(path: &Path) -> Result<File, FileError> {
    let file = File::create(path).map_err(|error| FileError::new(path, &error))?;
    file.lock().map_err(|error| FileError::new(path, &error))?;
    Ok(file)
}
