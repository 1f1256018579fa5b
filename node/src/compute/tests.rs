//! What a computation finds in a store that somebody has altered.

use std::sync::LazyLock;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::fixtures::cluster_with_keys;
use tacit_protocol::peer::{Answer, NoticeQuestion};
use tacit_protocol::release_notice::ReleaseNotice;

use super::noise_keys::noise_binding;
use super::*;
use crate::store::{Announced, Ended};
use crate::testing::{delivered, intake, job};

/// The peers of a node that has none.
struct Nobody;

impl Reminders for Nobody {
    fn ask_all(&self, _: &NoticeQuestion) -> Option<Vec<(usize, Answer)>> {
        Some(Vec::new())
    }
}

/// What node 0 of three has of a list.
fn look_up<'a>(intake: &'a Intake, job: &'a Job, list: &'a [SubmissionEntry]) -> Result<NodeSubmissions<'a>, StoreError> {
    static KEY: LazyLock<SecretKey> = LazyLock::new(|| cluster_with_keys(3, 1).identities[0].clone());
    let (key, peers) = (&*KEY, &Nobody);
    NodeSubmissions::look_up(Announcer { intake, key, peers }, job, list)
}

/// For each entry, node 0's verdict and the components that it opens; `None` where they do not open.
fn open(intake: &Intake, job: &Job, list: &[SubmissionEntry]) -> Vec<(Verdict, Option<Vec<Vec<Fp61>>>)> {
    let submissions = look_up(intake, job, list).unwrap();
    let components = |opened: OpenedSubmission| (0..2).map(|position| opened.expand(position).to_vec()).collect();
    let open = |entry: usize| (submissions.verdicts()[entry], submissions.open(entry).map(components));
    (0..list.len()).map(open).collect()
}

fn stored_components(intake: &Intake, job: &Job, digest: &Digest) -> Vec<u8> {
    let mut at = None;
    intake
        .store
        .for_each_stored(job.id(), &[*digest], |_, found| {
            if let StoredSubmission::Accepted(_, components) = found {
                at = Some(components);
            }
        })
        .unwrap();
    intake.store.components(at.unwrap()).unwrap().unwrap()
}

#[test]
fn altered_swapped_and_foreign_rows_do_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
    let batch = [delivered(&intake, &job, 0), delivered(&intake, &job, 0)];
    assert_eq!(intake.deliver(&job, &batch).unwrap(), [None, None]);
    let listed = |(digest, _): &(Digest, Vec<u8>)| SubmissionEntry {
        submission: *digest,
        answers: 1,
    };
    let list = [listed(&batch[0]), listed(&batch[1])];
    let good = open(&intake, &job, &list);
    assert!(
        good.iter()
            .all(|(verdict, components)| verdict.is_accepted() && components.is_some())
    );
    assert!(good[0] != good[1]);

    let sealed: Vec<Vec<u8>> = batch.iter().map(|(digest, _)| stored_components(&intake, &job, digest)).collect();
    let put = |number: i64, sealed: &[u8]| {
        intake
            .store
            .alter("UPDATE components_1 SET sealed = ?2 WHERE number = ?1", &[&number, &sealed]);
    };
    let unopened = vec![(Verdict::Accepted, None), good[1].clone()];
    for position in [0, sealed[0].len() / 2, sealed[0].len() - 1] {
        let mut altered = sealed[0].clone();
        altered[position] ^= 1;
        put(1, &altered);
        assert!(open(&intake, &job, &list) == unopened, "byte {position}");
    }
    put(1, &sealed[0][..sealed[0].len() - 1]);
    assert!(open(&intake, &job, &list) == unopened, "cut short");
    put(1, &sealed[1]);
    assert!(open(&intake, &job, &list) == unopened, "the row of another submission");
    put(1, &sealed[0]);
    assert!(open(&intake, &job, &list) == good, "put back");
    let pointer = "UPDATE submissions_1 SET components = 3 - components";
    intake.store.alter(pointer, &[]);
    assert!(
        open(&intake, &job, &list) == [(Verdict::Accepted, None), (Verdict::Accepted, None)],
        "pointers swapped"
    );
    intake.store.alter(pointer, &[]);

    // A header that does not match its digest counts as not delivered.
    intake
        .store
        .alter("UPDATE submissions_1 SET body = zeroblob(length(body)) WHERE components = 1", &[]);
    let lost = (Verdict::Rejected(RejectReason::NotDelivered), None);
    assert!(open(&intake, &job, &list) == [lost.clone(), good[1].clone()], "an altered header");

    // The signed header of another submission does not match either.
    let header = "UPDATE submissions_1 SET body = (SELECT body FROM submissions_1 WHERE digest = ?2), components = 1 WHERE digest = ?1";
    intake.store.alter(header, &[batch[0].0.as_bytes(), batch[1].0.as_bytes()]);
    assert!(
        open(&intake, &job, &list) == [lost.clone(), good[1].clone()],
        "the header of another submission"
    );

    // A row that was sealed under another key.
    let sealed = AtRestKey::generate(&mut UnwrapErr(SysRng))
        .seal(b"", &[0; 100], &mut UnwrapErr(SysRng))
        .unwrap();
    put(2, &sealed);
    assert!(
        open(&intake, &job, &list) == [lost.clone(), (Verdict::Accepted, None)],
        "another key"
    );
    // Once that was found in a computation, the row counts as spoilt, and a repair may replace it.
    let submissions = look_up(&intake, &job, &list).unwrap();
    submissions.note_unopened().unwrap();
    let spoilt = (Verdict::Rejected(RejectReason::Unsealable), None);
    assert!(open(&intake, &job, &list) == [lost, spoilt]);
    let lacking = look_up(&intake, &job, &list).unwrap().lacking();
    assert_eq!(lacking, [batch[0].0, batch[1].0]);
}

/// Keys of the noise as node 0 of three has them, each key one byte repeated.
fn noise_keys(intake: &Intake, byte: u8) -> StoredKeys {
    let access = intake.cluster.access();
    let digest = |component: usize| {
        let key = [byte + component as u8; 32];
        Digest::of("tacit/v1 kept key digest", &[&key, &[component as u8]])
    };
    let mut bytes = Digest::of("accepted", &[]).as_bytes().to_vec();
    (0..access.components()).for_each(|component| bytes.extend_from_slice(digest(component).as_bytes()));
    access
        .held_by(0)
        .iter()
        .for_each(|component| bytes.extend([byte + *component as u8; 32]));
    StoredKeys::from_bytes(access, 0, &bytes).unwrap()
}

/// What a computation finds of the keys of the noise: their digest and whether a release is recorded, or the refusal.
fn found_noise(intake: &Intake, job: &Job) -> Result<Option<(Digest, bool)>, Refusal> {
    let party = Party::new(intake.cluster.access(), NodeSet::all(3), 0).unwrap();
    let submissions = look_up(intake, job, &[]).unwrap();
    match submissions.noise_keys(&party) {
        Ok(own) => Ok(own.map(|own| (own.keys.digest(), own.recorded))),
        Err(error) => Err(submissions.failure.lock().unwrap().take().unwrap_or_else(|| panic!("{error}"))),
    }
}

#[test]
fn keys_of_noise_last_and_are_not_replaced_once_a_release_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (job, spec) = job(2);
    let (first, second);
    {
        let intake = intake(folder.path());
        intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
        (first, second) = (noise_keys(&intake, 1), noise_keys(&intake, 100));
        assert_eq!(found_noise(&intake, &job), Ok(None));
        let submissions = look_up(&intake, &job, &[]).unwrap();
        assert!(submissions.store_noise_keys(&first) && submissions.store_noise_keys(&second) && submissions.store_noise_keys(&first));
        assert_eq!(found_noise(&intake, &job), Ok(Some((first.digest(), false))));
    }
    let intake = intake(folder.path());
    let submissions = look_up(&intake, &job, &[]).unwrap();
    assert_eq!(found_noise(&intake, &job), Ok(Some((first.digest(), false))));
    assert!(submissions.record_release(&Digest::of("accepted", &[])));
    assert_eq!(found_noise(&intake, &job), Ok(Some((first.digest(), true))));
    assert!(submissions.store_noise_keys(&first), "the same keys again");
    assert!(!submissions.store_noise_keys(&second), "other keys beside a record");
    let released_before = Refusal::ReleasedBefore(job.id().clone());
    assert_eq!(submissions.failure.lock().unwrap().take(), Some(released_before.clone()));
    assert_eq!(found_noise(&intake, &job), Ok(Some((first.digest(), true))));
    // A job that has ended has no noise to be computed again with, and never gets a new one.
    intake.store.end(&job, Ended::Cancelled).unwrap();
    assert!(matches!(look_up(&intake, &job, &[]), Err(StoreError::Ended(_))));
    assert!(!submissions.store_noise_keys(&second));
    assert_eq!(submissions.failure.lock().unwrap().take(), Some(released_before));
    assert!(!submissions.record_release(&Digest::of("accepted", &[])));
}

/// A computation was cut off between notice and record, while peers were asked.
#[test]
fn keys_of_noise_that_were_announced_are_not_replaced_either() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
    let (announced, other) = (noise_keys(&intake, 1), noise_keys(&intake, 100));
    let submissions = look_up(&intake, &job, &[]).unwrap();
    assert!(submissions.store_noise_keys(&other));
    let notice = ReleaseNotice {
        cluster: intake.cluster.digest(),
        job_digest: job.digest(),
        accepted: Digest::of("accepted", &[]),
        noise: Some(announced.digest()),
        node: 0,
    };
    let notice = notice.sign(&cluster_with_keys(3, 1).identities[0]);
    assert_eq!(intake.store.announce(&job, &notice, &[]).unwrap(), Announced::ThisRelease);
    // The keys of a node that was reminded of its notice are others than it announced: it gets them from its peers, and keeps them.
    assert_eq!(found_noise(&intake, &job), Ok(Some((other.digest(), false))));
    assert!(submissions.store_noise_keys(&announced));
    assert_eq!(
        found_noise(&intake, &job),
        Ok(Some((announced.digest(), true))),
        "as if it were recorded"
    );
    let third = noise_keys(&intake, 50);
    assert!(!submissions.store_noise_keys(&third));
    assert_eq!(
        submissions.failure.lock().unwrap().take(),
        Some(Refusal::ReleasedBefore(job.id().clone()))
    );
    assert!(
        !intake.store.store_noise_keys(&job, b"sealed", None).unwrap(),
        "announced meanwhile"
    );
    assert_eq!(found_noise(&intake, &job), Ok(Some((announced.digest(), true))));
    assert!(submissions.record_release(&Digest::of("accepted", &[])));
}

#[test]
fn keys_of_noise_that_do_not_open_are_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
    let keys = noise_keys(&intake, 1);
    assert!(look_up(&intake, &job, &[]).unwrap().store_noise_keys(&keys));
    let (sealed, _) = intake.store.noise_keys(&job).unwrap();
    let sealed = sealed.unwrap();
    // No key is in clear in the store.
    assert!(!sealed.windows(16).any(|window| window == [2; 16] || window == [3; 16]));
    let refused = |intake: &Intake| matches!(found_noise(intake, &job), Err(Refusal::Storage(text)) if text.contains("noise of job"));
    for position in [0, 40, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[position] ^= 1;
        intake.store.alter("UPDATE jobs SET noise = ?1", &[&altered]);
        assert!(refused(&intake), "byte {position}");
    }
    // Sealed for another node, and under another key.
    let seal = |key: &AtRestKey, node: usize| {
        key.seal(&noise_binding(&job, node), &keys.to_bytes(), &mut UnwrapErr(SysRng))
            .unwrap()
    };
    let key = intake.store.key(&job).unwrap();
    intake.store.alter("UPDATE jobs SET noise = ?1", &[&seal(&key, 1)]);
    assert!(refused(&intake));
    intake.store.alter(
        "UPDATE jobs SET noise = ?1",
        &[&seal(&AtRestKey::generate(&mut UnwrapErr(SysRng)), 0)],
    );
    assert!(refused(&intake));
    intake.store.alter("UPDATE jobs SET noise = ?1", &[&sealed]);
    assert_eq!(found_noise(&intake, &job), Ok(Some((keys.digest(), false))));
}

#[test]
fn a_record_that_was_altered_stops_the_computation_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
    let submissions = look_up(&intake, &job, &[]).unwrap();
    let (first, other) = (Digest::of("accepted", &[b"1"]), Digest::of("accepted", &[b"2"]));
    assert!(submissions.record_release(&first) && submissions.record_release(&first));
    let refused = |submissions: &NodeSubmissions<'_>, set: &Digest| {
        assert!(!submissions.record_release(set));
        submissions.failure.lock().unwrap().take().unwrap()
    };
    assert_eq!(refused(&submissions, &other), Refusal::ReleasedBefore(job.id().clone()));
    // Somebody who can write to the store removes the record, or puts another set in its place.
    for altered in [None, Some(other.as_bytes().as_slice())] {
        intake.store.alter("UPDATE jobs SET released = ?1", &[&altered]);
        for set in [&first, &other] {
            let refusal = refused(&submissions, set);
            assert!(
                matches!(&refusal, Refusal::Storage(text) if text.contains("was altered")),
                "{refusal}"
            );
        }
        assert!(found_noise(&intake, &job).is_err());
        assert!(matches!(
            intake.deliver(&job, &[delivered(&intake, &job, 0)]),
            Err(StoreError::Record { .. })
        ));
    }
    intake.store.alter("UPDATE jobs SET released = ?1", &[first.as_bytes()]);
    assert!(submissions.record_release(&first), "put back");
}
