//! One attack for each check of the keys that contributors seal to: who passes on the keys tries to have answers sealed to a key that it has.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_protocol::check::{Check, skip};
use tacit_protocol::fixtures::{ClusterWithKeys, class_answers, contributor_key, epochs, job, share};
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::sealing_epoch::{EpochError, SignedEpoch};

use super::crowd::members;

const NOW: u64 = 1_784_030_400;

/// The coordinator's statements with one altered, of node 0.
fn statements(members: &ClusterWithKeys, alter: impl FnOnce(&mut SignedEpoch)) -> Vec<Option<SignedEpoch>> {
    let mut statements = epochs(members, NOW, NOW + 1000);
    alter(statements[0].as_mut().unwrap());
    statements
}

/// Whether an honest contributor that gets these statements seals node 0's part of its answers to `key`.
fn opens(
    members: &ClusterWithKeys,
    job: &Job,
    statements: &[Option<SignedEpoch>],
    (seen, now): (&[u64], u64),
    key: &UnsealingKey,
) -> Result<bool, EpochError> {
    let cluster = members.cluster.clone();
    let cluster = cluster.sealing_to(statements, seen, now).map_err(|error| error.error)?;
    let (contributor, answers) = (contributor_key(1), class_answers(&[(0, 1)]));
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let submission = share(&cluster, job, "victim", &contributor, &answers, &mut rng).unwrap();
    Ok(submission.delivery(0).unwrap().open(&cluster, job, 0, key).is_ok())
}

fn key(seed: u64) -> UnsealingKey {
    UnsealingKey::generate(Suite::X25519, &mut ChaCha20Rng::seed_from_u64(seed))
}

#[test]
fn a_coordinator_puts_its_own_key_in_a_nodes_place() {
    let (members, job) = (members(), job(4, 3, 5, PayRule::Flat));
    let mine = key(7);
    let forged = statements(&members, |one| {
        one.value.key = mine.public();
        *one = Signed::new(one.value.clone(), Purpose::SealingEpoch, &members.identities[3]);
    });
    {
        let _all = skip(&[]);
        assert_eq!(opens(&members, &job, &forged, (&[], NOW), &mine), Err(EpochError::Signature));
        // Nor with another node's signature, or that of the node for another purpose.
        for (identity, purpose) in [(1, Purpose::SealingEpoch), (0, Purpose::Release)] {
            let forged = statements(&members, |one| {
                one.value.key = mine.public();
                *one = Signed::new(one.value.clone(), purpose, &members.identities[identity]);
            });
            assert_eq!(opens(&members, &job, &forged, (&[], NOW), &mine), Err(EpochError::Signature));
        }
    }
    let _skipped = skip(&[Check::SealingSignature]);
    assert_eq!(opens(&members, &job, &forged, (&[], NOW), &mine), Ok(true));
}

/// Somebody has got the secret key of an epoch, after its end: from a copy of the disk that should not be there.
#[test]
fn a_coordinator_serves_a_statement_whose_time_is_over() {
    let (members, job) = (members(), job(4, 3, 5, PayRule::Flat));
    let old = statements(&members, |_| {});
    let stolen = &members.sealing[0];
    {
        let _all = skip(&[]);
        assert_eq!(
            opens(&members, &job, &old, (&[], NOW + 999), stolen),
            Ok(true),
            "as long as the epoch lasts it is the node's key"
        );
        assert_eq!(opens(&members, &job, &old, (&[], NOW + 1000), stolen), Err(EpochError::Expired));
    }
    let _skipped = skip(&[Check::SealingExpiry]);
    assert_eq!(opens(&members, &job, &old, (&[], NOW + 1000), stolen), Ok(true));
}

#[test]
fn a_coordinator_goes_back_to_an_older_key_that_has_not_expired() {
    let (members, job) = (members(), job(4, 3, 5, PayRule::Flat));
    let old = statements(&members, |_| {});
    let stolen = &members.sealing[0];
    let seen = [NOW + 500, NOW, NOW];
    {
        let _all = skip(&[]);
        assert_eq!(opens(&members, &job, &old, (&seen, NOW + 600), stolen), Err(EpochError::WentBack));
    }
    let _skipped = skip(&[Check::SealingOrder]);
    assert_eq!(opens(&members, &job, &old, (&seen, NOW + 600), stolen), Ok(true));
}
