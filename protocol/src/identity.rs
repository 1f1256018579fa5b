//! Ed25519 identities of nodes, coordinators, buyers, issuers and contributors, and signatures bound to a purpose.

use std::fmt;

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::traits::IsIdentity;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use tacit_mpc_core::byte_string;

byte_string!(
    /// The 32 bytes of an Ed25519 public key. They may be any bytes: verification checks them, see [`PublicKey::check`].
    PublicKey,
    32
);

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for PublicKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for PublicKey {}

byte_string!(
    /// The 64 bytes of an Ed25519 signature (RFC 8032).
    Signature,
    64
);

/// What a signature is for. A prefix of the signed message names it, so that a signature for one purpose never verifies for
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A buyer signs the terms of a job.
    Terms,
    /// A buyer cancels a job.
    Cancellation,
    /// An issuer signs the grant of one person of a pool.
    Grant,
    /// An invitation key signs a contributor's key.
    Invitation,
    /// An issuer signs which numbers of a pool are revoked.
    Revocation,
    /// An issuer signs how many credentials a pool has.
    PoolSize,
    /// A contributor signs a submission.
    Submission,
    /// A contributor signs what it has agreed to.
    Consent,
    /// A buyer signs its gold answers.
    Gold,
    /// A contributor signs the request to be enrolled.
    Enrolment,
    /// The coordinator signs a receipt.
    Receipt,
    /// A node signs its release of the outputs.
    Release,
    /// A node signs the root of the records of contributors.
    ReceiptRoot,
    /// A buyer or contributor signs an HTTP request.
    Request,
    /// A node signs the key that contributors seal to.
    SealingEpoch,
    /// A contributor takes a submission back.
    Withdrawal,
    /// A node signs that it has erased a submission.
    Erasure,
    /// A node signs which release of a job it is about to make.
    ReleaseNotice,
}

impl Purpose {
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Terms => b"tacit/v1 terms\0",
            Self::Cancellation => b"tacit/v1 cancellation\0",
            Self::Grant => b"tacit/v1 grant\0",
            Self::Invitation => b"tacit/v1 invitation\0",
            Self::Revocation => b"tacit/v1 revocation\0",
            Self::PoolSize => b"tacit/v1 pool size\0",
            Self::Submission => b"tacit/v1 submission\0",
            Self::Consent => b"tacit/v1 consent\0",
            Self::Gold => b"tacit/v1 gold\0",
            Self::Enrolment => b"tacit/v1 enrolment\0",
            Self::Receipt => b"tacit/v1 receipt\0",
            Self::Release => b"tacit/v1 release\0",
            Self::ReceiptRoot => b"tacit/v1 receipt root\0",
            Self::Request => b"tacit/v1 request\0",
            Self::SealingEpoch => b"tacit/v1 sealing epoch\0",
            Self::Withdrawal => b"tacit/v1 withdrawal\0",
            Self::Erasure => b"tacit/v1 erasure\0",
            Self::ReleaseNotice => b"tacit/v1 release notice\0",
        }
    }
}

/// Why a key or signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The key is not a point, has small order or a small-order part.
    #[error("the public key is not an Ed25519 key of the prime-order group")]
    Key,
    /// The signature is not by this key over this message for this purpose.
    #[error("the signature does not verify")]
    Signature,
}

impl PublicKey {
    /// Checks that the key is the canonical encoding of a point of the prime-order group other than the neutral element. For
    /// such keys all Ed25519 verifiers agree on every signature: [Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs",
    /// 2020](https://eprint.iacr.org/2020/1244).
    ///
    /// # Errors
    /// [`IdentityError::Key`]: the key is not such an encoding.
    pub fn check(&self) -> Result<(), IdentityError> {
        let point = CompressedEdwardsY(*self.as_bytes()).decompress().ok_or(IdentityError::Key)?;
        let canonical = point.compress().as_bytes() == self.as_bytes();
        // Torsion-free: the order of the group times the point is neutral, so (order - 1) times the point is its negative.
        // Keys are public, so the multiplication need not take constant time.
        let order_less_one = -Scalar::ONE;
        let torsion_free = EdwardsPoint::vartime_double_scalar_mul_basepoint(&order_less_one, &point, &Scalar::ZERO) == -point;
        if canonical && torsion_free && !point.is_identity() {
            Ok(())
        } else {
            Err(IdentityError::Key)
        }
    }

    /// Verifies a signature over `message` for `purpose`: RFC 8032, section 5.1.7, without cofactor, for keys that pass
    /// [`Self::check`].
    ///
    /// # Errors
    /// The key is not usable, or the signature does not verify.
    pub fn verify(&self, purpose: Purpose, message: &[u8], signature: &Signature) -> Result<(), IdentityError> {
        self.check()?;
        let key = VerifyingKey::from_bytes(self.as_bytes()).map_err(|_| IdentityError::Key)?;
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        key.verify_strict(&[purpose.prefix(), message].concat(), &signature)
            .map_err(|_| IdentityError::Signature)
    }
}

/// An Ed25519 secret key. Never printed; zeroized on drop.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Draws a fresh key.
    pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(SigningKey::generate(rng))
    }

    /// The key of a 32-byte seed.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Whether this is a key that tests use: a seed of 32 equal bytes.
    pub fn is_of_tests(&self) -> bool {
        let seed = self.to_bytes();
        seed.iter().all(|byte| *byte == seed[0])
    }

    /// The 32-byte seed.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` for `purpose`.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(&[purpose.prefix(), message].concat()).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// A value with the signature of its canonical encoding.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed<T> {
    /// The signed value.
    pub value: T,
    /// The signature over the value's encoding.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}

impl<T: Serialize> Signed<T> {
    /// Signs the [encoding](crate::codec) of a value.
    pub fn new(value: T, purpose: Purpose, key: &SecretKey) -> Self {
        let signature = key.sign(purpose, &crate::codec::encode(&value));
        Self { value, signature }
    }

    /// Verifies the signature and returns the value.
    ///
    /// # Errors
    /// The key is not usable, or the signature does not verify.
    pub fn verify(&self, purpose: Purpose, key: &PublicKey) -> Result<&T, IdentityError> {
        key.verify(purpose, &crate::codec::encode(&self.value), &self.signature)?;
        Ok(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[3; 32])
    }

    #[test]
    fn signatures_are_bound_to_purpose_message_and_key() {
        let signature = key().sign(Purpose::Release, b"m");
        assert!(key().public().verify(Purpose::Release, b"m", &signature).is_ok());
        assert!(key().public().verify(Purpose::Receipt, b"m", &signature).is_err());
        assert!(key().public().verify(Purpose::Release, b"n", &signature).is_err());
        assert!(
            SecretKey::from_bytes(&[4; 32])
                .public()
                .verify(Purpose::Release, b"m", &signature)
                .is_err()
        );
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        for point in curve25519_dalek::constants::EIGHT_TORSION {
            assert_eq!(PublicKey::from_bytes(point.compress().to_bytes()).check(), Err(IdentityError::Key));
            let mixed = point + curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
            assert_eq!(
                PublicKey::from_bytes(mixed.compress().to_bytes()).check().is_ok(),
                point.is_identity()
            );
        }
        // The check is that of the reference, for points with and without a part of small order.
        for (n, torsion) in (1u64..40).zip(curve25519_dalek::constants::EIGHT_TORSION.into_iter().cycle()) {
            let point = curve25519_dalek::constants::ED25519_BASEPOINT_POINT * Scalar::from(n) + torsion;
            assert_eq!(
                PublicKey::from_bytes(point.compress().to_bytes()).check().is_ok(),
                point.is_torsion_free()
            );
        }
        assert_eq!(PublicKey::from_bytes([0xff; 32]).check(), Err(IdentityError::Key));
        assert!(key().public().check().is_ok());
    }

    #[test]
    fn keys_of_tests_are_known() {
        assert!(key().is_of_tests());
        let mut seed = [3; 32];
        seed[31] = 4;
        assert!(!SecretKey::from_bytes(&seed).is_of_tests());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", key()).contains(&hex::encode([3; 32])));
    }
}
