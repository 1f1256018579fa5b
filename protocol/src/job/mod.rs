//! A validation job: what is asked of which items, how many answers count, what is published and what is paid.

use crate::identity::{PublicKey, SecretKey, Signature};
use tacit_mpc_core::digest::Digest;

mod cancellation;
mod check;
mod closes_at;
mod error;
mod floors;
mod id;
mod image;
mod issuers;
mod item;
mod item_ids;
mod item_tags;
mod labels;
mod names;
mod pay;
mod rules;
mod signed;
mod spec;
mod terms;

pub use cancellation::Cancellation;
pub use check::{MAX_ANSWER_ELEMENTS, MAX_TALLY};
pub use error::JobError;
pub use floors::{MIN_ANSWERS, MIN_ANSWERS_TO_LABEL, MIN_CONTRIBUTORS};
pub use id::JobId;
pub use item::{Image, Item, Sha256, Side};
pub use item_ids::ItemIds;
pub use labels::{LabelRule, WEIGHT_ONE};
pub use pay::{MAX_PER_ITEM, PayRule, Payout, escrow};
pub use rules::{Gold, MAX_ANSWERS_PER_ITEM};
pub use signed::SignedSpec;
#[cfg(any(test, feature = "testing"))]
pub(crate) use signed::sign as sign_terms;
pub use spec::{JobSpec, MAX_ITEMS};
pub use terms::Terms;

/// A checked job, with the buyer's signature over its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    terms: Terms,
    items: Vec<Item>,
    digest: Digest,
    signature: Signature,
}

impl Job {
    /// Checks a spec, makes a job of it and signs its terms with the buyer's key, for the cluster of this digest.
    ///
    /// # Errors
    /// The first field that cannot be used, and why.
    pub fn sign(cluster: &Digest, id: JobId, spec: JobSpec, key: &SecretKey) -> Result<Self, JobError> {
        let (terms, items, digest) = checked(id, key.public(), spec)?;
        Ok(Self {
            signature: signed::sign(cluster, &digest, key),
            terms,
            items,
            digest,
        })
    }

    /// Checks a spec that its buyer has signed for the cluster of this digest, and makes a job of it.
    ///
    /// # Errors
    /// The first field that cannot be used, and why; [`JobError::Signature`].
    pub fn open(cluster: &Digest, id: JobId, SignedSpec { buyer, signature, spec }: SignedSpec) -> Result<Self, JobError> {
        let (terms, items, digest) = checked(id, buyer, spec)?;
        terms.verify_signature(cluster, &digest, &signature).map_err(JobError::Signature)?;
        Ok(Self {
            terms,
            items,
            digest,
            signature,
        })
    }

    /// The spec of the job as it travels. It copies the items.
    pub fn to_signed_spec(&self) -> SignedSpec {
        SignedSpec {
            buyer: self.terms.buyer,
            signature: self.signature,
            spec: self.terms.to_spec(self.items.clone()),
        }
    }

    /// The buyer's signature over the terms.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Everything but the items.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The job's id.
    pub fn id(&self) -> &JobId {
        &self.terms.id
    }

    /// The items; submissions name them by their index here.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The digest that binds submissions and outputs to this job.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl JobSpec {
    /// Checks that a job of this id can be made of the spec, before there is a cluster to sign it for.
    ///
    /// # Errors
    /// The first field that cannot be used, and why.
    pub fn check(self, id: JobId) -> Result<(), JobError> {
        checked(id, PublicKey::from_bytes([0; PublicKey::LEN]), self).map(drop)
    }
}

/// The checked terms of a spec, its items, and the digest of the terms.
fn checked(id: JobId, buyer: PublicKey, spec: JobSpec) -> Result<(Terms, Vec<Item>, Digest), JobError> {
    check::items(&spec.items)?;
    if spec.sensitive && crate::check::Check::Items.is_made() {
        item_tags::check(&spec.items)?;
    }
    let (terms, items) = Terms::from_spec(id, buyer, spec);
    terms.check()?;
    let digest = terms.digest();
    Ok((terms, items, digest))
}

#[cfg(test)]
mod tests;
