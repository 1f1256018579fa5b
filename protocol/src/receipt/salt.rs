//! The salts of records, all from one seed.

use std::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use super::Record;

/// What all salts of a computation follow from. The coordinator draws it and sends it with the list of submissions: it knows everything
/// that records say, and so do the nodes. A contributor gets the salts of its own records only.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaltSeed(Digest);

impl SaltSeed {
    /// Draws a fresh seed.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self::from_bytes(bytes)
    }

    /// The seed with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The salt of a record: 32 bytes that look random to whoever does not know the seed. Records about others have other salts.
    pub fn salt(&self, record: &Record) -> Digest {
        Digest::of("tacit/v1 receipt salt", &[self.0.as_bytes(), &record.identity()])
    }

    /// A digest that all participants compare, so that they make the same salts.
    pub fn digest(&self) -> Digest {
        Digest::of("tacit/v1 receipt seed", &[self.0.as_bytes()])
    }
}

/// Shows nothing: the seed is for the nodes and the coordinator.
impl fmt::Debug for SaltSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltSeed(..)")
    }
}
