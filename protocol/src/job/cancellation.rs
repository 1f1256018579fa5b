//! The buyer's word that a job is over. Nodes erase what they hold of a job that its buyer has cancelled, so nobody else can say so.

use tacit_mpc_core::digest::Digest;

use super::JobId;
use crate::check::Check;
use crate::identity::{IdentityError, PublicKey, Purpose, SecretKey, Signature};

/// What a buyer signs to cancel a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancellation<'a> {
    /// The digest of the cluster file that the job's terms are signed for.
    pub cluster: &'a Digest,
    /// The job's id. The digest covers it, too; but a buyer who cancels knows the id, and may have the digest from the coordinator.
    pub job: &'a JobId,
    /// The digest of the job's terms.
    pub terms: &'a Digest,
}

impl Cancellation<'_> {
    /// Signs it with the key that has signed the terms.
    pub fn sign(&self, key: &SecretKey) -> Signature {
        key.sign(Purpose::Cancellation, &self.statement())
    }

    /// Checks the signature of the buyer who has signed the terms.
    ///
    /// # Errors
    /// The key cannot be used, or the signature is not its own over this cancellation.
    pub fn verify(&self, buyer: &PublicKey, signature: &Signature) -> Result<(), IdentityError> {
        match buyer.verify(Purpose::Cancellation, &self.statement(), signature) {
            Err(error) if Check::Cancellations.is_made() => Err(error),
            _ => Ok(()),
        }
    }

    fn statement(&self) -> Vec<u8> {
        crate::codec::encode(&(self.cluster, self.job, self.terms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::buyer_key;

    #[test]
    fn a_cancellation_is_of_one_job_at_one_cluster_by_one_buyer() {
        let [cluster, terms, other] = [b"1", b"2", b"3"].map(|text| Digest::of("test", &[text]));
        let [job, other_job]: [JobId; 2] = ["signs", "other"].map(|id| id.parse().unwrap());
        let cancellation = Cancellation {
            cluster: &cluster,
            job: &job,
            terms: &terms,
        };
        let signature = cancellation.sign(&buyer_key());
        let buyer = buyer_key().public();
        assert_eq!(cancellation.verify(&buyer, &signature), Ok(()));
        for wrong in [
            Cancellation {
                cluster: &other,
                ..cancellation
            },
            Cancellation {
                job: &other_job,
                ..cancellation
            },
            Cancellation {
                terms: &other,
                ..cancellation
            },
        ] {
            assert_eq!(wrong.verify(&buyer, &signature), Err(IdentityError::Signature));
        }
        let somebody = SecretKey::from_bytes(&[77; 32]);
        assert!(cancellation.verify(&buyer, &cancellation.sign(&somebody)).is_err());
        // The signature under the terms says nothing about their end.
        assert!(
            cancellation
                .verify(&buyer, &super::super::sign_terms(&cluster, &terms, &buyer_key()))
                .is_err()
        );
    }
}
