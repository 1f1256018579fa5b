//! Whether a store belongs to the cluster, checked before anything in it is changed.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};
use tacit_mpc_core::digest::Digest;
use tacit_program::sqlite;
use tacit_protocol::api::JobState;

use super::{Failure, Store, StoreError, fixed_bytes, from_db, schema};

/// How many unfinished jobs belong to other clusters, and the digest of one of those clusters.
fn jobs_of_others(db: &Connection, cluster: Digest) -> Result<Option<(u64, Digest)>, Failure> {
    let [open, closing, computing, verified] =
        [JobState::Open, JobState::Closing, JobState::Computing, JobState::Verified].map(JobState::name);
    let query = "SELECT COUNT(*) OVER (), cluster FROM jobs WHERE cluster <> ?1 AND state IN (?2, ?3, ?4, ?5) ORDER BY number LIMIT 1";
    let row: Option<(i64, Vec<u8>)> = db
        .query_row(query, (cluster.as_bytes().as_slice(), open, closing, computing, verified), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    row.map(|(jobs, theirs)| Ok((from_db(jobs), Digest::from_bytes(fixed_bytes(&theirs, "a cluster's digest")?))))
        .transpose()
}

fn refuse(path: &Path, ours: Digest, others: Option<(u64, Digest)>) -> Result<(), StoreError> {
    others.map_or(Ok(()), |(jobs, theirs)| {
        Err(StoreError::OtherCluster {
            path: path.to_owned(),
            jobs,
            theirs,
            ours,
        })
    })
}

impl Store {
    /// Checks that every unfinished job belongs to this cluster. Submissions of another cluster's jobs are sealed to other keys, so no
    /// node of this one could open them.
    ///
    /// # Errors
    /// A job belongs to another cluster, or the store fails.
    pub(crate) async fn check_cluster(&self, cluster: Digest) -> Result<(), StoreError> {
        let others = self.read(move |db| jobs_of_others(db, cluster)).await?;
        refuse(self.path(), cluster, others)
    }

    /// Checks the store in folder `data`, if there is one, without changing it. Returns whether another process uses it: then a
    /// coordinator runs on this folder.
    ///
    /// # Errors
    /// A coordinator of this cluster could not use the store.
    pub(crate) fn inspect(data: &Path, cluster: Option<Digest>) -> Result<bool, StoreError> {
        let inspection = sqlite::inspect(data, schema::SCHEMA)?;
        if let (Some(db), Some(cluster)) = (&inspection.connection, cluster) {
            let path = data.join(schema::SCHEMA.file_name);
            let others = jobs_of_others(db, cluster).map_err(|failure| failure.at(&path))?;
            refuse(&path, cluster, others)?;
        }
        Ok(inspection.in_use)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewJob;
    use tacit_mpc_core::sharing::NodeSet;
    use tacit_program::sqlite::DatabaseError;

    #[tokio::test]
    async fn unfinished_jobs_of_another_cluster_are_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, other) = (Digest::of("cluster", &[]), Digest::of("other", &[]));
        Store::inspect(&folder.path().join("none"), Some(ours)).unwrap();
        Store::inspect(folder.path(), Some(ours)).unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        let job = |id: &str| NewJob {
            public: false,
            pool: None,
            id: id.parse().unwrap(),
            cluster: ours,
            buyer: "first".to_owned(),
            buyer_key: tacit_protocol::identity::PublicKey::from_bytes([1; 32]),
            name: id.to_owned(),
            digest: Digest::of("test", &[]),
            items: 2,
            answers_per_item: 1,
            spec: b"{}".to_vec(),
            opened: NodeSet::all(2),
        };
        for id in ["a", "b", "c"] {
            store.add_job(job(id)).await;
        }
        store
            .cancel_job(&"b".parse().unwrap(), crate::testing::cancellation())
            .await
            .unwrap();
        store.check_cluster(ours).await.unwrap();
        let error = store.check_cluster(other).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("2 unfinished jobs") && text.contains(&ours.to_string()) && text.contains(&other.to_string()),
            "{text}"
        );
        assert!(!text.contains('\n'));
        assert!(Store::inspect(folder.path(), Some(ours)).unwrap(), "a coordinator runs");
        drop(store);

        assert!(!Store::inspect(folder.path(), Some(ours)).unwrap());
        Store::inspect(folder.path(), None).unwrap();
        assert_eq!(Store::inspect(folder.path(), Some(other)), Err(error));
        let store = Store::open_unwatched(folder.path()).unwrap();
        assert_eq!(store.job(&"a".parse().unwrap()).await.unwrap().unwrap().state, JobState::Open);
    }

    #[test]
    fn what_is_no_store_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::write(&data, "a file").unwrap();
        assert!(matches!(
            Store::inspect(&data, None),
            Err(StoreError::Database(DatabaseError::Open { .. }))
        ));
        let junk = folder.path().join("coordinator.sqlite");
        std::fs::write(&junk, "not a database, and longer than its header would be: ".repeat(4)).unwrap();
        assert!(matches!(
            Store::inspect(folder.path(), None),
            Err(StoreError::Database(DatabaseError::Open { .. }))
        ));
    }
}
