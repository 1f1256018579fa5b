//! Authenticating what a node has recorded. A record says for which accepted set the node has released outputs; whoever could alter it in
//! the node's store could make the node release a second set, and the difference of two results tells answers.
//!
//! The code of a record is its HMAC-SHA256 ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)) under
//! `HKDF-Extract("tacit/v1 records", identity key)` over SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)), so the key lives as long
//! as the node.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::identity::SecretKey;
use tacit_mpc_core::digest::Digest;

/// The key that authenticates a node's records. Never printed; zeroized on drop.
#[derive(Clone)]
pub struct RecordKey(Zeroizing<[u8; 32]>);

impl RecordKey {
    /// Derives the key from a node's identity key.
    pub fn of(identity: &SecretKey) -> Self {
        let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(b"tacit/v1 records"), &*identity.to_bytes());
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&extracted);
        extracted.as_mut_slice().zeroize();
        Self(key)
    }

    /// The authentication code, 32 bytes, of the record that outputs of the job with this digest were released for this accepted set, or
    /// for none.
    pub fn code(&self, job: &Digest, released: Option<&Digest>) -> Vec<u8> {
        sign(&self.key(), &record(job, released)).as_ref().to_vec()
    }

    /// Whether this is the code of that record.
    pub fn is_code_of(&self, job: &Digest, released: Option<&Digest>, code: &[u8]) -> bool {
        verify(&self.key(), &record(job, released), code).is_ok()
    }

    fn key(&self) -> Key {
        Key::new(HMAC_SHA256, &*self.0)
    }
}

fn record(job: &Digest, released: Option<&Digest>) -> Vec<u8> {
    crate::codec::encode(&(job, released))
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_of_one_record_under_one_key() {
        let [key, again, other] = [1, 1, 2].map(|byte| RecordKey::of(&SecretKey::from_bytes(&[byte; 32])));
        let [job, other_job, set, other_set] = [b"1", b"2", b"3", b"4"].map(|text| Digest::of("test", &[text]));
        let code = key.code(&job, Some(&set));
        assert!(key.is_code_of(&job, Some(&set), &code) && again.is_code_of(&job, Some(&set), &code));
        assert!(!other.is_code_of(&job, Some(&set), &code), "another node");
        assert!(!key.is_code_of(&other_job, Some(&set), &code), "another job");
        assert!(!key.is_code_of(&job, Some(&other_set), &code), "another set");
        assert!(
            !key.is_code_of(&job, None, &code) && key.is_code_of(&job, None, &key.code(&job, None)),
            "none"
        );
        assert!(!key.is_code_of(&job, Some(&set), &code[..31]) && !key.is_code_of(&job, Some(&set), &[]));
        for position in 0..code.len() {
            let mut altered = code.clone();
            altered[position] ^= 1;
            assert!(!key.is_code_of(&job, Some(&set), &altered), "byte {position}");
        }
        assert_eq!(format!("{key:?}"), "RecordKey(..)");
    }
}
