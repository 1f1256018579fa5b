//! The jobs of a store.

use tacit_mpc_core::sharing::NodeSet;

use super::*;
use crate::limits::Taken;
use crate::store::{Created, NewJob};
use crate::testing::cancellation;

/// A new job that this many nodes have opened.
pub(in crate::store) fn new_job(id: &JobId, nodes: usize) -> NewJob {
    NewJob {
        public: false,
        pool: None,
        id: id.clone(),
        cluster: Digest::of("cluster", &[]),
        buyer: "first".to_owned(),
        buyer_key: PublicKey::from_bytes([1; 32]),
        name: "signs".to_owned(),
        digest: Digest::of("test", &[]),
        items: 2,
        answers_per_item: 1,
        spec: b"{}".to_vec(),
        opened: NodeSet::all(nodes),
    }
}

async fn store() -> (tempfile::TempDir, Store, JobId) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let id: JobId = "signs".parse().unwrap();
    let job = new_job(&id, 2);
    assert!(store.add_job(job.clone()).await);
    assert!(!store.add_job(job).await);
    (folder, store, id)
}

impl Store {
    /// Changes the time at which a job entered its state to 1970.
    async fn backdate(&self, id: &JobId) {
        let id = id.clone();
        let sql = "UPDATE jobs SET changed_at = 1 WHERE id = ?1";
        self.write(move |db| Ok(db.execute(sql, [id.as_str()])?)).await.unwrap();
    }
}

async fn state(store: &Store, id: &JobId) -> JobState {
    store.job(id).await.unwrap().unwrap().state
}

impl Store {
    /// Stores a new job, whatever its buyer has. Returns whether it is new.
    pub(in crate::store) async fn add_job(&self, job: NewJob) -> bool {
        matches!(self.create_job(job, |_| Ok::<_, ()>(())).await.unwrap(), Created::New)
    }
}

#[tokio::test]
async fn jobs_count_against_their_buyer_until_they_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let ids: [JobId; 3] = ["one", "two", "three"].map(|id| id.parse().unwrap());
    let job = new_job(&ids[0], 3);
    let one = Taken::default().and(job.items, job.spec.len());
    let seen = |taken: Taken| Err::<(), _>(taken);
    assert!(store.add_job(job.clone()).await);
    assert_eq!(store.taken_by(job.buyer.clone()).await.unwrap(), one);
    let both = one.and(job.items, job.spec.len());
    assert_eq!(store.create_job(new_job(&ids[1], 3), seen).await.unwrap(), Created::Refused(both));
    assert!(store.job(&ids[1]).await.unwrap().is_none());
    let other = NewJob {
        buyer: "other".to_owned(),
        ..new_job(&ids[2], 3)
    };
    assert_eq!(store.create_job(other, seen).await.unwrap(), Created::Refused(one));
    assert!(store.cancel_job(&ids[0], cancellation()).await.unwrap());
    assert_eq!(store.create_job(new_job(&ids[1], 3), seen).await.unwrap(), Created::Refused(one));
}

#[tokio::test]
async fn states_go_forward_only() {
    let (_folder, store, id) = store().await;
    assert_eq!(state(&store, &id).await, JobState::Open);
    assert_eq!(store.begin_attempt(&id).await.unwrap(), None);
    assert!(store.close_job(&id).await.unwrap());
    assert!(!store.close_job(&id).await.unwrap());
    assert_eq!(store.begin_attempt(&id).await.unwrap(), Some(1));
    store.backdate(&id).await;
    assert_eq!(store.begin_attempt(&id).await.unwrap(), Some(2));
    // Another attempt does not change when it entered the state.
    let computing = store.oldest_jobs(&[JobState::Computing]).await.unwrap();
    assert_eq!(computing, [(JobState::Computing, 1)]);
    assert!(store.cancel_job(&id, cancellation()).await.unwrap());
    assert!(!store.cancel_job(&id, cancellation()).await.unwrap());
    assert_eq!(store.begin_attempt(&id).await.unwrap(), None);
    assert!(!store.fail_job(&id, "late".to_owned()).await.unwrap());
    assert_eq!(state(&store, &id).await, JobState::Cancelled);
}

#[tokio::test]
async fn attempts_survive_and_failures_end_the_job() {
    let (folder, store, id) = store().await;
    store.close_job(&id).await.unwrap();
    store.begin_attempt(&id).await.unwrap();
    store.attempt_failed(&id, "node `a` is gone".to_owned(), 2).await.unwrap();
    assert_eq!(state(&store, &id).await, JobState::Computing);
    drop(store);

    let store = Store::open_unwatched(folder.path()).unwrap();
    assert_eq!(store.begin_attempt(&id).await.unwrap(), Some(2));
    store.attempt_failed(&id, "node `a` is gone".to_owned(), 2).await.unwrap();
    let row = store.job(&id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, row.failures), (JobState::Failed, 2, 2));
    assert!(row.reason.unwrap().ends_with("node `a` is gone"));
}

#[tokio::test]
async fn lists_and_counts() {
    let (_folder, store, id) = store().await;
    assert_eq!(store.jobs().await.unwrap().len(), 1);
    assert_eq!(store.jobs_of(Some("second".to_owned()), None).await.unwrap().len(), 0);
    assert_eq!(store.spec(&id).await.unwrap().unwrap(), b"{}");
    assert!(store.count_jobs().await.unwrap().contains(&(JobState::Open, 1)));
    store.close_job(&id).await.unwrap();
    let [(JobState::Closing, since), (JobState::Computing, 0)] =
        store.oldest_jobs(&[JobState::Closing, JobState::Computing]).await.unwrap()[..]
    else {
        panic!("a closing job and none that is computed");
    };
    assert!(since > 1_700_000_000);
    assert_eq!(store.job(&"other".parse().unwrap()).await.unwrap(), None);
}
