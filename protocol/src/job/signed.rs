//! A spec with the buyer's signature. Nobody opens a job, computes it or answers it without one.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use super::{JobError, JobSpec, Terms};
use crate::check::Check;
use crate::identity::{IdentityError, PublicKey, Purpose, SecretKey, Signature};

/// A spec as it travels and is stored: with the key of the buyer and its signature over the terms.
///
/// The terms also hold the id of the job, which is known where a signed spec is read.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedSpec {
    /// The buyer's key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub buyer: PublicKey,
    /// The buyer's signature over the digest of the cluster file and the digest of the job's terms.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
    /// The job.
    pub spec: JobSpec,
}

impl SignedSpec {
    /// Reads a signed spec from JSON. Whether a job can be made of it is for [`super::Job::open`] to say.
    ///
    /// # Errors
    /// [`JobError::Syntax`]: not JSON, or not these fields.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JobError> {
        serde_json::from_slice(bytes).map_err(|e| JobError::Syntax(e.to_string()))
    }
}

impl Terms {
    /// Checks the buyer's signature over these terms, given their digest, for the cluster of this digest.
    ///
    /// # Errors
    /// The buyer's key cannot be used, or the signature is not its own over these terms and this cluster.
    pub fn verify_signature(&self, cluster: &Digest, digest: &Digest, signature: &Signature) -> Result<(), IdentityError> {
        match self.buyer.verify(Purpose::Terms, &statement(cluster, digest), signature) {
            Err(error) if Check::Buyer.is_made() => Err(error),
            _ => Ok(()),
        }
    }
}

/// Signs terms of this digest for the cluster of this digest.
pub(crate) fn sign(cluster: &Digest, terms: &Digest, key: &SecretKey) -> Signature {
    key.sign(Purpose::Terms, &statement(cluster, terms))
}

fn statement(cluster: &Digest, terms: &Digest) -> Vec<u8> {
    crate::codec::encode(&(cluster, terms))
}
