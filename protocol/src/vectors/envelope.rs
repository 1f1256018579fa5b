//! `envelope.json`: what is sealed to one node, in both suites.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{OK, Vectors};
use crate::sealing::{Binding, SealingError, SealingKey, Suite, UnsealingKey};

/// An envelope and the key that it is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about this envelope.
    pub name: String,
    /// The node's public key, with its suite.
    pub sealing_key: SealingKey,
    /// The node's secret key, hexadecimal; missing where the public key is unusable.
    pub secret_key: Option<String>,
    /// HPKE's `info`, hexadecimal.
    pub info: String,
    /// HPKE's `aad`, hexadecimal.
    pub aad: String,
    /// The envelope, hexadecimal: the encapsulated key, then the ciphertext; missing where the public key is unusable.
    pub envelope: Option<String>,
    /// What is in the envelope, hexadecimal, where it opens.
    pub plaintext: Option<String>,
    /// The sender's randomness, hexadecimal, where the envelope is to be made again. X25519: `ikm` of `DeriveKeyPair` in `Encap` (RFC 9180, section 4.1). X-Wing:
    /// `eseed` of `EncapsulateDerand`, 32 bytes for ML-KEM and 32 for X25519.
    pub randomness: Option<String>,
    /// `ok`; `envelope` if it does not open; `key` if nothing can be sealed to the public key.
    pub expect: String,
}

/// What an error is called in the file.
pub fn name(error: SealingError) -> &'static str {
    match error {
        SealingError::Key => "key",
        SealingError::Envelope => "envelope",
    }
}

/// Makes `envelope.json`. With feature `aws-lc` the envelopes of X-Wing differ from run to run: AWS-LC draws a part of the randomness itself.
pub fn make() -> Vectors<Case> {
    let mut cases = Vec::new();
    for (suite, encapsulated, random) in [(Suite::X25519, 32, 32), (Suite::XWing, 1120, 64)] {
        let mut rng = ChaCha20Rng::from_seed([0xe0; 32]);
        let key = UnsealingKey::generate(suite, &mut rng);
        let (info, aad, plaintext) = (
            b"info of the envelope".as_slice(),
            b"aad of the envelope".as_slice(),
            b"components".as_slice(),
        );
        let seed = [0xe1; 32];
        let mut randomness = vec![0; random];
        ChaCha20Rng::from_seed(seed).fill_bytes(&mut randomness);
        let sealed = |plaintext: &[u8]| {
            let binding = Binding { info, aad };
            key.public().seal(binding, plaintext, &mut ChaCha20Rng::from_seed(seed)).unwrap()
        };
        let good = Case {
            name: "opens".to_owned(),
            sealing_key: key.public(),
            secret_key: Some(hex::encode(key.to_bytes())),
            info: hex::encode(info),
            aad: hex::encode(aad),
            envelope: Some(hex::encode(sealed(plaintext))),
            plaintext: Some(hex::encode(plaintext)),
            randomness: Some(hex::encode(randomness)),
            expect: OK.to_owned(),
        };
        let empty = Case {
            name: "opens, and nothing is in it".to_owned(),
            envelope: Some(hex::encode(sealed(b""))),
            plaintext: Some(String::new()),
            ..good.clone()
        };
        let bad = |name: &str, alter: &dyn Fn(&mut Case, &mut Vec<u8>)| {
            let mut case = good.clone();
            let mut bytes = hex::decode(case.envelope.as_deref().unwrap()).unwrap();
            alter(&mut case, &mut bytes);
            Case {
                name: name.to_owned(),
                envelope: Some(hex::encode(bytes)),
                plaintext: None,
                randomness: None,
                expect: name_of_refusal(),
                ..case
            }
        };
        let other = UnsealingKey::generate(suite, &mut rng);
        cases.extend([
            good.clone(),
            empty,
            bad("another key", &|case, _| {
                case.sealing_key = other.public();
                case.secret_key = Some(hex::encode(other.to_bytes()));
            }),
            bad("another info", &|case, _| case.info = hex::encode(b"other")),
            bad("another aad", &|case, _| case.aad = hex::encode(b"other")),
            bad("an altered ciphertext", &|_, bytes| bytes[encapsulated] ^= 1),
            bad("an altered tag", &|_, bytes| *bytes.last_mut().unwrap() ^= 1),
            bad("an altered encapsulated key", &|_, bytes| bytes[0] ^= 1),
            bad("an ephemeral point of low order", &|_, bytes| {
                bytes[encapsulated - 32..encapsulated].fill(0);
            }),
            bad("cut by a byte", &|_, bytes| bytes.truncate(bytes.len() - 1)),
            bad("a byte after the end", &|_, bytes| bytes.push(0)),
            bad("cut in the encapsulated key", &|_, bytes| bytes.truncate(encapsulated - 1)),
            bad("nothing", &|_, bytes| bytes.clear()),
        ]);
        let unusable = |name: &str, alter: &dyn Fn(&mut Vec<u8>)| {
            let mut case = Case {
                name: name.to_owned(),
                secret_key: None,
                envelope: None,
                plaintext: None,
                randomness: None,
                expect: self::name(SealingError::Key).to_owned(),
                ..good.clone()
            };
            alter(&mut case.sealing_key.public_key);
            case
        };
        cases.push(unusable("a public key of low order", &|key| {
            let point = key.len() - 32;
            key[point..].fill(0);
        }));
        cases.push(unusable("a public key that is too short", &|key| key.truncate(key.len() - 1)));
        cases.push(unusable("a public key that is too long", &|key| key.push(0)));
        if suite == Suite::XWing {
            cases.push(unusable("an ML-KEM key with coefficients above 3328", &|key| key[..3].fill(0xff)));
        }
    }
    Vectors {
        about: "Envelopes: HPKE (RFC 9180) in base mode, single shot, with HKDF-SHA256 and ChaCha20-Poly1305. Open envelope with secret_key, info and aad; expect is `ok` and the plaintext, `envelope`, or `key` if nothing can be sealed to sealing_key.".to_owned(),
        cases,
    }
}

fn name_of_refusal() -> String {
    name(SealingError::Envelope).to_owned()
}
