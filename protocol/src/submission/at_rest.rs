//! A submission as a node stores it: the signed header as it came, and the components of its envelope, sealed again under
//! the node's key of the job.

use rand_core::CryptoRng;

use super::{Delivery, Header, OpenedSubmission};
use crate::cluster::Cluster;
use crate::codec::decode;
use crate::identity::{Signature, Signed};
use crate::job::Job;
use crate::reject::RejectReason;
use crate::sealing::{AtRestKey, UnsealingKey};
use tacit_mpc_core::digest::Digest;

impl Delivery {
    /// Opens the envelope of `node` as [`Self::open`] does, and seals the components for the node's store, bound to the
    /// `digest` by which the submission is listed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn seal_at_rest<R: CryptoRng>(
        &self,
        cluster: &Cluster,
        job: &Job,
        (node, digest): (usize, &Digest),
        (key, at_rest_key): (&UnsealingKey, &AtRestKey),
        rng: &mut R,
    ) -> Result<Vec<u8>, RejectReason> {
        let (plaintext, _) = self.unseal(cluster, job, node, key)?;
        at_rest_key
            .seal(&bound_to(job, digest, node), &plaintext, rng)
            .map_err(|_| RejectReason::Unsealable)
    }
}

impl Header {
    /// Reads the stored header, encoded and signed, of the submission that is listed by `digest`; `None` if it is of another
    /// submission.
    pub fn from_stored(signed: &[u8], digest: &Digest) -> Option<Self> {
        let (header, _) = signed.split_at_checked(signed.len().checked_sub(Signature::LEN)?)?;
        if Self::digest_of(header) != *digest {
            return None;
        }
        decode::<Signed<Self>>(signed, "a header").ok().map(|signed| signed.value)
    }

    /// Opens what [`Delivery::seal_at_rest`] sealed for the submission of this header; `None` if it was sealed for another
    /// node, job or submission, or altered.
    pub fn open_at_rest(
        &self,
        cluster: &Cluster,
        job: &Job,
        (node, digest): (usize, &Digest),
        key: &AtRestKey,
        sealed: Vec<u8>,
    ) -> Option<OpenedSubmission> {
        let plaintext = key.open(&bound_to(job, digest, node), sealed).ok()?;
        // The components were compared with their digests before they were sealed.
        OpenedSubmission::read(&plaintext, cluster.access(), job, node, &self.statement, |_, _| true).ok()
    }
}

/// The job, submission and node that sealed components are bound to.
pub(super) fn bound_to(job: &Job, digest: &Digest, node: usize) -> Vec<u8> {
    [
        b"tacit/v1 kept".as_slice(),
        job.digest().as_bytes(),
        digest.as_bytes(),
        &[node as u8],
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::codec::encode;
    use crate::fixtures::{cluster_with_keys, job, submission};
    use crate::job::PayRule;

    #[test]
    fn what_is_stored_opens_as_itself_only() {
        let members = cluster_with_keys(3, 1);
        let (job, other_job) = (job(4, 3, 5, PayRule::Flat), job(5, 3, 5, PayRule::Flat));
        let cluster = &members.cluster;
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let at_rest_keys: Vec<AtRestKey> = members.sealing.iter().map(|_| AtRestKey::generate(&mut rng)).collect();
        let submissions = [
            submission(&members, &job, 7, &[(0, 2), (2, 0)]),
            submission(&members, &job, 8, &[(0, 1), (2, 0)]),
        ];
        for node in 0..3 {
            let mut stored = Vec::new();
            for submission in &submissions {
                let delivery = submission.delivery(node).unwrap();
                let digest = delivery.header.value.digest();
                let keys = (&members.sealing[node], &at_rest_keys[node]);
                let sealed = delivery.seal_at_rest(cluster, &job, (node, &digest), keys, &mut rng).unwrap();
                let header = Header::from_stored(&encode(&delivery.header), &digest).unwrap();
                assert_eq!(header, delivery.header.value);
                let opened = header
                    .open_at_rest(cluster, &job, (node, &digest), &at_rest_keys[node], sealed.clone())
                    .unwrap();
                let first = delivery.open(cluster, &job, node, &members.sealing[node]).unwrap();
                for position in 0..2 {
                    assert!(opened.expand(position) == first.expand(position));
                }
                stored.push((header, digest, sealed));
            }
            let [(header, digest, sealed), (other_header, other_digest, other)] = &stored[..] else {
                unreachable!()
            };
            let open = |header: &Header, job: &Job, node: usize, digest: &Digest, key: &AtRestKey, sealed: &[u8]| {
                header.open_at_rest(cluster, job, (node, digest), key, sealed.to_vec()).is_some()
            };
            let (key, next) = (&at_rest_keys[node], (node + 1) % 3);
            assert!(open(header, &job, node, digest, key, sealed));
            assert!(!open(header, &job, node, digest, key, other), "two rows swapped");
            assert!(
                !open(other_header, &job, node, other_digest, key, sealed),
                "listed by another digest"
            );
            assert!(!open(header, &job, node, digest, &at_rest_keys[next], sealed), "another node's key");
            assert!(!open(header, &job, next, digest, key, sealed), "as another node");
            assert!(!open(header, &other_job, node, digest, key, sealed), "in another job");
            for position in [0, 31, 32, sealed.len() / 2, sealed.len() - 1] {
                let mut altered = sealed.clone();
                altered[position] ^= 1;
                assert!(!open(header, &job, node, digest, key, &altered), "byte {position} altered");
                assert!(!open(header, &job, node, digest, key, &sealed[..position]), "cut at {position}");
            }
        }
    }

    #[test]
    fn headers_of_other_submissions_are_not_read() {
        let members = cluster_with_keys(3, 1);
        let job = job(4, 3, 5, PayRule::Flat);
        let header = submission(&members, &job, 7, &[(0, 2)]).header;
        let (bytes, digest) = (encode(&header), header.value.digest());
        assert!(Header::from_stored(&bytes, &Digest::of("other", &[])).is_none());
        assert!(Header::from_stored(&[], &digest).is_none());
        for position in 0..bytes.len() - Signature::LEN {
            let mut altered = bytes.clone();
            altered[position] ^= 1;
            assert!(Header::from_stored(&altered, &digest).is_none(), "byte {position}");
        }
    }

    #[test]
    fn what_does_not_open_is_not_sealed_again() {
        let members = cluster_with_keys(3, 1);
        let job = job(4, 3, 5, PayRule::Flat);
        let mut delivery = submission(&members, &job, 7, &[(0, 2)]).delivery(0).unwrap();
        let digest = delivery.header.value.digest();
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let at_rest_key = AtRestKey::generate(&mut rng);
        delivery.envelope[40] ^= 1;
        let keys = (&members.sealing[0], &at_rest_key);
        assert_eq!(
            delivery.seal_at_rest(&members.cluster, &job, (0, &digest), keys, &mut rng),
            Err(RejectReason::DigestMismatch)
        );
    }
}
