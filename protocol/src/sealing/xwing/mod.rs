//! X-Wing, the KEM of suite [`x-wing`](super::Suite::XWing): ML-KEM-768 ([FIPS 203](https://doi.org/10.6028/NIST.FIPS.203))
//! and X25519 ([RFC 7748](https://www.rfc-editor.org/rfc/rfc7748)) combined as in
//! [draft-connolly-cfrg-xwing-kem](https://datatracker.ietf.org/doc/draft-connolly-cfrg-xwing-kem/), HPKE's KEM 0x647a.
//!
//! There are two implementations with the same keys, envelopes and refusals. Feature `aws-lc` chooses AWS-LC, which opens an
//! envelope several times faster; without it X-Wing is the `hpke` crate's own, in Rust alone, which compiles for a browser.
//! Tests run both against each other and against the draft's vectors.
//!
//! Both refuse X25519 points of low order, in public keys and in envelopes. The draft leaves that open, and RFC 9180 section 7.1.4
//! demands it of HPKE's own X25519. Without the refusal an envelope could open at one node and not at another.

#[cfg(feature = "aws-lc")]
mod aws_lc;
#[cfg(any(test, not(feature = "aws-lc")))]
mod pure;

use curve25519_dalek::MontgomeryPoint;
use hpke::{Deserializable, Kem};

#[cfg(feature = "aws-lc")]
pub(super) use aws_lc::AwsLcXWing as XWing;
#[cfg(not(feature = "aws-lc"))]
pub(super) use pure::PureXWing as XWing;

/// Bytes of an ML-KEM-768 encapsulation key. In a public key it stands before the X25519 point.
const ML_KEM_KEY: usize = 1184;
/// Bytes of an ML-KEM-768 ciphertext. In an encapsulated key it stands before the X25519 point.
const ML_KEM_CIPHERTEXT: usize = 1088;

/// Whether the bytes are a public key that can be sealed to: of the right length, all coefficients of the ML-KEM key below 3329
/// (FIPS 203, section 7.2), and an X25519 point that is not of low order.
pub(super) fn is_public_key(bytes: &[u8]) -> bool {
    <hpke::kem::XWing as Kem>::PublicKey::from_bytes(bytes).is_ok() && !has_low_order(&bytes[ML_KEM_KEY..])
}

/// Whether an X25519 point has an order that divides 8: its shared secret with every key is 0. Anything but 32 bytes counts as such a
/// point. Not in constant time: for public points only.
pub(super) fn has_low_order(point: &[u8]) -> bool {
    let Ok(point) = point.try_into() else { return true };
    // Clamping makes every scalar a multiple of 8, and this one, 2^254, is a multiple of no odd prime.
    MontgomeryPoint(point).mul_clamped([0; 32]) == MontgomeryPoint([0; 32])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpke::Serializable;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use pure::PureXWing;

    /// The draft's test vectors: seed, public key, encapsulated key, shared secret.
    const VECTORS: &str = include_str!("draft_vectors.txt");

    /// The u coordinates of all points of low order on the curve and its twist, as <https://cr.yp.to/ecdh.html> lists them.
    const LOW_ORDER: [&str; 7] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    fn low_order_points() -> Vec<[u8; 32]> {
        let mut points: Vec<[u8; 32]> = LOW_ORDER
            .iter()
            .map(|point| hex::decode(point).unwrap().try_into().unwrap())
            .collect();
        // X25519 ignores the highest bit.
        for at in 0..points.len() {
            let mut same = points[at];
            same[31] |= 0x80;
            points.push(same);
        }
        points
    }

    #[test]
    fn points_of_low_order_are_known() {
        for point in low_order_points() {
            assert!(has_low_order(&point), "{}", hex::encode(point));
        }
        assert!(has_low_order(&[9; 31]));
        let mut base = [0; 32];
        base[0] = 9;
        assert!(!has_low_order(&base));
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        for _ in 0..100 {
            // Half of all u coordinates are of points on the twist.
            let mut point = [0; 32];
            rng.fill_bytes(&mut point);
            assert!(!has_low_order(&point));
        }
    }

    fn agrees_with_the_draft<K: Kem>() {
        let mut known = 0;
        for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<Vec<u8>> = line.split(' ').map(|field| hex::decode(field).unwrap()).collect();
            let [seed, public, encapsulated, shared] = &fields[..] else {
                panic!("{line}")
            };
            let secret = K::PrivateKey::from_bytes(seed).unwrap();
            assert_eq!(K::sk_to_pk(&secret).to_bytes().as_slice(), public);
            assert!(is_public_key(public));
            let encapsulated = K::EncappedKey::from_bytes(encapsulated).unwrap();
            assert_eq!(K::decap(&secret, None, &encapsulated).unwrap().0.as_slice(), shared);
            known += 1;
        }
        assert_eq!(known, 3);
    }

    fn refuses_points_of_low_order_and_keys_that_are_none<K: Kem>() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (secret, public) = K::gen_keypair_with_rng(&mut rng);
        let encapsulated = K::encap_with_rng(&public, None, &mut rng).unwrap().1.to_bytes();
        let public = public.to_bytes();
        // A length that does not fit, or an ML-KEM key with coefficients that are not below 3329.
        let out_of_range = [vec![0xff; ML_KEM_KEY], public[ML_KEM_KEY..].to_vec()].concat();
        for key in [&public[1..], &[&public[..], &[0]].concat(), &out_of_range, &[]] {
            assert!(!is_public_key(key));
            let sealed = K::PublicKey::from_bytes(key).and_then(|key| K::encap_with_rng(&key, None, &mut rng));
            assert!(sealed.is_err());
        }
        for point in low_order_points() {
            let key = [&public[..ML_KEM_KEY], &point].concat();
            assert!(!is_public_key(&key));
            let key = K::PublicKey::from_bytes(&key).unwrap();
            assert!(K::encap_with_rng(&key, None, &mut rng).is_err());
            let envelope = [&encapsulated[..ML_KEM_CIPHERTEXT], &point].concat();
            let envelope = K::EncappedKey::from_bytes(&envelope).unwrap();
            assert!(K::decap(&secret, None, &envelope).is_err());
        }
        // X-Wing has no sender's key.
        let key = K::PublicKey::from_bytes(&public).unwrap();
        assert!(K::encap_with_rng(&key, Some((&secret, &key)), &mut rng).is_err());
        let envelope = K::EncappedKey::from_bytes(&encapsulated).unwrap();
        assert!(K::decap(&secret, Some(&key), &envelope).is_err());
        assert!(K::decap(&secret, None, &envelope).is_ok());
    }

    #[test]
    fn the_rust_implementation_is_the_drafts() {
        agrees_with_the_draft::<PureXWing>();
        refuses_points_of_low_order_and_keys_that_are_none::<PureXWing>();
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn the_implementation_on_aws_lc_is_the_drafts() {
        agrees_with_the_draft::<aws_lc::AwsLcXWing>();
        refuses_points_of_low_order_and_keys_that_are_none::<aws_lc::AwsLcXWing>();
    }

    /// Encapsulates with one implementation to a key of the other.
    #[cfg(feature = "aws-lc")]
    fn opens_what_the_other_sealed<From: Kem, To: Kem>(ikm: &[u8], rng: &mut impl rand_core::CryptoRng) {
        let (other, other_public) = From::derive_keypair(ikm);
        let (secret, public) = To::derive_keypair(ikm);
        assert_eq!(secret.to_bytes().as_slice(), other.to_bytes().as_slice());
        assert_eq!(public.to_bytes().as_slice(), other_public.to_bytes().as_slice());

        let (shared, encapsulated) = From::encap_with_rng(&other_public, None, rng).unwrap();
        let bytes = encapsulated.to_bytes();
        let there = |bytes: &[u8]| To::decap(&secret, None, &To::EncappedKey::from_bytes(bytes).unwrap()).unwrap();
        assert_eq!(there(&bytes).0.as_slice(), shared.0.as_slice());

        // An altered ciphertext has another secret, the same at both: ML-KEM rejects without saying so.
        let mut altered = bytes;
        altered[rng.next_u32() as usize % ML_KEM_CIPHERTEXT] ^= 1;
        let here = From::decap(&other, None, &From::EncappedKey::from_bytes(&altered).unwrap()).unwrap();
        assert_eq!(there(&altered).0.as_slice(), here.0.as_slice());
        assert_ne!(here.0.as_slice(), shared.0.as_slice());
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn each_opens_what_the_other_sealed() {
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        for _ in 0..20 {
            let mut ikm = [0; 32];
            rng.fill_bytes(&mut ikm);
            opens_what_the_other_sealed::<aws_lc::AwsLcXWing, PureXWing>(&ikm, &mut rng);
            opens_what_the_other_sealed::<PureXWing, aws_lc::AwsLcXWing>(&ikm, &mut rng);
            // The `hpke` crate's own, without our refusals.
            opens_what_the_other_sealed::<aws_lc::AwsLcXWing, hpke::kem::XWing>(&ikm, &mut rng);
            opens_what_the_other_sealed::<hpke::kem::XWing, aws_lc::AwsLcXWing>(&ikm, &mut rng);
        }
    }
}
