//! The files are what is made today, and every case is as it says.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::setup::Setup;
use super::{OK, Vectors, certificate, encoding, envelope, header, read, receipt, setup, submission};
use crate::sealing::{Binding, Suite, UnsealingKey};

/// Asserts that a file is as it would be made today. What differs is shown by the file's own diff once it is made again.
fn same<C: Serialize + DeserializeOwned + PartialEq + Debug>(file: &str, made: &Vectors<C>, name: fn(&C) -> &str, drawn: fn(&C) -> bool) {
    let stored: Vectors<C> = read(file);
    let again = "make the files again, see protocol/vectors/README.md, and look at what has changed";
    assert_eq!(stored.about, made.about, "{file}: {again}");
    let names = |vectors: &Vectors<C>| vectors.cases.iter().map(|case| name(case).to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&stored), names(made), "{file}: {again}");
    for (stored, made) in stored.cases.iter().zip(&made.cases) {
        assert!(drawn(made) || stored == made, "{file}, case `{}`: {again}", name(made));
    }
}

#[test]
fn the_setup_is_what_the_cases_are_made_with() {
    let file: setup::SetupFile = read("setup.json");
    assert_eq!(file, Setup::new().file());
    let cluster = crate::cluster::Cluster::parse(file.cluster_toml.as_bytes()).unwrap();
    assert_eq!(cluster.digest(), file.cluster_digest);
    for (current, key) in Setup::new().members.cluster.sealing_keys().iter().zip(&file.sealing_keys) {
        let secret = UnsealingKey::from_bytes(key.suite, &hex::decode(&key.secret_key).unwrap()).unwrap();
        assert_eq!((secret.public(), file.sealing_epoch), (current.key.clone(), current.number));
    }
}

#[test]
fn every_message_has_its_bytes() {
    same("encoding.json", &encoding::make(), |case| &case.name, |_| false);
}

#[test]
fn headers_are_checked_as_they_say() {
    same("header.json", &header::make(), |case| &case.name, |_| false);
    let setup = Setup::new();
    for case in read::<Vectors<header::Case>>("header.json").cases {
        let bytes = hex::decode(&case.signed_header).unwrap();
        assert_eq!(header::verdict(&setup, &case.job, &bytes), case.expect, "{}", case.name);
        assert_eq!(case.expect == OK, case.digest.is_some(), "{}", case.name);
    }
}

#[test]
fn submissions_open_as_they_say() {
    same("submission.json", &submission::make(), |case| &case.name, |_| false);
    let setup = Setup::new();
    for case in read::<Vectors<submission::Case>>("submission.json").cases {
        let opened = submission::open(&setup, &hex::decode(&case.submission).unwrap());
        let verdict = opened.as_ref().err().map_or(OK, |reason| reason.name());
        assert_eq!(verdict, case.expect, "{}", case.name);
        assert_eq!(opened.ok(), case.components, "{}", case.name);
        assert_eq!(case.components.as_deref().map(submission::sum), case.elements, "{}", case.name);
        let (Some(answers), Some(elements)) = (case.answers, case.elements) else {
            continue;
        };
        // One row for each item of the submission; items without gold have a row of zeros.
        let items: Vec<u32> = if answers == setup::GOLD_ANSWERS {
            (0..4).collect()
        } else {
            answers.iter().map(|(item, _)| *item).collect()
        };
        let one_hot = items
            .iter()
            .flat_map(|item| (0..3).map(|class| u64::from(answers.contains(&(*item, class)))));
        assert_eq!(one_hot.collect::<Vec<_>>(), elements, "{}", case.name);
    }
}

#[test]
fn envelopes_open_as_they_say() {
    // AWS-LC draws a part of the randomness of X-Wing itself, so its envelopes cannot be made again.
    let drawn = |case: &envelope::Case| cfg!(feature = "aws-lc") && case.sealing_key.suite == Suite::XWing;
    same("envelope.json", &envelope::make(), |case| &case.name, drawn);
    for case in read::<Vectors<envelope::Case>>("envelope.json").cases {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let (info, aad) = (bytes(&case.info), bytes(&case.aad));
        let binding = Binding { info: &info, aad: &aad };
        let suite = case.sealing_key.suite;
        let verdict = if let (Some(secret), Some(sealed)) = (&case.secret_key, &case.envelope) {
            let secret = UnsealingKey::from_bytes(suite, &bytes(secret)).unwrap();
            assert_eq!(secret.public(), case.sealing_key);
            assert_eq!(case.sealing_key.check(), Ok(()));
            let opened = secret.open(binding, &bytes(sealed));
            assert_eq!(opened.as_ref().ok().map(hex::encode), case.plaintext, "{suite:?}: {}", case.name);
            opened.map(drop)
        } else {
            case.sealing_key.check()
        };
        assert_eq!(verdict.err().map_or(OK, envelope::name), case.expect, "{suite:?}: {}", case.name);
    }
}

#[test]
fn randomness_is_what_the_ephemeral_keys_are_made_of() {
    use hpke::{Kem, Serializable, kem::X25519HkdfSha256};

    let mut known = 0;
    for case in read::<Vectors<envelope::Case>>("envelope.json").cases {
        let (Some(randomness), Some(sealed)) = (case.randomness, case.envelope) else {
            continue;
        };
        let (randomness, sealed) = (hex::decode(randomness).unwrap(), hex::decode(sealed).unwrap());
        let (point, at) = match case.sealing_key.suite {
            Suite::X25519 => (X25519HkdfSha256::derive_keypair(&randomness).1.to_bytes().to_vec(), 0),
            Suite::XWing => {
                let scalar = randomness[32..].try_into().unwrap();
                (
                    curve25519_dalek::MontgomeryPoint::mul_base_clamped(scalar).to_bytes().to_vec(),
                    1088,
                )
            }
        };
        assert_eq!(sealed[at..at + 32], point, "{}", case.name);
        known += 1;
    }
    assert_eq!(known, 4);
}

#[test]
fn records_are_under_their_roots_as_they_say() {
    same("receipt.json", &receipt::make(), |case| &case.name, |_| false);
    let setup = Setup::new();
    let cases = read::<Vectors<receipt::Case>>("receipt.json").cases;
    for case in &cases {
        assert_eq!(receipt::verdict(&setup, case), case.expect, "{}", case.name);
        assert_eq!(
            hex::encode(crate::codec::encode(&case.proof.record)),
            case.record_hex,
            "{}",
            case.name
        );
    }
    let good = cases.iter().filter(|case| case.expect == OK).count();
    assert!(good == 5 && cases.len() > 15);
}

#[test]
fn certificates_verify_as_they_say() {
    let setup = Setup::new();
    let vectors: Vectors<certificate::Case> = read("certificate.json");
    for case in &vectors.cases {
        let opened = certificate::opened(&setup, &case.certificate);
        let verdict = opened.as_ref().err().map_or(OK, certificate::name);
        assert_eq!(verdict, case.expect, "{}", case.name);
        assert_eq!(opened.ok(), case.opened, "{}", case.name);
    }
    assert!(vectors.cases.len() > 10);
}
