//! The store, across restarts and against a second process.

use super::*;
use std::collections::BTreeSet;
use tacit_core::job::{Item, Question, Release};

fn open(folder: &Path) -> Result<Store, StoreError> {
    let metrics = crate::metrics::Metrics::new(&crate::intake::tests::cluster(), 0).unwrap();
    Store::open(folder, metrics.store)
}

fn job() -> (Job, Vec<u8>) {
    let spec = JobSpec {
        name: "job".to_owned(),
        question: Question::Categorical {
            classes: vec!["a".to_owned(), "b".to_owned()],
            text: None,
        },
        items: vec![Item {
            id: "i".to_owned(),
            text: None,
        }],
        answers_per_item: 3,
        closes_at: None,
        sensitive: true,
        release: BTreeSet::from([Release::Agreement]),
        quorum: None,
        label_rule: Default::default(),
        weights: Default::default(),
        gold: None,
        payout: None,
    };
    let json = serde_json::to_vec(&spec).unwrap();
    (Job::new("job".parse().unwrap(), spec).unwrap(), json)
}

fn kept(n: u8, id: u8, reason: Option<RejectReason>) -> Kept {
    Kept {
        digest: Digest::of("test", &[&[n]]),
        id: Some(SubmissionId::from_bytes([id; 16])),
        reason,
        body: vec![n],
    }
}

#[test]
fn jobs_and_submissions_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (job, spec) = job();
    {
        let store = open(folder.path()).unwrap();
        assert_eq!(store.open_job(&job, &spec).unwrap(), job.digest());
        let outcomes = store
            .keep(&job, &[kept(1, 1, None), kept(2, 2, Some(RejectReason::BadSignature))])
            .unwrap();
        assert_eq!(outcomes, [None, Some(RejectReason::BadSignature)]);
    }
    let store = open(folder.path()).unwrap();
    assert!(store.is_writable());
    assert_eq!(*store.job(job.id()).unwrap().unwrap(), job);
    let (one, two) = (kept(1, 1, None).digest, kept(2, 2, None).digest);
    assert_eq!(store.outcomes(job.id(), &[one, two, Digest::of("other", &[])]).unwrap().len(), 2);
    assert_eq!(store.body(job.id(), &one).unwrap(), Some(vec![1]));
    assert_eq!(store.body(job.id(), &two).unwrap(), None);
    store.forget(job.id()).unwrap();
    assert!(store.job(job.id()).unwrap().is_none());
}

#[test]
fn a_second_submission_of_the_same_id_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec).unwrap();
    let outcomes = store.keep(&job, &[kept(1, 7, None), kept(2, 7, None)]).unwrap();
    assert_eq!(outcomes, [None, Some(RejectReason::DuplicateSubmission)]);
    // The same submission delivered twice is not its own duplicate.
    assert_eq!(store.keep(&job, &[kept(1, 7, None)]).unwrap(), [None]);
}

#[test]
fn outputs_are_released_for_one_accepted_set_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec).unwrap();
    let (first, other) = (Digest::of("set", &[b"1"]), Digest::of("set", &[b"2"]));
    let kept = store.jobs_kept().unwrap();
    assert_eq!((kept.open, kept.released), (1, 0));
    assert!(kept.oldest_open > 1_700_000_000, "{kept:?}");
    assert!(store.record_release(&job, &first).unwrap());
    assert!(store.record_release(&job, &first).unwrap());
    let kept = JobsKept {
        open: 0,
        released: 1,
        oldest_open: 0,
    };
    assert_eq!(store.jobs_kept().unwrap(), kept);
    assert!(!store.record_release(&job, &other).unwrap());
    assert_eq!(store.released(job.id()).unwrap(), Some(first));
    // A cancelled job's release is remembered: the same id cannot be used to score again.
    store.forget(job.id()).unwrap();
    assert_eq!(store.released(job.id()).unwrap(), Some(first));
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.is_writable());
    let path = folder.path().join("node.sqlite");
    let other = Connection::open(&path).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let error = other.execute("UPDATE health SET checked = 0", []).unwrap_err();
    assert!(matches!(classify(&path, &error), StoreError::InUse(_)), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let connection = Connection::open(folder.path().join("node.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(folder.path()).unwrap_err();
    assert!(error.to_string().contains("schema version 99"), "{error}");
}
