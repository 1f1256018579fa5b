//! What becomes of deliveries: one outcome each, and what is refused at the door.

use tacit_protocol::fixtures::{credential_of, invitation_of, issuer_keys, issuers, revocation_of, share, share_with_credential};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::question::Answer;

use super::*;
use crate::store::{Recorded, Revoked, StoredSubmission};
use crate::testing::{cluster, delivered, intake, invited_job, job};

#[test]
fn a_delivery_gets_the_same_outcome_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &Room::default()).unwrap();
    let good = delivered(&intake, &job, 0);
    let garbage = (Digest::of("test", &[b"garbage"]), b"garbage".to_vec());
    let misnamed = (Digest::of("test", &[b"other"]), good.1.clone());
    let swapped = delivered(&intake, &job, 1);
    let foreign = delivered(&intake, &self::job(3).0, 0);
    let batch = [good, garbage, misnamed, swapped, foreign];
    let expected = [
        None,
        Some(RejectReason::Malformed),
        Some(RejectReason::Malformed),
        Some(RejectReason::DigestMismatch),
        Some(RejectReason::WrongJob),
    ];
    assert_eq!(intake.deliver(&job, &batch).unwrap(), expected);
    // A repeated delivery is not counted again, except for bytes of which no trace is left.
    assert_eq!(intake.deliver(&job, &batch).unwrap(), expected);
    let counted = |outcome| intake.metrics.submissions_of(outcome);
    assert_eq!(["accepted", "malformed", "digest_mismatch", "wrong_job"].map(counted), [1, 4, 1, 1]);
    let digests = [0, 3].map(|index: usize| batch[index].0);
    let mut stored = Vec::new();
    intake
        .store
        .for_each_stored(job.id(), &digests, |index, found| {
            stored.push((index, matches!(found, StoredSubmission::Accepted(..))));
        })
        .unwrap();
    assert_eq!(stored, [(0, true), (1, false)]);

    let recorded = intake.store.record_release(&job, &Digest::of("set", &[]), &[]).unwrap();
    assert_eq!(recorded, Recorded::ThisSet);
    let late = delivered(&intake, &job, 0);
    assert_eq!(intake.deliver(&job, &[late]).unwrap(), [Some(RejectReason::JobClosed)]);
}

fn of_number(job: &Job, number: u32) -> (Digest, Vec<u8>) {
    let mut rng = UnwrapErr(SysRng);
    let key = SecretKey::generate(&mut rng);
    let credential = credential_of(&cluster(), job, number, &key).unwrap();
    let answers = [(0, Answer::Class(1))];
    let submission = share_with_credential(&cluster(), job, &credential, &key, &answers, &mut rng).unwrap();
    let delivery = submission.delivery(0).unwrap();
    (delivery.header.value.digest(), encode(&delivery))
}

#[test]
fn a_revocation_stops_what_is_not_yet_held_and_leaves_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = invited_job();
    let revocation = revocation_of(&issuers(2), &[7]);
    assert_eq!(revocation.check(), Ok(()));
    assert_eq!(
        intake.store.revoke(&revocation).unwrap(),
        Revoked::Unknown,
        "no job names these issuers"
    );
    intake.store.open_job(&job, &spec, &Room::default()).unwrap();
    let [held, late, other] = [of_number(&job, 7), of_number(&job, 7), of_number(&job, 8)];
    assert_eq!(intake.deliver(&job, std::slice::from_ref(&held)).unwrap(), [None]);
    assert_eq!(intake.store.revoke(&revocation).unwrap(), Revoked::Stored);
    assert_eq!(
        intake.store.revoke(&revocation).unwrap(),
        Revoked::Stored,
        "the same again changes nothing"
    );

    let batch = [held, late.clone(), other];
    let outcomes = [None, Some(RejectReason::BadCredential), None];
    assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
    assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
    assert!(intake.store.outcomes(job.id(), &[late.0]).unwrap().is_empty());
}

#[test]
fn a_forged_credential_is_rejected_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = invited_job();
    intake.store.open_job(&job, &spec, &Room::default()).unwrap();
    let mut rng = UnwrapErr(SysRng);
    let key = SecretKey::generate(&mut rng);
    let mut alone = issuers(2);
    alone.need = 1;
    // One issuer signs alone, as if that were enough.
    let mut credential = invitation_of(&alone, 9).credential(&cluster().digest(), &issuers(2), &key.public());
    credential.signatures = issuer_keys()[..1]
        .iter()
        .filter_map(|key| credential.grant.sign(&issuers(2), key))
        .collect();
    let good = Delivery::decode(&of_number(&job, 9).1).unwrap();
    let mut header = good.header.value;
    (header.statement.key, header.statement.credential) = (key.public(), Some(credential));
    let delivery = Delivery {
        header: Signed::new(header, Purpose::Submission, &key),
        envelope: good.envelope,
    };
    let forged = (delivery.header.value.digest(), encode(&delivery));
    let refused = [Some(RejectReason::BadCredential)];
    assert_eq!(intake.deliver(&job, std::slice::from_ref(&forged)).unwrap(), refused);
    let stored = intake.store.outcomes(job.id(), &[forged.0]).unwrap();
    assert_eq!(stored.get(&forged.0), Some(&Some(RejectReason::BadCredential)));
}

#[test]
fn what_is_beyond_the_quota_is_refused_and_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &Room::default()).unwrap();
    let key = SecretKey::from_bytes(&[9; 32]);
    let by = |items: &[u32], node: usize| {
        let answers: Vec<_> = items.iter().map(|item| (*item, Answer::Class(1))).collect();
        let submission = share(&intake.cluster, &job, "alice", &key, &answers, &mut UnwrapErr(SysRng)).unwrap();
        let mut delivery = submission.delivery(0).unwrap();
        delivery.envelope = submission.delivery(node).unwrap().envelope;
        (delivery.header.value.digest(), encode(&delivery))
    };
    // What this node cannot open counts against its author, too.
    let batch = [by(&[0, 1], 0), by(&[1], 1), by(&[0], 0), by(&[0], 0), delivered(&intake, &job, 0)];
    let full = Some(RejectReason::JobFull);
    let outcomes = [None, Some(RejectReason::DigestMismatch), None, full, None];
    assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
    let digests: Vec<Digest> = batch.iter().map(|(digest, _)| *digest).collect();
    let stored = intake.store.outcomes(job.id(), &digests).unwrap();
    assert!(stored.len() == 4 && !stored.contains_key(&digests[3]));
    assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes, "the same again");
    assert_eq!(intake.deliver(&job, &[by(&[1], 0)]).unwrap(), [full]);
}

#[test]
fn what_was_spoilt_or_forged_on_its_way_does_not_decide_about_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &Room::default()).unwrap();
    let deliver = |digest, bytes: &[u8]| intake.deliver(&job, &[(digest, bytes.to_vec())]).unwrap()[0];
    for spoil in [
        |delivery: &mut Delivery| delivery.envelope[9] ^= 1,
        |delivery| delivery.header.signature = tacit_protocol::identity::Signature::from_bytes([3; 64]),
    ] as [fn(&mut Delivery); 2]
    {
        let (digest, good) = delivered(&intake, &job, 0);
        let mut spoilt = Delivery::decode(&good).unwrap();
        spoil(&mut spoilt);
        assert!(deliver(digest, &encode(&spoilt)).is_some());
        assert!(deliver(digest, b"garbage").is_some());
        assert_eq!(deliver(digest, &good), None);
        // And what is good stays so.
        assert_eq!(deliver(digest, &encode(&spoilt)), None);
        let mut stored = Vec::new();
        let each = |_, found: StoredSubmission<'_>| stored.push(matches!(found, StoredSubmission::Accepted(..)));
        intake.store.for_each_stored(job.id(), &[digest], each).unwrap();
        assert_eq!(stored, [true]);
    }
}

#[test]
fn submissions_of_a_job_that_was_replaced_meanwhile_are_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let ((first, spec), (second, other_spec)) = (job(2), job(3));
    intake.store.open_job(&first, &spec, &Room::default()).unwrap();
    let good = delivered(&intake, &first, 0);
    assert!(intake.store.unopen(&first).unwrap());
    intake.store.open_job(&second, &other_spec, &Room::default()).unwrap();
    let deliver = || intake.deliver(&first, std::slice::from_ref(&good));
    assert!(matches!(deliver(), Err(StoreError::Ended(_))), "{:?}", deliver());
    // A delivery that had the first job's key before stores nothing either.
    let submission = intake
        .examine(&first, good.0, &good.1, &AtRestKey::generate(&mut UnwrapErr(SysRng)))
        .unwrap();
    let outcomes = intake.store.store_submissions(&first, 3, &[submission]).unwrap();
    assert_eq!(outcomes, [Some(RejectReason::WrongJob)]);
    assert!(intake.store.outcomes(second.id(), &[good.0]).unwrap().is_empty());
}
