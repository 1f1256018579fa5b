//! The store, across restarts and against a second process.

use super::*;
use std::collections::BTreeSet;
use tacit_protocol::job::Item;
use tacit_protocol::question::{Categorical, Release};

fn open(folder: &Path) -> Result<Store, StoreError> {
    let metrics = crate::metrics::Metrics::new(&crate::intake::tests::cluster(), 0).unwrap();
    Store::open(folder, metrics.store)
}

fn job() -> (Job, Vec<u8>) {
    let spec = JobSpec {
        answers_per_item: 3,
        release: BTreeSet::from([Release::Agreement]),
        ..JobSpec::new("job", Categorical::new(["a", "b"]), [Item::new("i")])
    };
    let json = serde_json::to_vec(&spec).unwrap();
    (Job::new("job".parse().unwrap(), spec).unwrap(), json)
}

fn kept(n: u8, id: u8, reason: Option<RejectReason>) -> Kept {
    Kept {
        digest: Digest::of("test", &[&[n]]),
        id: Some(SubmissionId::from_bytes([id; 16])),
        reason,
        header: vec![n],
        sealed: vec![n; 3],
    }
}

/// What is kept of a submission: the body with the components in their row, or without them the envelope's place.
fn found(store: &Store, job: &Job, digest: &Digest) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let mut accepted = None;
    store
        .for_each_kept(job.id(), &[*digest], |_, found| {
            if let Found::Accepted(body, place) = found {
                accepted = Some((body.to_vec(), place));
            }
        })
        .unwrap();
    accepted.map(|(body, place)| match place {
        Place::Row(number) => (body, Some(store.components(number).unwrap().unwrap())),
        Place::Envelope => (body, None),
    })
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
    assert_eq!(found(&store, &job, &one), Some((vec![1], Some(vec![1; 3]))));
    assert_eq!(found(&store, &job, &two), None);
    assert_eq!(store.delivery(job.id(), &one).unwrap(), None);
    let rows = || -> i64 {
        store
            .read(|c| c.query_row("SELECT COUNT(*) FROM components", [], |row| row.get(0)))
            .unwrap()
    };
    assert_eq!(rows(), 1);
    store.forget(job.id()).unwrap();
    assert_eq!(rows(), 0);
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
    assert_eq!(found(&store, &job, &kept(1, 7, None).digest), Some((vec![1], Some(vec![1; 3]))));
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
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert_eq!(Store::inspect(folder.path()).unwrap_err().to_string(), error.to_string());
}

#[test]
fn a_running_store_is_told_from_one_at_rest() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!Store::inspect(folder.path()).unwrap());
    let store = open(folder.path()).unwrap();
    assert!(Store::inspect(folder.path()).unwrap());
    assert!(store.is_writable());
    drop(store);
    assert!(!Store::inspect(folder.path()).unwrap());
}

/// Schema version 1 as its release made it: never to be changed.
const FIRST: &str = "
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        spec BLOB NOT NULL,
        released BLOB
    );
    CREATE TABLE submissions (
        job TEXT NOT NULL,
        digest BLOB NOT NULL,
        id BLOB,
        reason TEXT,
        body BLOB NOT NULL,
        PRIMARY KEY (job, digest)
    );
    CREATE INDEX submissions_by_id ON submissions (job, id);
    CREATE TABLE health (checked INTEGER NOT NULL);
    INSERT INTO health VALUES (0);
    PRAGMA user_version = 1;
";

/// A store of version 1 with a job, of which the set of this digest is released, and two submissions.
fn first(folder: &Path, released: &Digest) -> (Job, Connection) {
    let (job, spec) = job();
    let connection = Connection::open(folder.join(FILE)).unwrap();
    connection.execute_batch(FIRST).unwrap();
    let digest = job.digest();
    let row = params![job.id().as_str(), digest.as_bytes(), spec, released.as_bytes()];
    connection.execute("INSERT INTO jobs VALUES (?1, ?2, ?3, ?4)", row).unwrap();
    for one in [kept(1, 1, None), kept(2, 2, Some(RejectReason::BadSignature))] {
        let (id, reason) = (one.id.unwrap(), one.reason.map(RejectReason::name));
        let row = params![job.id().as_str(), one.digest.as_bytes(), id.as_bytes(), reason, one.header];
        connection
            .execute("INSERT INTO submissions VALUES (?1, ?2, ?3, ?4, ?5)", row)
            .unwrap();
    }
    (job, connection)
}

fn assert_whole(store: &Store, job: &Job, released: &Digest) {
    assert_eq!(*store.job(job.id()).unwrap().unwrap(), *job);
    assert_eq!(store.released(job.id()).unwrap(), Some(*released));
    let (one, two) = (kept(1, 1, None).digest, kept(2, 2, None).digest);
    assert_eq!(
        store.outcomes(job.id(), &[one, two]).unwrap(),
        HashMap::from([(one, None), (two, Some(RejectReason::BadSignature))])
    );
    // Kept whole, with the envelope that came.
    assert_eq!(found(store, job, &one), Some((vec![1], None)));
    assert_eq!(store.delivery(job.id(), &one).unwrap(), Some(vec![1]));
    assert_eq!(store.delivery(job.id(), &two).unwrap(), None);
}

fn tables(folder: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(folder.join(FILE)).unwrap();
    let mut query = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_store_of_the_first_release_is_taken_forward_whole() {
    let released = Digest::of("set", &[]);
    let folder = tempfile::tempdir().unwrap();
    let (job, connection) = first(folder.path(), &released);
    drop(connection);
    let store = open(folder.path()).unwrap();
    assert_whole(&store, &job, &released);
    assert_eq!(store.jobs_kept().unwrap().released, 1);
    drop(store);
    // It has become what a new store is.
    let new = tempfile::tempdir().unwrap();
    drop(open(new.path()).unwrap());
    assert_eq!(tables(folder.path()), tables(new.path()));
}

#[test]
fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let released = Digest::of("set", &[]);
    let folder = tempfile::tempdir().unwrap();
    let (job, connection) = first(folder.path(), &released);
    drop(connection);
    let before = tables(folder.path());
    let metrics = crate::metrics::Metrics::new(&crate::intake::tests::cluster(), 0).unwrap();
    let broken = [
        schema::MIGRATIONS,
        &["DELETE FROM submissions; CREATE TABLE more (x); INSERT INTO nowhere VALUES (1);"],
    ]
    .concat();
    let error = Store::open_with(folder.path(), metrics.store, &broken).unwrap_err();
    let StoreError::Migration { found: 1, known, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*known, schema::MIGRATIONS.len() + 1);
    assert!(
        error.to_string().contains("node.sqlite") && error.to_string().contains("nowhere"),
        "{error}"
    );
    assert_eq!(tables(folder.path()), before);
    assert_whole(&open(folder.path()).unwrap(), &job, &released);
}
