//! The files that issuers send to each other to be signed, JSON: invitations of people, a revocation, the size of a pool.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_protocol::credential::{Grant, IssuerSignature, Issuers, IssuersError, PoolSize, Revocation};
use tacit_protocol::identity::SecretKey;
use thiserror::Error;

use super::{Ledger, LedgerError};
use crate::files::{self, Access, FileError};

/// A file to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Document {
    /// Invitations of people. It holds no secret key.
    Invitations(Request),
    /// Which numbers are revoked.
    Revocation(Revocation),
    /// How many credentials a pool has.
    PoolSize(PoolSize),
}

/// Invitations that issuers sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The pool and its issuers.
    pub issuers: Issuers,
    /// The people.
    pub people: Vec<Entry>,
}

/// One person of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who it is, as the issuers know the person. It goes to the issuers alone.
    pub person: String,
    /// What is signed.
    pub grant: Grant,
    /// The signatures so far, by issuer.
    pub signatures: Vec<IssuerSignature>,
}

/// What signing a file has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// How many signatures were added.
    pub added: usize,
    /// How many issuers must sign still.
    pub missing: usize,
}

/// Why a file cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not such a file.
    #[error("{path}: not a file for issuers to sign: {reason}")]
    Syntax {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, as the parser reports it.
        reason: String,
    },
    /// Its pool cannot be used.
    #[error("the issuers cannot be used: {0}")]
    Issuers(#[from] IssuersError),
    /// The key is not an issuer's of this pool.
    #[error("this key is not one of the issuers of pool `{0}`")]
    NotAnIssuer(String),
    /// The key has signed something else before.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn load(path: &Path) -> Result<Self, DocumentError> {
        let bytes = files::read(path)?;
        let document: Self = serde_json::from_slice(&bytes).map_err(|e| DocumentError::Syntax {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        document.issuers().check()?;
        Ok(document)
    }

    /// Writes the file, in place of what was there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn store(&self, path: &Path) -> Result<(), DocumentError> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| DocumentError::Syntax {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        Ok(files::write(path, &text, Access::Private)?)
    }

    /// The pool and its issuers.
    pub fn issuers(&self) -> &Issuers {
        match self {
            Self::Invitations(request) => &request.issuers,
            Self::Revocation(revocation) => &revocation.issuers,
            Self::PoolSize(size) => &size.issuers,
        }
    }

    /// Adds the signatures of the issuer with this key. Invitations are noted first in the ledger beside the key's file.
    ///
    /// # Errors
    /// The key is not an issuer's, or it has signed something that contradicts this.
    pub fn sign(&mut self, key: &SecretKey, key_file: &Path) -> Result<Signing, DocumentError> {
        check_issuer(self.issuers(), key)?;
        let need = usize::from(self.issuers().need);
        match self {
            Self::Invitations(request) => request.sign(key, &mut Ledger::of(key_file)?),
            Self::Revocation(revocation) => {
                let signature = revocation.sign(key);
                Ok(one(&mut revocation.signatures, signature, need))
            }
            Self::PoolSize(size) => {
                let signature = size.sign(key);
                Ok(one(&mut size.signatures, signature, need))
            }
        }
    }
}

impl Request {
    /// Adds the signatures of the issuer with this key, which its ledger notes first.
    ///
    /// # Errors
    /// The key is not an issuer's, or it has signed something that contradicts this.
    pub fn sign(&mut self, key: &SecretKey, ledger: &mut Ledger) -> Result<Signing, DocumentError> {
        let Self { issuers, people } = self;
        check_issuer(issuers, key)?;
        let noted = people
            .iter()
            .map(|entry| (entry.person.as_str(), entry.grant.serial, entry.grant.invitation));
        ledger.note(issuers, noted)?;
        let need = usize::from(issuers.need);
        let mut added = 0;
        for entry in people.iter_mut() {
            let signature = entry.grant.sign(issuers, key);
            added += add(&mut entry.signatures, signature, need);
        }
        let missing = people.iter().map(|entry| need.saturating_sub(entry.signatures.len())).max();
        Ok(Signing {
            added,
            missing: missing.unwrap_or(0),
        })
    }
}

fn check_issuer(issuers: &Issuers, key: &SecretKey) -> Result<(), DocumentError> {
    if issuers.keys.contains(&key.public()) {
        Ok(())
    } else {
        Err(DocumentError::NotAnIssuer(issuers.pool.clone()))
    }
}

fn one(signatures: &mut Vec<IssuerSignature>, signature: Option<IssuerSignature>, need: usize) -> Signing {
    let added = add(signatures, signature, need);
    Signing {
        added,
        missing: need.saturating_sub(signatures.len()),
    }
}

/// Adds a signature in the order of the issuers, unless its issuer has signed or as many as needed have. Returns how many it added.
pub(super) fn add(signatures: &mut Vec<IssuerSignature>, signature: Option<IssuerSignature>, need: usize) -> usize {
    let Some(signature) = signature else { return 0 };
    if signatures.len() >= need {
        return 0;
    }
    match signatures.binary_search_by_key(&signature.issuer, |one| one.issuer) {
        Ok(_) => 0,
        Err(at) => {
            signatures.insert(at, signature);
            1
        }
    }
}
