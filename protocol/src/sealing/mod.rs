//! Sealing a contributor's components to one node: HPKE ([RFC 9180](https://www.rfc-editor.org/rfc/rfc9180)) in base mode, single shot.
//!
//! An envelope is the encapsulated key (1120 bytes with X-Wing, 32 with X25519), then the ciphertext of ChaCha20-Poly1305, 16 bytes longer
//! than the plaintext. The key is derived with HKDF-SHA256. `protocol/vectors/envelope.json` holds envelopes of both suites.
//!
//! With feature `aws-lc` X-Wing runs on AWS-LC, `AtRestKey` seals what a node stores, and `RecordKey` authenticates what it has
//! recorded. Without it everything here is Rust and draws no randomness of its own.

#[cfg(feature = "aws-lc")]
mod at_rest;
#[cfg(feature = "aws-lc")]
mod record;
mod xwing;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc")]
pub use at_rest::AtRestKey;
#[cfg(feature = "aws-lc")]
pub use record::RecordKey;
use xwing::XWing;

/// The KEM of a node's sealing key. The rest of HPKE's suite is always HKDF-SHA256 (0x0001) and ChaCha20-Poly1305 (0x0003).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// KEM 0x647a: X25519 and ML-KEM-768, [draft-connolly-cfrg-xwing-kem](https://datatracker.ietf.org/doc/draft-connolly-cfrg-xwing-kem/).
    /// Recorded envelopes stay closed to a later quantum computer. `tacit-node init` makes keys of this suite.
    #[serde(rename = "x-wing")]
    XWing,
    /// KEM 0x0020: DHKEM(X25519, HKDF-SHA256) of RFC 9180, for clients without ML-KEM.
    #[serde(rename = "x25519")]
    X25519,
}

/// A node's public sealing key with its suite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingKey {
    /// The suite the key is for.
    pub suite: Suite,
    /// The public key as HPKE serialises it, 1216 bytes for X-Wing and 32 for X25519; base64 in text.
    #[serde(with = "base64_text")]
    pub public_key: Vec<u8>,
}

/// A node's secret sealing key. Never printed; zeroized on drop.
#[derive(Clone)]
pub struct UnsealingKey {
    secret: Zeroizing<Vec<u8>>,
    expanded: Expanded,
}

/// The secret key in the form that opens envelopes.
#[derive(Clone)]
enum Expanded {
    XWing(Box<<XWing as Kem>::PrivateKey>),
    X25519(<X25519HkdfSha256 as Kem>::PrivateKey),
}

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealingError {
    /// The bytes are not a key of the suite, or a public key that nothing may be sealed to.
    #[error(
        "the sealing key is not a usable key of its suite: it has another length, a number out of range or a point of low order. Take it from the node's card or key file again"
    )]
    Key,
    /// The envelope was not sealed to this key for this purpose, or was altered.
    #[error(
        "the envelope does not open: it is sealed to another key, bound to another statement, or altered. The contributor has to seal and send it again"
    )]
    Envelope,
}

/// What an envelope is bound to: it opens with the same binding only.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// HPKE's `info`, which goes into the key schedule (RFC 9180, section 5.1).
    pub info: &'a [u8],
    /// HPKE's `aad`, which the AEAD authenticates (RFC 9180, section 5.2).
    pub aad: &'a [u8],
}

impl SealingKey {
    /// Checks that envelopes can be sealed to this key.
    ///
    /// # Errors
    /// [`SealingError::Key`] if the key has another length than its suite's keys, coefficients of ML-KEM that are not below 3329, or an X25519
    /// point of low order, with which every shared secret is 0.
    pub fn check(&self) -> Result<(), SealingError> {
        let usable = match self.suite {
            Suite::XWing => xwing::is_public_key(&self.public_key),
            Suite::X25519 => !xwing::has_low_order(&self.public_key),
        };
        if usable { Ok(()) } else { Err(SealingError::Key) }
    }

    /// Seals `plaintext` to this key and gives the envelope: the encapsulated key, then the ciphertext.
    ///
    /// With feature `aws-lc` the ML-KEM half of X-Wing draws its randomness inside AWS-LC, from the system; `rng` gives all the rest.
    ///
    /// # Errors
    /// [`SealingError::Key`] where [`Self::check`] says so.
    pub fn seal<R: CryptoRng>(&self, binding: Binding<'_>, plaintext: &[u8], rng: &mut R) -> Result<Vec<u8>, SealingError> {
        match self.suite {
            Suite::XWing => seal::<XWing, R>(&self.public_key, binding, plaintext, rng),
            Suite::X25519 => seal::<X25519HkdfSha256, R>(&self.public_key, binding, plaintext, rng),
        }
    }
}

impl UnsealingKey {
    /// Draws a new key pair.
    pub fn generate<R: CryptoRng>(suite: Suite, rng: &mut R) -> Self {
        match suite {
            Suite::XWing => Self::new(XWing::gen_keypair_with_rng(rng).0, |key| Expanded::XWing(Box::new(key))),
            Suite::X25519 => Self::new(X25519HkdfSha256::gen_keypair_with_rng(rng).0, Expanded::X25519),
        }
    }

    /// Reads a secret key as [`Self::to_bytes`] gives it, 32 bytes in both suites.
    ///
    /// # Errors
    /// [`SealingError::Key`] if it has another length.
    pub fn from_bytes(suite: Suite, secret: &[u8]) -> Result<Self, SealingError> {
        match suite {
            Suite::XWing => Deserializable::from_bytes(secret).map(|key| Self::new(key, |key| Expanded::XWing(Box::new(key)))),
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

    /// The suite the key is for.
    pub fn suite(&self) -> Suite {
        match self.expanded {
            Expanded::XWing(_) => Suite::XWing,
            Expanded::X25519(_) => Suite::X25519,
        }
    }

    /// The secret key as HPKE serialises it, to be stored: 32 bytes in both suites. X-Wing's is the seed.
    pub fn to_bytes(&self) -> &[u8] {
        &self.secret
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> SealingKey {
        SealingKey {
            suite: self.suite(),
            public_key: match &self.expanded {
                Expanded::XWing(key) => XWing::sk_to_pk(key).to_bytes().to_vec(),
                Expanded::X25519(key) => X25519HkdfSha256::sk_to_pk(key).to_bytes().to_vec(),
            },
        }
    }

    /// Opens an envelope that was sealed to this key with the same binding.
    ///
    /// # Errors
    /// [`SealingError::Envelope`] if it is too short, was sealed to another key or with another binding, or was altered.
    pub fn open(&self, binding: Binding<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealingError> {
        match &self.expanded {
            Expanded::XWing(key) => open::<XWing>(key, binding, envelope),
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

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
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
        assert!(UnsealingKey::from_bytes(Suite::X25519, &[0; 33]).is_err());
        for (suite, length) in [(Suite::XWing, 32), (Suite::XWing, 1217), (Suite::X25519, 33), (Suite::X25519, 0)] {
            let key = SealingKey {
                suite,
                public_key: vec![7; length],
            };
            assert_eq!(key.check(), Err(SealingError::Key), "{suite:?}, {length} bytes");
        }
    }

    #[test]
    fn keys_are_checked_as_sealing_checks_them() {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let binding = Binding { info: b"", aad: b"" };
        for suite in [Suite::XWing, Suite::X25519] {
            let good = UnsealingKey::generate(suite, &mut rng).public();
            let point = good.public_key.len() - 32;
            let mut low_order = good.clone();
            low_order.public_key[point..].fill(0);
            let mut negative = low_order.clone();
            negative.public_key[point..].fill(0xff);
            negative.public_key[point] = 0xec;
            for (key, usable) in [(good, true), (low_order, false), (negative, false)] {
                assert_eq!(key.check().is_ok(), usable, "{suite:?}");
                assert_eq!(key.seal(binding, b"components", &mut rng).is_ok(), usable, "{suite:?}");
            }
        }
    }
}
