//! The numbers that issuers have revoked, and the signed lists that say so, which nodes get too.

use rusqlite::OptionalExtension;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::credential::Revocation;

use super::{Failure, Store, StoreError, fixed_bytes, from_db};

/// The most lists of one pool. Each is sent to each node on each connection.
const MOST_LISTS: u64 = 1_000;

/// The most revoked numbers of one pool.
const MOST_NUMBERS: u64 = 1_000_000;

/// What came of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevokeOutcome {
    /// So many numbers of the pool are revoked now.
    Revoked(u64),
    /// No job here names these issuers: anybody can draw keys and call them issuers.
    UnknownIssuers,
    /// The pool would have more lists or numbers than one may have.
    TooMany,
}

impl Store {
    /// Stores a checked revocation, if a number in it is not revoked yet. A list with all revoked numbers of the pool takes the place of all
    /// lists before.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revoke(&self, revocation: Revocation) -> Result<RevokeOutcome, StoreError> {
        self.revoke_within(revocation, MOST_LISTS, MOST_NUMBERS).await
    }

    async fn revoke_within(&self, revocation: Revocation, most_lists: u64, most_numbers: u64) -> Result<RevokeOutcome, StoreError> {
        self.write_if(move |db| {
            let issuers = revocation.issuers.digest();
            let issuers = issuers.as_bytes().as_slice();
            // Anybody can draw keys, so only issuers that a job names may take room. A purge deletes nothing of it: the people who are revoked
            // keep their invitations, which the next job of the pool would take.
            let named = "SELECT 1 FROM jobs WHERE issuers = ?1 AND purged = 0";
            if !db.prepare_cached(named)?.exists([issuers])? {
                return Ok((RevokeOutcome::UnknownIssuers, false));
            }
            let count = |table: &str| -> Result<u64, Failure> {
                let query = format!("SELECT COUNT(*) FROM {table} WHERE issuers = ?1");
                Ok(from_db(db.query_row(&query, [issuers], |row| row.get(0))?))
            };
            let mut insert = db.prepare_cached("INSERT INTO revoked (issuers, number) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
            let mut new = 0;
            for number in &revocation.serials {
                new += insert.execute((issuers, number))?;
            }
            let revoked = count("revoked")?;
            if new == 0 {
                return Ok((RevokeOutcome::Revoked(revoked), false));
            }
            // The numbers of a list are all different.
            if revoked == revocation.serials.len() as u64 {
                db.execute("DELETE FROM revocations WHERE issuers = ?1", [issuers])?;
            }
            if revoked > most_numbers || count("revocations")? >= most_lists {
                return Ok((RevokeOutcome::TooMany, false));
            }
            let list = encode(&revocation);
            let digest = Digest::of("tacit/v1 revocation list", &[&list]);
            db.execute(
                "INSERT INTO revocations (issuers, digest, list) VALUES (?1, ?2, ?3)",
                (issuers, digest.as_bytes().as_slice(), &list),
            )?;
            Ok((RevokeOutcome::Revoked(revoked), true))
        })
        .await
    }

    /// Whether the issuers of this digest have revoked this number.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn is_revoked(&self, issuers: Digest, number: u32) -> Result<bool, StoreError> {
        self.read(move |db| {
            Ok(db
                .prepare_cached("SELECT 1 FROM revoked WHERE issuers = ?1 AND number = ?2")?
                .exists((issuers.as_bytes().as_slice(), number))?)
        })
        .await
    }

    /// The digests of the revocations of the issuers of this digest.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revocations(&self, issuers: Digest) -> Result<Vec<Digest>, StoreError> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT digest FROM revocations WHERE issuers = ?1")?;
            let mut rows = query.query([issuers.as_bytes().as_slice()])?;
            let mut digests = Vec::new();
            while let Some(row) = rows.next()? {
                let digest: Vec<u8> = row.get(0)?;
                digests.push(Digest::from_bytes(fixed_bytes(&digest, "a revocation's digest")?));
            }
            Ok(digests)
        })
        .await
    }

    /// The revocation of this digest; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn revocation(&self, digest: Digest) -> Result<Option<Revocation>, StoreError> {
        self.read(move |db| {
            let list: Option<Vec<u8>> = db
                .query_row(
                    "SELECT list FROM revocations WHERE digest = ?1",
                    [digest.as_bytes().as_slice()],
                    |row| row.get(0),
                )
                .optional()?;
            list.map(|list| decode(&list, "a revocation").map_err(|error| Failure::damaged(error.to_string())))
                .transpose()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::jobs::tests::new_job;
    use crate::store::readers::Pool;
    use crate::store::{NewJob, Purged};
    use tacit_protocol::fixtures::{issuers, revocation_of};
    use tacit_protocol::job::JobId;

    async fn add_job(store: &Store, id: &str) -> JobId {
        let id: JobId = id.parse().unwrap();
        let pool = Pool {
            issuers: issuers(2),
            closes_at: None,
        };
        store
            .add_job(NewJob {
                pool: Some(pool),
                ..new_job(&id, 3)
            })
            .await;
        id
    }

    #[tokio::test]
    async fn lists_and_numbers_of_a_pool_are_bounded_and_one_list_can_replace_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        let revoke = |numbers: &[u32]| store.revoke_within(revocation_of(&issuers(2), numbers), 2, 6);
        let lists = async || store.revocations(issuers(2).digest()).await.unwrap().len();
        assert_eq!(revoke(&[1]).await.unwrap(), RevokeOutcome::UnknownIssuers);
        add_job(&store, "one").await;
        assert_eq!(revoke(&[1]).await.unwrap(), RevokeOutcome::Revoked(1));
        assert_eq!(revoke(&[2, 3]).await.unwrap(), RevokeOutcome::Revoked(3));
        assert_eq!(revoke(&[1, 3]).await.unwrap(), RevokeOutcome::Revoked(3), "nothing new");
        assert_eq!(lists().await, 2);
        assert_eq!(revoke(&[4]).await.unwrap(), RevokeOutcome::TooMany);
        assert!(!store.is_revoked(issuers(2).digest(), 4).await.unwrap(), "nothing of it is stored");
        assert_eq!(revoke(&[1, 2, 3, 4, 5]).await.unwrap(), RevokeOutcome::Revoked(5));
        assert_eq!(lists().await, 1);
        assert_eq!(revoke(&[6]).await.unwrap(), RevokeOutcome::Revoked(6));
        assert_eq!(revoke(&[1, 2, 3, 4, 5, 6, 7]).await.unwrap(), RevokeOutcome::TooMany);
        assert_eq!(lists().await, 2, "nor is anything deleted");
    }

    #[tokio::test]
    async fn what_is_revoked_stays_so_when_the_jobs_of_the_pool_are_purged() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_unwatched(folder.path()).unwrap();
        let jobs = [add_job(&store, "one").await, add_job(&store, "two").await];
        store.revoke(revocation_of(&issuers(2), &[7])).await.unwrap();
        for job in &jobs {
            store.fail_job(job, "test".to_owned()).await.unwrap();
            assert!(matches!(store.purge(job).await.unwrap(), Purged::Done(_)));
        }
        // No job names the issuers now, so nothing new is taken.
        let new = store.revoke(revocation_of(&issuers(2), &[8])).await.unwrap();
        assert_eq!(new, RevokeOutcome::UnknownIssuers);
        add_job(&store, "three").await;
        assert!(store.is_revoked(issuers(2).digest(), 7).await.unwrap());
        assert_eq!(
            store.revocations(issuers(2).digest()).await.unwrap().len(),
            1,
            "the nodes get it again"
        );
    }
}
