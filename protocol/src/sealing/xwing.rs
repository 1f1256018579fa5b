//! X-Wing (draft-connolly-cfrg-xwing-kem, HPKE's KEM 0x647a) on AWS-LC's ML-KEM-768 and X25519.
//!
//! Keys, encapsulated keys and shared secrets are those of [`hpke::kem::XWing`], against which it is tested; what
//! differs is the time they take. A node's key is expanded once, not for every envelope.

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

type Reference<T> = <T as Serializable>::OutputSize;

/// Bytes of an ML-KEM-768 encapsulation key.
const ML_KEM_KEY: usize = 1184;
/// Where it stands in the expanded decapsulation key (FIPS 203, algorithm 16): after the secret vector.
const ML_KEM_SECRET: usize = 1152;
/// Bytes of an ML-KEM-768 ciphertext.
const ML_KEM_CIPHERTEXT: usize = 1088;
/// Bytes of a point, a scalar, a seed or a secret.
const WORD: usize = 32;
const PUBLIC: usize = ML_KEM_KEY + WORD;
const ENCAPSULATED: usize = ML_KEM_CIPHERTEXT + WORD;

/// The KEM.
pub struct FastXWing;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Box<[u8; PUBLIC]>);

/// A secret key with all that follows from its seed.
#[derive(Clone)]
pub struct PrivateKey(Arc<Expanded>);

struct Expanded {
    seed: Zeroizing<[u8; WORD]>,
    ml_kem: DecapsulationKey,
    x25519: agreement::PrivateKey,
    public: PublicKey,
}

/// An encapsulated key: ML-KEM's ciphertext, then X25519's ephemeral point.
#[derive(Clone)]
pub struct EncappedKey(Box<[u8; ENCAPSULATED]>);

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
    type OutputSize = Reference<<XWing as Kem>::PublicKey>;

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
    /// `None` where a part of the expansion is no key, which no seed is known for.
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
    type OutputSize = Reference<<XWing as Kem>::PrivateKey>;

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
    type OutputSize = Reference<<XWing as Kem>::EncappedKey>;

    fn write_exact(&self, buf: &mut [u8]) {
        buf.copy_from_slice(&*self.0);
    }
}

impl Deserializable for EncappedKey {
    fn from_bytes(encoded: &[u8]) -> Result<Self, HpkeError> {
        sized(encoded).map(Self)
    }
}

/// X25519, then the combiner: `SHA3-256(ML-KEM's secret, X25519's, the ephemeral point, the recipient's point, label)`.
/// `None` for a point whose secret is 0, which honest ones never have.
fn combine(
    of_ml_kem: &[u8],
    secret: &agreement::PrivateKey,
    theirs: &[u8],
    ephemeral: &[u8],
    recipient: &[u8],
) -> Option<SharedSecret<FastXWing>> {
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

impl Kem for FastXWing {
    type PublicKey = PublicKey;
    type PrivateKey = PrivateKey;
    type EncappedKey = EncappedKey;
    type NSecret = <XWing as Kem>::NSecret;

    const KEM_ID: u16 = XWing::KEM_ID;

    fn sk_to_pk(sk: &PrivateKey) -> PublicKey {
        sk.0.public.clone()
    }

    fn derive_keypair(ikm: &[u8]) -> (PrivateKey, PublicKey) {
        #[expect(clippy::expect_used, reason = "the seed has the right length, and every seed known expands")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    /// The draft's test vectors: seed, public key, encapsulated key, shared secret.
    const VECTORS: &str = include_str!("xwing_vectors.txt");

    #[test]
    fn keys_and_secrets_are_the_drafts() {
        let mut known = 0;
        for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<Vec<u8>> = line.split(' ').map(|field| hex::decode(field).unwrap()).collect();
            let [seed, public, encapsulated, shared] = &fields[..] else {
                panic!("{line}")
            };
            let secret = PrivateKey::from_bytes(seed).unwrap();
            assert_eq!(FastXWing::sk_to_pk(&secret).to_bytes().as_slice(), public);
            let encapsulated = EncappedKey::from_bytes(encapsulated).unwrap();
            assert_eq!(FastXWing::decap(&secret, None, &encapsulated).unwrap().0.as_slice(), shared);
            known += 1;
        }
        assert_eq!(known, 3);
    }

    #[test]
    fn secrets_agree_with_the_reference_in_both_directions() {
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        for _ in 0..20 {
            let mut ikm = [0; 32];
            rng.fill_bytes(&mut ikm);
            let (ours, our_public) = FastXWing::derive_keypair(&ikm);
            let (theirs, their_public) = XWing::derive_keypair(&ikm);
            assert_eq!(ours.to_bytes(), theirs.to_bytes());
            assert_eq!(our_public.to_bytes(), their_public.to_bytes());

            let (shared, encapsulated) = FastXWing::encap_with_rng(&our_public, None, &mut rng).unwrap();
            let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(&encapsulated.to_bytes()).unwrap();
            assert_eq!(XWing::decap(&theirs, None, &encapsulated).unwrap().0, shared.0);

            let (shared, encapsulated) = XWing::encap_with_rng(&their_public, None, &mut rng).unwrap();
            let encapsulated = EncappedKey::from_bytes(&encapsulated.to_bytes()).unwrap();
            assert_eq!(FastXWing::decap(&ours, None, &encapsulated).unwrap().0, shared.0);

            // An altered ciphertext has another secret, the same at both: ML-KEM rejects without saying so.
            let mut altered = encapsulated.to_bytes();
            altered[rng.next_u32() as usize % ML_KEM_CIPHERTEXT] ^= 1;
            let at_ours = FastXWing::decap(&ours, None, &EncappedKey::from_bytes(&altered).unwrap()).unwrap();
            let at_theirs = XWing::decap(&theirs, None, &<XWing as Kem>::EncappedKey::from_bytes(&altered).unwrap()).unwrap();
            assert_eq!(at_ours.0, at_theirs.0);
            assert_ne!(at_ours.0, shared.0);
        }
    }

    #[test]
    fn points_without_a_secret_and_keys_that_are_none_are_refused() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (secret, public) = FastXWing::gen_keypair_with_rng(&mut rng);
        let mut encapsulated = FastXWing::encap_with_rng(&public, None, &mut rng).unwrap().1;
        encapsulated.0[ML_KEM_CIPHERTEXT..].fill(0);
        assert!(FastXWing::decap(&secret, None, &encapsulated).is_err());
        // Coefficients of an ML-KEM key are below 3329.
        let mut out_of_range = public;
        out_of_range.0[..ML_KEM_KEY].fill(0xff);
        assert!(FastXWing::encap_with_rng(&out_of_range, None, &mut rng).is_err());
    }
}
