//! What the issuers of a pool say of it as a whole: which numbers are revoked, and how many there are.

use serde::{Deserialize, Serialize};

use super::{CredentialError, IssuerSignature, Issuers, IssuersError};
use crate::codec::encode;
use crate::identity::{Purpose, SecretKey};

/// The most numbers in one revocation.
pub const MAX_REVOKED: usize = 100_000;

/// A list of numbers of a pool whose holders may send no further answers. What nodes hold already counts all the same: else issuers
/// could choose the crowd when the answers are there. Lists add up, and nothing takes a number back off.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The pool and its issuers.
    pub issuers: Issuers,
    /// The revoked numbers, strictly ascending; at least one.
    pub serials: Vec<u32>,
    /// The signatures of as many issuers as the pool needs, by issuer, strictly ascending.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub signatures: Vec<IssuerSignature>,
}

/// How many numbers the issuers of a pool have given out, so that anybody can compare it with the people that they know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSize {
    /// The pool and its issuers.
    pub issuers: Issuers,
    /// How many credentials there are.
    pub credentials: u32,
    /// The signatures of as many issuers as the pool needs, by issuer, strictly ascending.
    pub signatures: Vec<IssuerSignature>,
}

impl Revocation {
    /// Signs the list as the issuer with this key; `None` if the key is not one of the issuers'.
    pub fn sign(&self, key: &SecretKey) -> Option<IssuerSignature> {
        self.issuers.sign(Purpose::Revocation, &self.statement(), key)
    }

    /// What the issuers sign: their digest, then the numbers.
    pub fn statement(&self) -> Vec<u8> {
        encode(&(self.issuers.digest(), &self.serials))
    }

    /// Checks the pool, the numbers and the signatures.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), StatementError> {
        self.issuers.check()?;
        if !(1..=MAX_REVOKED).contains(&self.serials.len()) || !self.serials.is_sorted_by(|a, b| a < b) {
            return Err(StatementError::Serials);
        }
        Ok(self.issuers.verify(Purpose::Revocation, &self.statement(), &self.signatures)?)
    }
}

impl PoolSize {
    /// Signs the number as the issuer with this key; `None` if the key is not one of the issuers'.
    pub fn sign(&self, key: &SecretKey) -> Option<IssuerSignature> {
        self.issuers.sign(Purpose::PoolSize, &self.statement(), key)
    }

    /// What the issuers sign: their digest, then the number.
    pub fn statement(&self) -> Vec<u8> {
        encode(&(self.issuers.digest(), self.credentials))
    }

    /// Checks the pool and the signatures.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), StatementError> {
        self.issuers.check()?;
        Ok(self.issuers.verify(Purpose::PoolSize, &self.statement(), &self.signatures)?)
    }
}

/// Why a statement of issuers is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The pool cannot be used.
    #[error("the issuers cannot be used: {0}")]
    Issuers(#[from] IssuersError),
    /// The numbers are not as they should be.
    #[error("field `serials` must list 1 to {MAX_REVOKED} numbers in ascending order, each once")]
    Serials,
    /// The signatures are not as they should be.
    #[error("it is not signed by the issuers: {0}")]
    Signatures(#[from] CredentialError),
}
