//! X-Wing on AWS-LC's ML-KEM-768 and X25519.
//!
//! Keys, encapsulated keys and shared secrets are those of [`hpke::kem::XWing`]. It is faster for two reasons: AWS-LC's ML-KEM and X25519
//! are written for the processor, and a node's key is expanded from its seed once, not for every envelope.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{self, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest::{Context, SHA3_256};
use aws_lc_rs::kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768};
use hpke::kem::{SharedSecret, XWing};
use hpke::{Deserializable, HpkeError, Kem, Serializable};
use ml_kem::{MlKem768, Seed};
use rand_core::CryptoRng;
use shake::digest::{ExtendableOutput, Update, XofReader};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::{ML_KEM_CIPHERTEXT, ML_KEM_KEY};

type SizeOf<T> = <T as Serializable>::OutputSize;

/// Bytes of the secret vector, which stands before the encapsulation key in an expanded decapsulation key (FIPS 203, algorithm 16).
const ML_KEM_SECRET: usize = 1152;
/// Bytes of an X25519 point or scalar, of a seed and of a shared secret.
const WORD: usize = 32;
/// Bytes of a public key.
const PUBLIC: usize = ML_KEM_KEY + WORD;
/// Bytes of an encapsulated key.
const ENCAPSULATED: usize = ML_KEM_CIPHERTEXT + WORD;

/// X-Wing with ML-KEM and X25519 of AWS-LC.
pub(crate) struct AwsLcXWing;

/// A public key: ML-KEM's encapsulation key, then an X25519 point. Checked when something is sealed to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey(Box<[u8; PUBLIC]>);

/// A secret key: its seed of 32 bytes, and what is derived from it.
#[derive(Clone)]
pub(crate) struct PrivateKey(Arc<Expanded>);

struct Expanded {
    seed: Zeroizing<[u8; WORD]>,
    ml_kem: DecapsulationKey,
    x25519: agreement::PrivateKey,
    public: PublicKey,
}

/// An encapsulated key: ML-KEM's ciphertext, then X25519's ephemeral point.
#[derive(Clone)]
pub(crate) struct EncappedKey(Box<[u8; ENCAPSULATED]>);

fn sized<const N: usize>(bytes: &[u8]) -> Result<Box<[u8; N]>, HpkeError> {
    Box::<[u8]>::from(bytes)
        .try_into()
        .map_err(|_| HpkeError::IncorrectInputLength(N, bytes.len()))
}

impl PublicKey {
    fn parts(&self) -> (&[u8], &[u8]) {
        self.0.split_at(ML_KEM_KEY)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(X-Wing)")
    }
}

impl Serializable for PublicKey {
    type OutputSize = SizeOf<<XWing as Kem>::PublicKey>;

    fn write_exact(&self, buf: &mut [u8]) {
        buf.copy_from_slice(&*self.0);
    }
}

impl Deserializable for PublicKey {
    fn from_bytes(encoded: &[u8]) -> Result<Self, HpkeError> {
        sized(encoded).map(Self)
    }
}

impl Expanded {
    /// Expands a seed as the draft's `expandDecapsulationKey` does. `None` if AWS-LC refuses one of the keys, which happens for no known seed.
    #[expect(deprecated, reason = "AWS-LC takes decapsulation keys in FIPS 203's expanded form only")]
    fn new(seed: &[u8; WORD]) -> Option<Self> {
        use ml_kem::{ExpandedKeyEncoding, FromSeed};

        let mut shake = shake::Shake256::default();
        shake.update(seed);
        let mut shake = shake.finalize_xof();
        let mut of_ml_kem = Seed::default();
        shake.read(&mut of_ml_kem);
        let mut scalar = Zeroizing::new([0; WORD]);
        shake.read(&mut *scalar);
        let ml_kem = Zeroizing::new(MlKem768::from_seed(&of_ml_kem).0.to_expanded_bytes());
        of_ml_kem.zeroize();
        let x25519 = agreement::PrivateKey::from_private_key(&X25519, &*scalar).ok()?;
        let mut public = Box::new([0; PUBLIC]);
        public[..ML_KEM_KEY].copy_from_slice(&ml_kem[ML_KEM_SECRET..][..ML_KEM_KEY]);
        public[ML_KEM_KEY..].copy_from_slice(x25519.compute_public_key().ok()?.as_ref());
        Some(Self {
            seed: Zeroizing::new(*seed),
            ml_kem: DecapsulationKey::new(&ML_KEM_768, ml_kem.as_slice()).ok()?,
            x25519,
            public: PublicKey(public),
        })
    }
}

impl Serializable for PrivateKey {
    type OutputSize = SizeOf<<XWing as Kem>::PrivateKey>;

    fn write_exact(&self, buf: &mut [u8]) {
        buf.copy_from_slice(&*self.0.seed);
    }
}

impl Deserializable for PrivateKey {
    fn from_bytes(encoded: &[u8]) -> Result<Self, HpkeError> {
        let seed = encoded
            .try_into()
            .map_err(|_| HpkeError::IncorrectInputLength(WORD, encoded.len()))?;
        let expanded = Expanded::new(seed).ok_or(HpkeError::ValidationError)?;
        Ok(Self(Arc::new(expanded)))
    }
}

impl ConstantTimeEq for PrivateKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.seed.ct_eq(&*other.0.seed)
    }
}

impl Serializable for EncappedKey {
    type OutputSize = SizeOf<<XWing as Kem>::EncappedKey>;

    fn write_exact(&self, buf: &mut [u8]) {
        buf.copy_from_slice(&*self.0);
    }
}

impl Deserializable for EncappedKey {
    fn from_bytes(encoded: &[u8]) -> Result<Self, HpkeError> {
        sized(encoded).map(Self)
    }
}

/// X25519 with `theirs`, then the draft's combiner:
/// `SHA3-256(ML-KEM's secret || X25519's secret || ephemeral point || recipient's point || label)`.
/// `None` if `theirs` is a point of low order: AWS-LC refuses shared secrets that are 0.
fn combine(
    of_ml_kem: &[u8],
    secret: &agreement::PrivateKey,
    theirs: &[u8],
    ephemeral: &[u8],
    recipient: &[u8],
) -> Option<SharedSecret<AwsLcXWing>> {
    agree(secret, UnparsedPublicKey::new(&X25519, theirs), (), |of_x25519| {
        let mut hash = Context::new(&SHA3_256);
        for part in [of_ml_kem, of_x25519, ephemeral, recipient, br"\.//^\"] {
            hash.update(part);
        }
        let mut shared = SharedSecret::default();
        shared.0.copy_from_slice(hash.finish().as_ref());
        Ok(shared)
    })
    .ok()
}

impl Kem for AwsLcXWing {
    type PublicKey = PublicKey;
    type PrivateKey = PrivateKey;
    type EncappedKey = EncappedKey;
    type NSecret = <XWing as Kem>::NSecret;

    const KEM_ID: u16 = XWing::KEM_ID;

    fn sk_to_pk(sk: &PrivateKey) -> PublicKey {
        sk.0.public.clone()
    }

    fn derive_keypair(ikm: &[u8]) -> (PrivateKey, PublicKey) {
        #[expect(
            clippy::expect_used,
            reason = "the seed has the right length, and every seed of that length expands"
        )]
        let sk = PrivateKey::from_bytes(&XWing::derive_keypair(ikm).0.to_bytes()).expect("a seed is a key");
        let pk = Self::sk_to_pk(&sk);
        (sk, pk)
    }

    fn decap(sk: &PrivateKey, sender: Option<&PublicKey>, encapped: &EncappedKey) -> Result<SharedSecret<Self>, HpkeError> {
        if sender.is_some() {
            return Err(HpkeError::DecapError);
        }
        let (ciphertext, ephemeral) = encapped.0.split_at(ML_KEM_CIPHERTEXT);
        let of_ml_kem = sk.0.ml_kem.decapsulate(ciphertext.into()).map_err(|_| HpkeError::DecapError)?;
        let recipient = sk.0.public.parts().1;
        combine(of_ml_kem.as_ref(), &sk.0.x25519, ephemeral, ephemeral, recipient).ok_or(HpkeError::DecapError)
    }

    fn encap_with_rng(
        pk: &PublicKey,
        sender: Option<(&PrivateKey, &PublicKey)>,
        rng: &mut impl CryptoRng,
    ) -> Result<(SharedSecret<Self>, EncappedKey), HpkeError> {
        if sender.is_some() {
            return Err(HpkeError::EncapError);
        }
        let failed = |_| HpkeError::EncapError;
        let (of_ml_kem, recipient) = pk.parts();
        // AWS-LC draws its part of the randomness itself, from the system.
        let key = EncapsulationKey::new(&ML_KEM_768, of_ml_kem).map_err(|_| HpkeError::EncapError)?;
        let (ciphertext, of_ml_kem) = key.encapsulate().map_err(failed)?;
        let mut scalar = Zeroizing::new([0; WORD]);
        rng.fill_bytes(&mut *scalar);
        let secret = agreement::PrivateKey::from_private_key(&X25519, &*scalar).map_err(|_| HpkeError::EncapError)?;
        let ephemeral = secret.compute_public_key().map_err(failed)?;
        let shared = combine(of_ml_kem.as_ref(), &secret, recipient, ephemeral.as_ref(), recipient).ok_or(HpkeError::EncapError)?;
        let encapped = EncappedKey(sized(&[ciphertext.as_ref(), ephemeral.as_ref()].concat())?);
        Ok((shared, encapped))
    }
}
