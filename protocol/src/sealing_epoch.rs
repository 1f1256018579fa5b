//! The keys that contributors seal to, one epoch after the other. A node draws a new key for each epoch and destroys the keys of epochs that
//! are over, so that whoever breaks into it later cannot open envelopes that were recorded. `docs/security/epochs.md` has the argument.
//!
//! The number of an epoch is the Unix time at which it began, and at least one more than the number before it. So a node needs no
//! counter that a backup could set back.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use crate::check::Check;
use crate::cluster::Cluster;
use crate::identity::{PublicKey, Purpose, Signed};
use crate::sealing::SealingKey;

/// The longest time for which an epoch may be opened, in seconds: 400 days. A longer one is a mistake.
pub const MAX_LIFETIME: u64 = 400 * 24 * 3600;

/// What a node signs of its newest sealing key, for [`Purpose::SealingEpoch`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingEpoch {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// The number of the epoch: the Unix time at which it began.
    pub number: u64,
    /// When the node destroys the secret key, in Unix time.
    pub expires: u64,
    /// Until when the node opens what is sealed to its older keys, in Unix time.
    pub opens_older_until: u64,
    /// The public key.
    pub key: SealingKey,
}

/// A statement with the signature of the node's identity key.
pub type SignedEpoch = Signed<SealingEpoch>;

/// A key that contributors may seal to, with the number of its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochKey {
    /// The number of the epoch.
    pub number: u64,
    /// The public key.
    pub key: SealingKey,
}

/// Why nothing is sealed to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EpochError {
    /// There is no statement.
    #[error("the coordinator has no sealing key of it yet: wait until the node was connected")]
    Missing,
    /// The statement is for another cluster.
    #[error("its sealing key is signed for another cluster")]
    Cluster,
    /// The node has not signed the statement.
    #[error("its sealing key is not signed by the node's identity key in the cluster file: tell the operators")]
    Signature,
    /// The key's time is over.
    #[error(
        "its sealing key has expired: the node was away for long, or the coordinator keeps back a newer key; or the clock here is wrong"
    )]
    Expired,
    /// The key would be opened for longer than [`MAX_LIFETIME`].
    #[error("its sealing key would be valid for more than 400 days: tell the node's operator")]
    Lifetime,
    /// A newer key was seen before.
    #[error("its sealing key is older than one that was seen before: the coordinator keeps back the newer one, or the node lost it")]
    WentBack,
    /// The key cannot be sealed to.
    #[error("its sealing key is not usable")]
    Key,
}

/// The first node whose key nothing is sealed to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("node `{node}`: {error}")]
pub struct NodeEpochError {
    /// The node's name.
    pub node: String,
    /// Why.
    #[source]
    pub error: EpochError,
}

impl SealingEpoch {
    /// Checks a statement of the node with this identity key, at this Unix time.
    ///
    /// # Errors
    /// What is wrong; never [`EpochError::Missing`] or [`EpochError::WentBack`].
    pub fn check(signed: &SignedEpoch, cluster: &Digest, identity: &PublicKey, now: u64) -> Result<(), EpochError> {
        let epoch = &signed.value;
        if epoch.cluster != *cluster {
            return Err(EpochError::Cluster);
        }
        if Check::SealingSignature.is_made() && signed.verify(Purpose::SealingEpoch, identity).is_err() {
            return Err(EpochError::Signature);
        }
        if epoch
            .expires
            .checked_sub(epoch.number)
            .is_none_or(|lifetime| lifetime > MAX_LIFETIME)
        {
            return Err(EpochError::Lifetime);
        }
        if Check::SealingExpiry.is_made() && epoch.expires <= now {
            return Err(EpochError::Expired);
        }
        epoch.key.check().map_err(|_| EpochError::Key)
    }

    /// Whether the node still opens at this Unix time what is sealed to its epoch of this number, as far as its newest statement tells.
    pub fn opens(&self, number: u64, now: u64) -> bool {
        // A greater number is of a newer statement than this one.
        number > self.number || (now < self.expires && (number == self.number || now < self.opens_older_until))
    }
}

impl Cluster {
    /// The cluster with the keys of these statements to seal to: one for each node, in the order of the nodes. `seen` has the greatest number
    /// that was seen before of each node, 0 if none.
    ///
    /// # Errors
    /// Nothing may be sealed to the key of some node.
    pub fn sealing_to(self, statements: &[Option<SignedEpoch>], seen: &[u64], now: u64) -> Result<Self, NodeEpochError> {
        let mut keys = Vec::with_capacity(self.nodes().len());
        for (index, node) in self.nodes().iter().enumerate() {
            let refused = |error| NodeEpochError {
                node: node.name.clone(),
                error,
            };
            let signed = statements.get(index).and_then(Option::as_ref);
            let signed = signed.ok_or_else(|| refused(EpochError::Missing))?;
            SealingEpoch::check(signed, &self.digest(), &node.identity, now).map_err(refused)?;
            let epoch = &signed.value;
            if Check::SealingOrder.is_made() && seen.get(index).is_some_and(|seen| epoch.number < *seen) {
                return Err(refused(EpochError::WentBack));
            }
            keys.push(EpochKey {
                number: epoch.number,
                key: epoch.key.clone(),
            });
        }
        Ok(self.with_sealing_keys(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{cluster_with_keys, epochs};
    use crate::identity::SecretKey;

    const NOW: u64 = 1_784_030_400;

    fn refused(alter: impl FnOnce(&mut Vec<Option<SignedEpoch>>), seen: &[u64], now: u64) -> Option<EpochError> {
        let members = cluster_with_keys(3, 1);
        let mut statements = epochs(&members, NOW, NOW + 100);
        alter(&mut statements);
        let sealing = members.cluster.sealing_to(&statements, seen, now);
        sealing.map_err(|error| error.error).err()
    }

    #[test]
    fn keys_are_taken_of_nodes_that_signed_them_for_this_cluster_and_time() {
        assert_eq!(refused(|_| {}, &[], NOW), None);
        assert_eq!(refused(|_| {}, &[NOW; 3], NOW + 99), None);
        assert_eq!(refused(|all| all[1] = None, &[], NOW), Some(EpochError::Missing));
        assert_eq!(refused(|all| drop(all.pop()), &[], NOW), Some(EpochError::Missing));
        assert_eq!(refused(|all| all.swap(0, 1), &[], NOW), Some(EpochError::Signature));
        assert_eq!(refused(|_| {}, &[], NOW + 100), Some(EpochError::Expired));
        assert_eq!(refused(|_| {}, &[0, NOW + 1, 0], NOW), Some(EpochError::WentBack));
    }

    #[test]
    fn each_field_is_signed_and_checked() {
        let node = SecretKey::from_bytes(&[1; 32]);
        let cluster = Digest::of("cluster", &[]);
        let good = epochs(&cluster_with_keys(3, 1), NOW, NOW + 100)[0].clone().unwrap().value;
        let signed = |alter: &dyn Fn(&mut SealingEpoch)| {
            let mut epoch = SealingEpoch { cluster, ..good.clone() };
            alter(&mut epoch);
            SealingEpoch::check(&Signed::new(epoch, Purpose::SealingEpoch, &node), &cluster, &node.public(), NOW)
        };
        assert_eq!(signed(&|_| {}), Ok(()));
        assert_eq!(signed(&|epoch| epoch.cluster = Digest::of("other", &[])), Err(EpochError::Cluster));
        assert_eq!(signed(&|epoch| epoch.expires = NOW + MAX_LIFETIME + 1), Err(EpochError::Lifetime));
        assert_eq!(signed(&|epoch| epoch.number = u64::MAX), Err(EpochError::Lifetime));
        assert_eq!(signed(&|epoch| epoch.key.public_key.truncate(3)), Err(EpochError::Key));
        let mut altered = Signed::new(SealingEpoch { cluster, ..good }, Purpose::SealingEpoch, &node);
        altered.value.opens_older_until += 1;
        assert_eq!(
            SealingEpoch::check(&altered, &cluster, &node.public(), NOW),
            Err(EpochError::Signature)
        );
    }

    #[test]
    fn older_keys_are_opened_until_their_time_is_over() {
        let mut epoch = epochs(&cluster_with_keys(3, 1), NOW, NOW + 100)[0].clone().unwrap().value;
        epoch.opens_older_until = NOW + 10;
        assert!(epoch.opens(NOW, NOW + 99) && epoch.opens(NOW - 5, NOW + 9) && epoch.opens(NOW + 1, NOW + 500));
        assert!(!epoch.opens(NOW, NOW + 100) && !epoch.opens(NOW - 5, NOW + 10));
    }
}
