//! X-Wing in Rust alone: [`hpke::kem::XWing`], which accepts X25519 points of low order, with the refusal of these points added.

use hpke::kem::{SharedSecret, XWing};
use hpke::{HpkeError, Kem, Serializable};
use rand_core::CryptoRng;

use super::{ML_KEM_CIPHERTEXT, ML_KEM_KEY, has_low_order};

/// X-Wing in Rust alone.
pub(crate) struct PureXWing;

impl PureXWing {
    fn secret(inner: &SharedSecret<XWing>) -> SharedSecret<Self> {
        let mut shared = SharedSecret::default();
        shared.0.copy_from_slice(&inner.0);
        shared
    }
}

impl Kem for PureXWing {
    type PublicKey = <XWing as Kem>::PublicKey;
    type PrivateKey = <XWing as Kem>::PrivateKey;
    type EncappedKey = <XWing as Kem>::EncappedKey;
    type NSecret = <XWing as Kem>::NSecret;

    const KEM_ID: u16 = XWing::KEM_ID;

    fn sk_to_pk(sk: &Self::PrivateKey) -> Self::PublicKey {
        XWing::sk_to_pk(sk)
    }

    fn derive_keypair(ikm: &[u8]) -> (Self::PrivateKey, Self::PublicKey) {
        XWing::derive_keypair(ikm)
    }

    fn decap(
        sk: &Self::PrivateKey,
        sender: Option<&Self::PublicKey>,
        encapped: &Self::EncappedKey,
    ) -> Result<SharedSecret<Self>, HpkeError> {
        if sender.is_some() || has_low_order(&encapped.to_bytes()[ML_KEM_CIPHERTEXT..]) {
            return Err(HpkeError::DecapError);
        }
        XWing::decap(sk, None, encapped).map(|shared| Self::secret(&shared))
    }

    fn encap_with_rng(
        pk: &Self::PublicKey,
        sender: Option<(&Self::PrivateKey, &Self::PublicKey)>,
        rng: &mut impl CryptoRng,
    ) -> Result<(SharedSecret<Self>, Self::EncappedKey), HpkeError> {
        if sender.is_some() || has_low_order(&pk.to_bytes()[ML_KEM_KEY..]) {
            return Err(HpkeError::EncapError);
        }
        let (shared, encapped) = XWing::encap_with_rng(pk, None, rng)?;
        Ok((Self::secret(&shared), encapped))
    }
}
