//! Credentials: what says that a contributor is one person of a pool of people that issuers vouch for.
//!
//! The issuers of a pool give every person a number and an invitation: a key of its own, with their signatures over number, key and
//! expiry. The person's client signs its own key with the invitation key. Both together are a [`Credential`], which stands in the
//! header of every submission. So no server is needed at the time of the answers, and nobody but the person's client learns a
//! secret key.
//!
//! Everything here is public arithmetic without a clock: coordinator and nodes come to the same decision.

mod checked;
mod invitation;
mod issuers;
mod shown;
mod statements;

pub use checked::CheckedCredentials;
pub use invitation::{CodeError, Invitation};
pub use issuers::{Issuers, IssuersError, MAX_ISSUERS};
pub use shown::{SHOWN_HEADER, Shown, ShownError};
pub use statements::{MAX_REVOKED, PoolSize, Revocation, StatementError};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use crate::codec::encode;
use crate::identity::{PublicKey, Purpose, SecretKey, Signature};

/// What issuers sign for one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The person's number in the pool. Nobody else has it, and the person has no other.
    pub serial: u32,
    /// The public key of the person's invitation.
    pub invitation: PublicKey,
    /// Until when the grant is valid, in Unix seconds; `None` if it does not expire.
    pub expires: Option<u64>,
}

/// The signature of one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSignature {
    /// The place of the issuer's key in [`Issuers::keys`], from 0.
    pub issuer: u8,
    /// The issuer's signature.
    pub signature: Signature,
}

/// What shows that a contributor's key belongs to one person of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// What the issuers have signed.
    pub grant: Grant,
    /// The signatures of as many issuers as the pool needs, by issuer, strictly ascending.
    pub signatures: Vec<IssuerSignature>,
    /// The invitation key's signature over the cluster, the pool and the contributor's key.
    pub holder: Signature,
}

/// Why a credential, or another statement of issuers, is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// There are more or fewer signatures than the pool needs, or not in the order of the issuers.
    #[error("it must have the signatures of exactly {need} different issuers, in their order")]
    Signatures {
        /// How many signatures the pool needs.
        need: u8,
    },
    /// The signature of the issuer at this place does not verify.
    #[error("the signature of issuer {issuer} does not verify: it is of another pool, of other issuers, or was altered")]
    Issuer {
        /// The place of the issuer, from 0.
        issuer: u8,
    },
    /// It is not valid until the job closes.
    #[error("it expires before the job closes, or the job has no closing time: ask the issuers for one that is valid longer")]
    Expired,
    /// The invitation key has not signed the contributor's key for this cluster and pool.
    #[error("the invitation has not signed this key for this cluster and this pool: use the key that the credential was made for")]
    Holder,
}

impl Grant {
    /// Signs the grant as the issuer with this key; `None` if the key is not one of the issuers'.
    pub fn sign(&self, issuers: &Issuers, key: &SecretKey) -> Option<IssuerSignature> {
        issuers.sign(Purpose::Grant, &self.statement(issuers), key)
    }

    /// What the issuers sign: the digest of the issuers, then the grant.
    pub fn statement(&self, issuers: &Issuers) -> Vec<u8> {
        encode(&(issuers.digest(), self))
    }

    fn check_expiry(&self, closes_at: Option<u64>) -> Result<(), CredentialError> {
        match self.expires {
            Some(expires) if closes_at.is_none_or(|closes_at| expires < closes_at) => Err(CredentialError::Expired),
            _ => Ok(()),
        }
    }
}

impl Credential {
    /// Signs a contributor's key with the key of its invitation.
    pub fn new(
        cluster: &Digest,
        issuers: &Issuers,
        grant: Grant,
        signatures: Vec<IssuerSignature>,
        invitation: &SecretKey,
        key: &PublicKey,
    ) -> Self {
        Self {
            grant,
            signatures,
            holder: invitation.sign(Purpose::Invitation, &holder_statement(cluster, issuers, key)),
        }
    }

    /// The name of its holder in submissions, certificates and payouts: the pool and the number in it.
    pub fn name(&self, issuers: &Issuers) -> String {
        format!("{}/{}", issuers.pool, self.grant.serial)
    }

    /// Checks that this is the credential of `key` in the pool of these issuers and in the cluster of this digest, and that it is valid
    /// until `closes_at`: the time at which the job closes, in Unix seconds, if the job has one.
    ///
    /// Clocks differ. If each node used its own, one would accept a credential that the next refuses. The terms fix the time, so nodes
    /// never disagree about an expiry, and whoever delays a delivery changes nothing.
    ///
    /// # Errors
    /// The first of its parts that is not as it should be.
    pub fn check(&self, cluster: &Digest, issuers: &Issuers, key: &PublicKey, closes_at: Option<u64>) -> Result<(), CredentialError> {
        self.grant.check_expiry(closes_at)?;
        self.check_signatures(cluster, issuers, key)
    }

    fn check_signatures(&self, cluster: &Digest, issuers: &Issuers, key: &PublicKey) -> Result<(), CredentialError> {
        issuers.verify(Purpose::Grant, &self.grant.statement(issuers), &self.signatures)?;
        self.grant
            .invitation
            .verify(Purpose::Invitation, &holder_statement(cluster, issuers, key), &self.holder)
            .map_err(|_| CredentialError::Holder)
    }
}

/// What an invitation key signs. It names the cluster and the pool, so that what was signed for one is of no use in another, and no
/// number and no expiry, so that issuers can prolong a grant without the contributor.
pub(crate) fn holder_statement(cluster: &Digest, issuers: &Issuers, key: &PublicKey) -> Vec<u8> {
    encode(&(cluster, issuers.digest(), key))
}

#[cfg(test)]
mod tests;
