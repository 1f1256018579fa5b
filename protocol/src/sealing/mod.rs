//! Sealing a contributor's components to one node: HPKE (RFC 9180) in base mode.

mod at_rest;
mod xwing;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

pub use at_rest::AtRestKey;
use xwing::FastXWing;

/// The KEM of a node's sealing key; the rest is HKDF-SHA256 and ChaCha20-Poly1305.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// X25519 with ML-KEM-768 (draft-connolly-cfrg-xwing-kem): what is recorded today stays closed
    /// to tomorrow's quantum computers. The default.
    #[serde(rename = "x-wing")]
    XWing,
    /// DHKEM(X25519, HKDF-SHA256), for clients that lack ML-KEM.
    #[serde(rename = "x25519")]
    X25519,
}

/// A node's public sealing key with its suite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingKey {
    /// The suite the key is for.
    pub suite: Suite,
    /// The serialised public key, base64.
    #[serde(with = "base64_text")]
    pub public_key: Vec<u8>,
}

/// A node's secret sealing key. Never printed; zeroized on drop.
#[derive(Clone)]
pub struct UnsealingKey {
    secret: Zeroizing<Vec<u8>>,
    expanded: Expanded,
}

/// What opens envelopes, worked out once.
#[derive(Clone)]
enum Expanded {
    XWing(<FastXWing as Kem>::PrivateKey),
    X25519(<X25519HkdfSha256 as Kem>::PrivateKey),
}

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealingError {
    /// The bytes are not a key of the suite.
    #[error("the sealing key is not a key of its suite")]
    Key,
    /// The envelope was not sealed to this key for this purpose, or was altered.
    #[error("the envelope does not open: it is sealed to another key, bound to something else, or altered")]
    Envelope,
}

/// What an envelope is bound to: it opens only under the same.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// HPKE's `info`.
    pub info: &'a [u8],
    /// HPKE's `aad`.
    pub aad: &'a [u8],
}

impl SealingKey {
    /// Checks that the key is one of its suite.
    pub fn check(&self) -> Result<(), SealingError> {
        match self.suite {
            Suite::XWing => <XWing as Kem>::PublicKey::from_bytes(&self.public_key).map(drop),
            Suite::X25519 => <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.public_key).map(drop),
        }
        .map_err(|_| SealingError::Key)
    }

    /// Seals `plaintext` to this key. The envelope is the encapsulated key, then the ciphertext.
    pub fn seal<R: CryptoRng>(&self, binding: Binding<'_>, plaintext: &[u8], rng: &mut R) -> Result<Vec<u8>, SealingError> {
        match self.suite {
            Suite::XWing => seal::<FastXWing, R>(&self.public_key, binding, plaintext, rng),
            Suite::X25519 => seal::<X25519HkdfSha256, R>(&self.public_key, binding, plaintext, rng),
        }
    }
}

impl UnsealingKey {
    /// Draws a fresh key pair.
    pub fn generate<R: CryptoRng>(suite: Suite, rng: &mut R) -> Self {
        match suite {
            Suite::XWing => Self::new(FastXWing::gen_keypair_with_rng(rng).0, Expanded::XWing),
            Suite::X25519 => Self::new(X25519HkdfSha256::gen_keypair_with_rng(rng).0, Expanded::X25519),
        }
    }

    /// Takes a stored secret key.
    pub fn from_bytes(suite: Suite, secret: &[u8]) -> Result<Self, SealingError> {
        match suite {
            Suite::XWing => Deserializable::from_bytes(secret).map(|key| Self::new(key, Expanded::XWing)),
            Suite::X25519 => Deserializable::from_bytes(secret).map(|key| Self::new(key, Expanded::X25519)),
        }
        .map_err(|_| SealingError::Key)
    }

    fn new<K: Serializable>(key: K, expanded: impl FnOnce(K) -> Expanded) -> Self {
        Self {
            secret: Zeroizing::new(key.to_bytes().to_vec()),
            expanded: expanded(key),
        }
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        match self.expanded {
            Expanded::XWing(_) => Suite::XWing,
            Expanded::X25519(_) => Suite::X25519,
        }
    }

    /// The serialised secret key, to be stored.
    pub fn to_bytes(&self) -> &[u8] {
        &self.secret
    }

    /// The public key.
    pub fn public(&self) -> SealingKey {
        SealingKey {
            suite: self.suite(),
            public_key: match &self.expanded {
                Expanded::XWing(key) => FastXWing::sk_to_pk(key).to_bytes().to_vec(),
                Expanded::X25519(key) => X25519HkdfSha256::sk_to_pk(key).to_bytes().to_vec(),
            },
        }
    }

    /// Opens an envelope.
    pub fn open(&self, binding: Binding<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        match &self.expanded {
            Expanded::XWing(key) => open::<FastXWing>(key, binding, envelope),
            Expanded::X25519(key) => open::<X25519HkdfSha256>(key, binding, envelope),
        }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({:?}, {} bytes)", self.suite, self.public_key.len())
    }
}

impl fmt::Debug for UnsealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnsealingKey({:?})", self.suite())
    }
}

fn seal<K: Kem, R: CryptoRng>(key: &[u8], binding: Binding<'_>, plaintext: &[u8], rng: &mut R) -> Result<Vec<u8>, SealingError> {
    let key = K::PublicKey::from_bytes(key).map_err(|_| SealingError::Key)?;
    let (encapsulated, ciphertext) =
        single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(&OpModeS::Base, &key, binding.info, plaintext, binding.aad, rng)
            .map_err(|_| SealingError::Key)?;
    Ok([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
}

fn open<K: Kem>(key: &K::PrivateKey, binding: Binding<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
    let (encapsulated, ciphertext) = envelope.split_at_checked(K::EncappedKey::size()).ok_or(SealingError::Envelope)?;
    let encapsulated = K::EncappedKey::from_bytes(encapsulated).map_err(|_| SealingError::Envelope)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(&OpModeR::Base, key, &encapsulated, binding.info, ciphertext, binding.aad)
        .map(Zeroizing::new)
        .map_err(|_| SealingError::Envelope)
}

mod base64_text {
    use super::{Engine, STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("expected base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn envelopes_open_only_under_their_key_and_binding() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        for suite in [Suite::XWing, Suite::X25519] {
            let key = UnsealingKey::generate(suite, &mut rng);
            let stored = UnsealingKey::from_bytes(suite, key.to_bytes()).unwrap();
            let public = stored.public();
            assert_eq!(public.check(), Ok(()));
            let binding = Binding {
                info: b"info",
                aad: b"aad",
            };
            let envelope = public.seal(binding, b"components", &mut rng).unwrap();
            assert_eq!(key.open(binding, &envelope).unwrap().as_slice(), b"components");

            assert!(key.open(Binding { info: b"other", ..binding }, &envelope).is_err());
            assert!(key.open(Binding { aad: b"other", ..binding }, &envelope).is_err());
            assert!(UnsealingKey::generate(suite, &mut rng).open(binding, &envelope).is_err());
            for cut in [0, 1, 31, envelope.len() - 1] {
                assert!(key.open(binding, &envelope[..cut]).is_err());
            }
            let mut altered = envelope;
            *altered.last_mut().unwrap() ^= 1;
            assert!(key.open(binding, &altered).is_err());
        }
    }

    #[test]
    fn keys_of_the_wrong_size_are_refused() {
        assert!(UnsealingKey::from_bytes(Suite::XWing, &[0; 31]).is_err());
        assert!(
            SealingKey {
                suite: Suite::XWing,
                public_key: vec![0; 32]
            }
            .check()
            .is_err()
        );
        assert!(
            SealingKey {
                suite: Suite::X25519,
                public_key: vec![0; 33]
            }
            .check()
            .is_err()
        );
    }
}
