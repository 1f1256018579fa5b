//! Sealing what a node stores. An envelope is opened once, when it arrives; its content is then sealed under a symmetric key of the node's own,
//! which opens in a hundredth of the time that an envelope takes.
//!
//! A row is a salt of 32 random bytes, the AES-256-GCM ciphertext
//! ([NIST SP 800-38D](https://doi.org/10.6028/NIST.SP.800-38D)), and its tag of 16 bytes. The row's key is
//! `HKDF-Expand(PRK, salt, 32)` with `PRK = HKDF-Extract("tacit/v1 kept components", sealing key)` over SHA-256
//! ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)); the nonce is 0.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::{SealingError, UnsealingKey};
use crate::identity::SecretKey;

/// Bytes of the salt at the start of a sealed row.
const SALT: usize = 32;

/// The key that seals a node's store. It is derived from the node's sealing key, which is not in the store: a stolen store gives neither
/// away.
///
/// Every row has a key of its own, derived with a new random salt and used once. So a nonce repeats under a key only if two
/// salts are equal, which has probability below 2^-128 for 2^64 rows. Never printed; zeroized on drop.
#[derive(Clone)]
pub struct AtRestKey(Zeroizing<[u8; 32]>);

impl AtRestKey {
    /// Derives the key from a node's identity key, which lives as long as the node: sealing keys do not.
    pub fn of_identity(key: &SecretKey) -> Self {
        let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(b"tacit/v1 kept components"), key.to_bytes().as_slice());
        let mut this = Self(Zeroizing::new([0; 32]));
        this.0.copy_from_slice(&extracted);
        extracted.as_mut_slice().zeroize();
        this
    }

    /// Derives the key from a node's secret sealing key.
    pub fn of(key: &UnsealingKey) -> Self {
        let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(b"tacit/v1 kept components"), key.to_bytes());
        let mut this = Self(Zeroizing::new([0; 32]));
        this.0.copy_from_slice(&extracted);
        extracted.as_mut_slice().zeroize();
        this
    }

    /// Seals `plaintext` bound to `aad`, which is not stored, and gives the row: salt, ciphertext, tag. It is 48 bytes longer than
    /// the plaintext.
    ///
    /// # Errors
    /// [`SealingError::Key`] if the plaintext is longer than AES-GCM allows, about 64 GiB.
    pub fn seal<R: CryptoRng>(&self, aad: &[u8], plaintext: &[u8], rng: &mut R) -> Result<Vec<u8>, SealingError> {
        let mut sealed = vec![0; SALT + plaintext.len()];
        let (salt, body) = sealed.split_at_mut(SALT);
        rng.fill_bytes(salt);
        body.copy_from_slice(plaintext);
        let tag = self
            .row(salt)?
            .seal_in_place_separate_tag(nonce(), Aad::from(aad), body)
            .map_err(|_| SealingError::Key)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a row that [`Self::seal`] made with this key and the same `aad`.
    ///
    /// # Errors
    /// [`SealingError::Envelope`] if it was not, or the row was altered or cut.
    pub fn open(&self, aad: &[u8], sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        let mut row = Zeroizing::new(sealed);
        let (salt, body) = row.split_at_mut_checked(SALT).ok_or(SealingError::Envelope)?;
        let length = self
            .row(salt)?
            .open_in_place(nonce(), Aad::from(aad), body)
            .map_err(|_| SealingError::Envelope)?
            .len();
        row.copy_within(SALT..SALT + length, 0);
        row.truncate(length);
        Ok(row)
    }

    /// The key of the row with this salt.
    fn row(&self, salt: &[u8]) -> Result<LessSafeKey, SealingError> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::from_prk(&*self.0)
            .map_err(|_| SealingError::Key)?
            .expand(salt, &mut *key)
            .map_err(|_| SealingError::Key)?;
        UnboundKey::new(&AES_256_GCM, &*key)
            .map(LessSafeKey::new)
            .map_err(|_| SealingError::Key)
    }
}

/// The nonce is always 0, because a row's key seals one message only.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl fmt::Debug for AtRestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtRestKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::Suite;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn rows_open_only_under_their_key_and_binding() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        let unsealing = UnsealingKey::generate(Suite::XWing, &mut rng);
        let key = AtRestKey::of(&unsealing);
        let other = AtRestKey::of(&UnsealingKey::generate(Suite::XWing, &mut rng));
        let sealed = key.seal(b"row", b"components", &mut rng).unwrap();
        let again = AtRestKey::of(&UnsealingKey::from_bytes(Suite::XWing, unsealing.to_bytes()).unwrap());
        assert_eq!(again.open(b"row", sealed.clone()).unwrap().as_slice(), b"components");
        assert_eq!(key.open(b"other", sealed.clone()).unwrap_err(), SealingError::Envelope);
        assert_eq!(other.open(b"row", sealed.clone()).unwrap_err(), SealingError::Envelope);
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(key.open(b"row", altered).is_err(), "byte {position}");
            assert!(key.open(b"row", sealed[..position].to_vec()).is_err(), "{position} bytes");
        }
        // The same again is sealed under another key.
        assert_ne!(key.seal(b"row", b"components", &mut rng).unwrap()[SALT..], sealed[SALT..]);
        assert!(!sealed.windows(10).any(|window| window == b"components"));
    }
}
