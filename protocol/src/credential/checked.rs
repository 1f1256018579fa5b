//! Which credentials were checked before: their signatures are checked once, and not with every submission.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tacit_mpc_core::digest::Digest;

use super::{Credential, CredentialError, Issuers};
use crate::codec::encode;
use crate::identity::PublicKey;

/// How many credentials one generation holds; there are two. A digest has 32 bytes.
const GENERATION: usize = 1 << 16;

/// The credentials whose signatures were found good. Bad ones are not remembered, so nobody fills it without credentials.
#[derive(Debug, Default)]
pub struct CheckedCredentials(Mutex<Generations>);

/// The older generation is forgotten when the younger one is full.
#[derive(Debug, Default)]
struct Generations {
    younger: HashSet<Digest>,
    older: HashSet<Digest>,
}

impl CheckedCredentials {
    /// As [`Credential::check`]. Signatures that were checked before, for the same cluster, issuers and key, are not checked again.
    ///
    /// # Errors
    /// As [`Credential::check`].
    pub fn check(
        &self,
        credential: &Credential,
        cluster: &Digest,
        issuers: &Issuers,
        key: &PublicKey,
        closes_at: Option<u64>,
    ) -> Result<(), CredentialError> {
        credential.grant.check_expiry(closes_at)?;
        let of = Digest::of(
            "tacit/v1 checked credential",
            &[&encode(&(cluster, issuers.digest(), key, credential))],
        );
        if self.has(&of) {
            return Ok(());
        }
        credential.check_signatures(cluster, issuers, key)?;
        self.remember(of, GENERATION);
        Ok(())
    }

    fn has(&self, of: &Digest) -> bool {
        let known = self.generations();
        known.younger.contains(of) || known.older.contains(of)
    }

    fn remember(&self, of: Digest, most: usize) {
        let mut known = self.generations();
        if known.younger.len() >= most {
            known.older = std::mem::take(&mut known.younger);
        }
        known.younger.insert(of);
    }

    fn generations(&self) -> std::sync::MutexGuard<'_, Generations> {
        // No panic leaves the sets half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_newest_are_remembered() {
        let checked = CheckedCredentials::default();
        let digest = |i: u32| Digest::of("test", &[&i.to_le_bytes()]);
        (0..100).for_each(|i| checked.remember(digest(i), 10));
        assert!((90..100).all(|i| checked.has(&digest(i))));
        assert!((0..80).all(|i| !checked.has(&digest(i))));
    }
}
