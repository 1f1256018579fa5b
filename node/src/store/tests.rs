//! What the store keeps of jobs and submissions: across restarts, against a second process, and how much.

mod endings;

use super::jobs::JobCounts;
use super::*;
use std::collections::BTreeSet;
use std::time::Duration;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::fixtures::buyer_key;
use tacit_protocol::identity::{PublicKey, Signature};
use tacit_protocol::job::{Item, JobSpec};
use tacit_protocol::question::{Categorical, Release};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Role, Subject};

fn open(folder: &Path) -> Result<Store, StoreError> {
    let metrics = crate::metrics::Metrics::new(&crate::testing::cluster(), 0).unwrap();
    Store::open(folder, metrics.store, crate::testing::records())
}

fn cluster_digest() -> Digest {
    Digest::of("test cluster", &[])
}

fn job() -> (Job, Vec<u8>) {
    let spec = JobSpec {
        answers_per_item: 3,
        release: BTreeSet::from([Release::Agreement]),
        sensitive: false,
        ..JobSpec::new("job", Categorical::new(["a", "b"]), [Item::new("i")])
    };
    let job = Job::sign(&cluster_digest(), "job".parse().unwrap(), spec, &buyer_key()).unwrap();
    let json = serde_json::to_vec(&job.to_signed_spec()).unwrap();
    (job, json)
}

fn submission(n: u8, reason: Option<RejectReason>) -> NewSubmission {
    NewSubmission {
        digest: Digest::of("test", &[&[n]]),
        author: reason.is_none().then(|| Author {
            subject: Subject::Key(PublicKey::from_bytes([n; 32])),
            role: Role::Answers,
            answers: 1,
        }),
        reason,
        header: vec![n],
        sealed: vec![n; 3],
    }
}

/// How many rows of components the job with this number has.
fn components_of(store: &Store, job: i64) -> i64 {
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'components_' || ?1";
    store
        .read(|c| {
            if c.query_row(tables, [job], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(0);
            }
            c.query_row(&format!("SELECT COUNT(*) FROM components_{job}"), [], |row| row.get(0))
        })
        .unwrap()
}

/// What is stored of an accepted submission: the header and the sealed components.
fn found(store: &Store, job: &Job, digest: &Digest) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut accepted = None;
    store
        .for_each_stored(job.id(), &[*digest], |_, found| {
            if let StoredSubmission::Accepted(header, at) = found {
                accepted = Some((header.to_vec(), at));
            }
        })
        .unwrap();
    accepted.map(|(header, at)| (header, store.components(at).unwrap().unwrap()))
}

#[test]
fn jobs_and_submissions_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (job, spec) = job();
    {
        let store = open(folder.path()).unwrap();
        assert_eq!(
            store.open_job(&job, &spec, &Room::default()).unwrap(),
            OpenedJob::Open(job.digest())
        );
        let outcomes = store
            .store_submissions(&job, 3, &[submission(1, None), submission(2, Some(RejectReason::BadSignature))])
            .unwrap();
        assert_eq!(outcomes, [None, Some(RejectReason::BadSignature)]);
    }
    let store = open(folder.path()).unwrap();
    store.probe().unwrap();
    assert_eq!(*store.job(job.id(), &cluster_digest()).unwrap().unwrap(), job);
    let (one, two) = (submission(1, None).digest, submission(2, None).digest);
    assert_eq!(store.outcomes(job.id(), &[one, two, Digest::of("other", &[])]).unwrap().len(), 2);
    assert_eq!(found(&store, &job, &one), Some((vec![1], vec![1; 3])));
    assert_eq!(found(&store, &job, &two), None);
    let rows = || components_of(&store, 1);
    assert_eq!(rows(), 1);
    store.end(&job, Ended::Cancelled).unwrap();
    assert_eq!(rows(), 0);
    assert!(store.job(job.id(), &cluster_digest()).unwrap().is_none());
}

#[test]
fn what_was_spoilt_is_replaced_by_what_is_good_and_never_the_other_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    let (spoilt, wrong) = (Some(RejectReason::Unsealable), Some(RejectReason::WrongJob));
    let put = |one: NewSubmission| store.store_submissions(&job, 3, &[one]).unwrap()[0];
    let digest = submission(1, None).digest;
    let rows = || components_of(&store, 1);
    assert_eq!(put(submission(1, spoilt)), spoilt);
    let mut header = Vec::new();
    let each = |_, found: StoredSubmission<'_>| {
        if let StoredSubmission::Spoilt(RejectReason::Unsealable, bytes) = found {
            header = bytes.to_vec();
        }
    };
    store.for_each_stored(job.id(), &[digest], each).unwrap();
    assert_eq!((header, rows()), (vec![1], 0), "its header is kept for the repair");
    assert_eq!(put(submission(1, None)), None);
    assert_eq!(found(&store, &job, &digest), Some((vec![1], vec![1; 3])));
    assert_eq!(put(submission(1, spoilt)), None);
    assert_eq!(put(submission(1, None)), None);
    assert_eq!((found(&store, &job, &digest), rows()), (Some((vec![1], vec![1; 3])), 1));
    // Of a row that does not open any more nothing stays, and it is repaired as if it had never come.
    store.spoil(job.id(), &[digest]).unwrap();
    assert_eq!((found(&store, &job, &digest), rows()), (None, 0));
    assert_eq!(store.store_repaired(&job, &[submission(1, None)]).unwrap(), 1);
    let learnt = NewSubmission {
        reason: Some(RejectReason::NotDelivered),
        ..submission(2, None)
    };
    assert!(store.store_learnt(&job, 3, &[learnt]).unwrap().is_empty());
    let three = [1, 2, 4].map(|n| submission(n, None));
    assert_eq!(
        store.store_repaired(&job, &three).unwrap(),
        1,
        "one is good already, one was never noted"
    );
    assert_eq!((found(&store, &job, &digest), rows()), (Some((vec![1], vec![1; 3])), 2));
    // What its header says stays.
    assert_eq!(put(submission(3, wrong)), wrong);
    assert_eq!(put(submission(3, None)), wrong);
    store.end(&job, Ended::Cancelled).unwrap();
    let repaired = store.store_repaired(&job, &[submission(1, None)]).unwrap();
    assert_eq!(repaired, 0, "nothing comes back of a job that has ended");
    assert_eq!(rows(), 0);
}

#[test]
fn outputs_are_released_for_one_accepted_set_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    let (first, other) = (Digest::of("set", &[b"1"]), Digest::of("set", &[b"2"]));
    let counts = store.count_jobs().unwrap();
    assert_eq!((counts.open, counts.released), (1, 0));
    assert!(counts.oldest_open > 1_700_000_000, "{counts:?}");
    assert_eq!(store.record_release(&job, &first, &[]).unwrap(), Recorded::ThisSet);
    assert_eq!(store.record_release(&job, &first, &[]).unwrap(), Recorded::ThisSet);
    let counts = JobCounts {
        open: 0,
        released: 1,
        oldest_open: 0,
    };
    assert_eq!(store.count_jobs().unwrap(), counts);
    assert_eq!(store.record_release(&job, &other, &[]).unwrap(), Recorded::NotThisSet);
    assert_eq!(store.released(&job).unwrap(), Some(first));
    // The release of a job that has ended is remembered, and its id is never opened again.
    store.end(&job, Ended::Cancelled).unwrap();
    assert_eq!(store.count_jobs().unwrap(), counts);
    assert_eq!(store.record_release(&job, &first, &[]).unwrap(), Recorded::NotThisSet);
    assert_eq!(store.open_job(&job, &spec, &Room::default()).unwrap(), OpenedJob::Ended);
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.probe().unwrap();
    let path = folder.path().join("node.sqlite");
    let other = Connection::open(&path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let error = other.execute("UPDATE health SET checked = 0", []).unwrap_err();
    assert!(
        matches!(DatabaseError::in_query(&path, &error), DatabaseError::InUse { .. }),
        "{error}"
    );
    let second = open(folder.path()).unwrap_err();
    assert!(matches!(second, StoreError::Database(DatabaseError::InUse { .. })), "{second}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let connection = Connection::open(folder.path().join("node.sqlite")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Database(DatabaseError::Newer { found: 99, known: 1, .. })),
        "{error}"
    );
    assert_eq!(Store::inspect(folder.path()).unwrap_err().to_string(), error.to_string());
}

#[test]
fn an_ended_job_is_refused_as_ended_and_whatever_fails_as_storage() {
    let id: JobId = "job".parse().unwrap();
    assert_eq!(StoreError::Ended(id.clone()).into_refusal(), Refusal::Ended(id.clone()));
    let altered = StoreError::Record {
        path: "node.sqlite".into(),
        job: id,
    };
    let refusal = altered.into_refusal();
    assert!(
        matches!(&refusal, Refusal::Storage(text) if text.contains("was altered")),
        "{refusal}"
    );
}

#[test]
fn a_running_store_is_told_from_one_at_rest() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!Store::inspect(folder.path()).unwrap());
    let store = open(folder.path()).unwrap();
    assert!(Store::inspect(folder.path()).unwrap());
    store.probe().unwrap();
    drop(store);
    assert!(!Store::inspect(folder.path()).unwrap());
}

#[test]
fn no_more_jobs_are_open_than_there_is_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    let cluster = crate::testing::cluster().digest();
    let named = |id: &str| {
        let spec = job.to_signed_spec().spec;
        Job::sign(&cluster, id.parse().unwrap(), spec, &buyer_key()).unwrap()
    };
    let room = Room {
        max_open_jobs: 2,
        ..Room::default()
    };
    for id in ["one", "two", "one"] {
        let one = named(id);
        assert_eq!(store.open_job(&one, &spec, &room).unwrap(), OpenedJob::Open(one.digest()));
    }
    // A job that was released holds its place, until the node sees the certificate.
    store.record_release(&named("two"), &Digest::of("set", &[]), &[]).unwrap();
    assert_eq!(store.open_job(&job, &spec, &room).unwrap(), OpenedJob::NoRoom("max_open_jobs", 2));
    assert!(store.job(job.id(), &cluster).unwrap().is_none());
    let small = [
        (
            Room {
                max_items: 2,
                ..Room::default()
            },
            OpenedJob::NoRoom("max_items", 2),
        ),
        (
            Room {
                max_spec_mb: 0,
                ..Room::default()
            },
            OpenedJob::NoRoom("max_spec_mb", 0),
        ),
    ];
    for (room, expected) in small {
        assert_eq!(store.open_job(&job, &spec, &room).unwrap(), expected);
    }
    // A job that ended makes room.
    store.end(&named("one"), Ended::TooOld).unwrap();
    assert_eq!(store.open_job(&job, &spec, &room).unwrap(), OpenedJob::Open(job.digest()));
}

#[test]
fn submissions_that_nobody_signed_are_stored_up_to_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    store.alter("UPDATE jobs SET unsigned = 65535", &[]);
    let bad = |n| submission(n, Some(RejectReason::BadSignature));
    let outcomes = store.store_submissions(&job, 3, &[bad(1), bad(2), submission(3, None)]).unwrap();
    assert_eq!(outcomes, [Some(RejectReason::BadSignature), Some(RejectReason::BadSignature), None]);
    let known = |n| store.outcomes(job.id(), &[bad(n).digest]).unwrap().len();
    assert_eq!([known(1), known(2), known(3)], [1, 0, 1]);
}

#[test]
fn issuers_of_open_jobs_revoke_up_to_a_number_and_what_they_revoked_ends_with_their_last_job() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let mut spec = job().0.to_signed_spec().spec;
    spec.issuers = Some(tacit_protocol::fixtures::issuers(2));
    let issuers = tacit_protocol::fixtures::issuers(2);
    let named = |id: &str| Job::sign(&cluster_digest(), id.parse().unwrap(), spec.clone(), &buyer_key()).unwrap();
    let jobs = ["one", "two"].map(named);
    for job in &jobs {
        let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
        store.open_job(job, &text, &Room::default()).unwrap();
    }
    let revoke = |numbers: &[u32]| store.revoke(&tacit_protocol::fixtures::revocation_of(&issuers, numbers)).unwrap();
    assert_eq!(revoke(&[7]), Revoked::Stored);
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000997)
         INSERT INTO revoked SELECT issuers, i FROM n, (SELECT issuers FROM jobs LIMIT 1)";
    store.alter(fill, &[]);
    // One number fits still; the same list again brings no new one.
    assert_eq!(revoke(&[1, 2]), Revoked::Full);
    assert!(
        !store.is_revoked(&issuers.digest(), 1).unwrap(),
        "a list is stored as a whole or not at all"
    );
    assert_eq!(
        [revoke(&[1]), revoke(&[1]), revoke(&[2])],
        [Revoked::Stored, Revoked::Stored, Revoked::Full]
    );
    store.end(&jobs[0], Ended::Cancelled).unwrap();
    assert!(store.is_revoked(&issuers.digest(), 7).unwrap());
    store.end(&jobs[1], Ended::Cancelled).unwrap();
    assert!(!store.is_revoked(&issuers.digest(), 7).unwrap());
    assert_eq!(revoke(&[7]), Revoked::Unknown);
}
