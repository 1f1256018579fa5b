//! The issuers of a pool of people: who vouches for them, and how many must.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use super::{CredentialError, IssuerSignature};
use crate::codec::encode;
use crate::identity::{PublicKey, Purpose, SecretKey};

/// The most issuers of a pool.
pub const MAX_ISSUERS: usize = 16;
/// The longest name of a pool, in bytes: with a number behind it, it is a contributor's name.
const MAX_POOL: usize = 64;

/// A pool of people and its issuers. A job that names them counts no answer of anybody else.
///
/// A job names one pool, because a person may be in several of the same issuers, under another number in each.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuers {
    /// The name of the pool: 1 to 64 lower-case letters, digits and dashes.
    pub pool: String,
    /// The issuers' keys, 1 to 16, strictly ascending.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub keys: Vec<PublicKey>,
    /// How many issuers must sign a credential: by default 1, at most all.
    #[serde(default = "one")]
    pub need: u8,
}

fn one() -> u8 {
    1
}

/// Why a pool cannot be used: the field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("field `{field}` {problem}")]
pub struct IssuersError {
    /// The field of [`Issuers`].
    pub field: &'static str,
    /// What is wrong with it, to follow its name.
    pub problem: String,
}

impl Issuers {
    /// Checks the name of the pool, the keys and their order, and how many are needed.
    ///
    /// # Errors
    /// The first field that cannot be used, and why.
    pub fn check(&self) -> Result<(), IssuersError> {
        let wrong = |field, problem: String| Err(IssuersError { field, problem });
        let in_pool = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.pool.is_empty() || self.pool.len() > MAX_POOL || !self.pool.bytes().all(in_pool) {
            return wrong("pool", format!("must be 1 to {MAX_POOL} lower-case letters, digits and dashes"));
        }
        if !(1..=MAX_ISSUERS).contains(&self.keys.len()) {
            return wrong("keys", format!("must list 1 to {MAX_ISSUERS} keys"));
        }
        if !self.keys.is_sorted_by(|a, b| a < b) {
            return wrong("keys", "must be in ascending order, each once".to_owned());
        }
        if let Some((key, error)) = self.keys.iter().find_map(|key| Some((key, key.check().err()?))) {
            return wrong("keys", format!("has the key {key}, which cannot be used: {error}"));
        }
        if !(1..=self.keys.len()).contains(&usize::from(self.need)) {
            return wrong("need", format!("must be 1 to {}, the number of keys", self.keys.len()));
        }
        Ok(())
    }

    /// The digest that stands for the pool in everything that its issuers sign: a signature for one pool, or for one set of issuers, is
    /// worth nothing for another.
    pub fn digest(&self) -> Digest {
        Digest::of("tacit/v1 issuers", &[&encode(self)])
    }

    /// Signs as the issuer with this key; `None` if the key is not one of the issuers'.
    pub(super) fn sign(&self, purpose: Purpose, statement: &[u8], key: &SecretKey) -> Option<IssuerSignature> {
        let issuer = self.keys.iter().position(|issuer| *issuer == key.public())?;
        Some(IssuerSignature {
            issuer: issuer as u8,
            signature: key.sign(purpose, statement),
        })
    }

    /// Checks that exactly as many different issuers as the pool needs have signed.
    pub(super) fn verify(&self, purpose: Purpose, statement: &[u8], signatures: &[IssuerSignature]) -> Result<(), CredentialError> {
        let distinct = signatures.is_sorted_by(|a, b| a.issuer < b.issuer);
        if signatures.len() != usize::from(self.need) || !distinct {
            return Err(CredentialError::Signatures { need: self.need });
        }
        signatures.iter().try_for_each(|one| self.verify_one(purpose, statement, one))
    }

    /// Checks the signature of one issuer.
    pub(super) fn verify_one(&self, purpose: Purpose, statement: &[u8], one: &IssuerSignature) -> Result<(), CredentialError> {
        let wrong = CredentialError::Issuer { issuer: one.issuer };
        let key = self.keys.get(usize::from(one.issuer)).ok_or(wrong)?;
        key.verify(purpose, statement, &one.signature).map_err(|_| wrong)
    }
}
