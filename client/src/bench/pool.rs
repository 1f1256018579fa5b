//! The issuers of the job, where it names some, and the credentials of the contributors.

use anyhow::{Context, Result};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::{Credential, Invitation, Issuers};
use tacit_protocol::identity::{PublicKey, SecretKey};

use super::synthetic::{POOL, number};

/// The issuers, all of whom sign each invitation.
pub(super) struct Pool {
    /// Their public keys.
    pub issuers: Issuers,
    keys: Vec<SecretKey>,
}

impl Pool {
    /// So many issuers; `None` if there are none.
    pub(super) fn of(issuers: u8) -> Option<Self> {
        let mut keys: Vec<_> = (0..issuers).map(|_| SecretKey::generate(&mut rand::rng())).collect();
        keys.sort_unstable_by_key(SecretKey::public);
        let listed = Issuers {
            pool: POOL.to_owned(),
            keys: keys.iter().map(SecretKey::public).collect(),
            need: issuers,
        };
        (issuers > 0).then_some(Self { issuers: listed, keys })
    }

    /// The credential of a contributor's key, by the index of the contributor.
    pub(super) fn credential(&self, cluster: &Digest, contributor: usize, key: &PublicKey) -> Result<Credential> {
        let mut invitation = Invitation {
            key: SecretKey::generate(&mut rand::rng()),
            serial: number(contributor).context("--contributors")?,
            expires: None,
            signatures: Vec::new(),
        };
        let grant = invitation.grant();
        let signed = self.keys.iter().map(|key| grant.sign(&self.issuers, key));
        invitation.signatures = signed.collect::<Option<_>>().context("an issuer is not in its pool")?;
        Ok(invitation.credential(cluster, &self.issuers, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_issuers_vouch_for_everybody() {
        assert!(Pool::of(0).is_none());
        let (pool, cluster) = (Pool::of(3).unwrap(), Digest::of("cluster", &[]));
        pool.issuers.check().unwrap();
        let key = SecretKey::generate(&mut rand::rng()).public();
        let credential = pool.credential(&cluster, 7, &key).unwrap();
        assert_eq!(credential.check(&cluster, &pool.issuers, &key, None), Ok(()));
        assert_eq!(credential.name(&pool.issuers), super::super::synthetic::name(7, true));
    }
}
